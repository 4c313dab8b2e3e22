"""What all contracts are made of: frozen parts that explain what is wrong with them, titles and columns."""

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from vault.contract.words import LogicalType, Name, Role, Text


class ContractPart(BaseModel):
    """A frozen part of a contract; an unknown key is refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, str_strip_whitespace=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_thenearest(cls, data: Any, handler: ModelWrapValidatorHandler["ContractPart"]) -> "ContractPart":
        try:
            return handler(data)
        except ValidationError as error:
            details = [_explained(cls, dict(line)) for line in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, details) from None


def _explained(model: type[BaseModel], line: dict[str, Any]) -> InitErrorDetails:
    """One line of a validation error, with the nearest valid key or value in its message."""
    loc, given, message = line["loc"], line["input"], str(line["msg"])
    if line["type"] == "extra_forbidden" and len(loc) == 1:
        known = [field.alias or name for name, field in model.model_fields.items()]
        message = f"unknown key '{loc[0]}'{nearest(str(loc[0]), known)}"
    elif line["type"] == "literal_error":
        known = [word.strip(" '") for word in line["ctx"]["expected"].replace(" or ", ", ").split(",")]
        message = f"'{given}' is not one of {', '.join(known)}{nearest(str(given), known)}"
    elif line["type"] == "missing":
        message = f"missing key '{loc[-1]}'"
    return InitErrorDetails(
        type=PydanticCustomError("contract", "{message}", {"message": message}), loc=loc, input=given
    )


def nearest(given: str, known: list[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"


class Title(ContractPart):
    """The name people read, in both languages."""

    en: Text
    zh: Text


class Column(ContractPart):
    """One column: its name in our tables, its name as received, type, role and unit."""

    name: Name
    physical_name: str | None = Field(None, description="header as received, when it differs from name")
    logical_type: LogicalType
    role: Role
    unit: str | None = None
    primary_key: bool = False
    event_time: bool = False
    decision_resolution: float | None = Field(None, gt=0, description="smallest difference that matters")
    concept_id: str | None = None
    description: Text

    @property
    def header(self) -> str:
        """The column's name in the provider's file."""
        return self.physical_name or self.name


def refuse_duplicates(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PydanticCustomError("contract", "declared twice: {names}", {"names": ", ".join(twice)})


def check_grain(grain: tuple[str, ...], columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    refuse_duplicates(names)
    for name in grain:
        if name not in names:
            raise PydanticCustomError(
                "contract", "grain names no column: {message}", {"message": f"'{name}'{nearest(name, names)}"}
            )
