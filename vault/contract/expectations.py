"""What is expected of the rows of a table."""

from typing import Annotated, Any

from pydantic import Field

from vault.contract.parts import ContractPart
from vault.contract.words import Dimension, Severity, Text


class Expectation(ContractPart):
    """One thing that is expected of a table's data, in the type names and arguments of Great Expectations."""

    type: Annotated[str, Field(pattern=r"^(expect_[a-z0-9_]+|unexpected_rows_expectation)$")]
    arguments: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = "warning"
    dimension: Dimension | None = Field(None, description="quality dimension; by the type where it is left out")
    weight: float = Field(1.0, gt=0)
    reason: Text


class TableContract(ContractPart):
    """What is expected of a base or resource table; its columns follow from its model."""

    description: Text
    owner: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9_-]*$")]
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1)]
