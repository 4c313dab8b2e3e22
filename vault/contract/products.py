"""The contract of a product (数据产品), which is made from components only."""

from typing import Annotated

from pydantic import Field, model_validator

from vault.contract.parts import Column, ContractPart, Title, check_grain
from vault.contract.words import ApplicationField, Name, RefreshPeriod, Text


class ProductContract(ContractPart):
    """A data product (数据产品): made from components only."""

    title: Title
    description: Text
    application_field: ApplicationField
    grain: Annotated[tuple[Name, ...], Field(min_length=1)]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    purpose: Text
    refresh_period: RefreshPeriod
    owner: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9_-]*$")]
    operator: Text

    @model_validator(mode="after")
    def _grain_is_among_columns(self) -> "ProductContract":
        check_grain(self.grain, self.columns)
        return self
