"""Contracts of sources, components and products: the one place where a table is declared.

Field names follow the Open Data Contract Standard v3.1 (`logicalType`, `physicalName`,
`primaryKey`, ...) where it has one; Jinku's own keys are camelCase beside them.
The values are frozen; an unknown key names the nearest known one.
"""

import difflib
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

LogicalType = Literal["string", "integer", "number", "boolean", "date", "timestamp"]
Role = Literal[
    "identifier", "quasi_identifier", "sensitive", "attribute", "measure", "timestamp", "free_text", "target"
]
Grade = Literal["general", "important", "core"]
RefreshPeriod = Literal["realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "static"]
Subject = Literal["person", "enterprise", "event", "aggregate", "object"]
ApplicationField = Literal["governance", "development", "livelihood", "innovation"]
Severity = Literal["critical", "warning", "info"]
Dimension = Literal["normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]
Character = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1)]

REFRESH_PERIOD_DAYS: dict[str, int | None] = {
    "realtime": 1,
    "daily": 1,
    "weekly": 7,
    "monthly": 31,
    "quarterly": 92,
    "yearly": 366,
    "static": None,
}
"""Longest time, in days, between two refreshes that keeps the promise; None: never stale."""

PERSONAL_ROLES = frozenset({"identifier", "quasi_identifier", "sensitive", "free_text"})
"""Roles whose values never reach logs, reports, errors or metadata."""


class ContractPart(BaseModel):
    """A frozen part of a contract; an unknown key is refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, str_strip_whitespace=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest(cls, data: Any, handler: ModelWrapValidatorHandler["ContractPart"]) -> "ContractPart":
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
        message = f"unknown key '{loc[0]}'{_nearest(str(loc[0]), known)}"
    elif line["type"] == "literal_error":
        known = [word.strip(" '") for word in line["ctx"]["expected"].replace(" or ", ", ").split(",")]
        message = f"'{given}' is not one of {', '.join(known)}{_nearest(str(given), known)}"
    elif line["type"] == "missing":
        message = f"missing key '{loc[-1]}'"
    return InitErrorDetails(
        type=PydanticCustomError("contract", "{message}", {"message": message}), loc=loc, input=given
    )


def _nearest(given: str, known: list[str]) -> str:
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


class Provider(ContractPart):
    """Who hands the data over."""

    name: Text
    kind: Literal["government", "enterprise", "organisation", "person"]


class LegalBasis(ContractPart):
    """Why the data may be held, and until when."""

    basis: Literal["statutory", "consent", "contract", "authorised_operation"]
    reference: Text
    expires: date


class Reader(ContractPart):
    """How the provider's files are read. `auto` goes by the file's ending."""

    format: Literal["auto", "csv", "json", "parquet", "excel", "zip"] = "auto"
    delimiter: Character = ","
    quote: Character = '"'
    header: bool = True
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    sheet: str | None = None


class SourceCost(ContractPart):
    """What the source costs the vault each period, in fen and hours."""

    acquisition_fen: int = Field(0, ge=0)
    governance_hours: float = Field(0.0, ge=0, allow_inf_nan=False)


class Table(ContractPart):
    """One table inside a zip source: the member file and its columns."""

    name: Name
    file: Text
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> "Table":
        _refuse_duplicates([column.name for column in self.columns])
        return self


class SourceContract(ContractPart):
    """What a provider hands over: who, by what right, and what the columns are."""

    title: Title
    description: Text
    provider: Provider
    acquisition: Literal["authorisation", "agreement_purchase", "exchange", "incentive"]
    legal_basis: LegalBasis
    permitted_purposes: Annotated[tuple[Text, ...], Field(min_length=1)]
    grade: Grade
    category: Literal["personal", "enterprise", "public", "environment", "geography"]
    refresh_period: RefreshPeriod
    owner: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9_-]*$")]
    files: Annotated[tuple[Text, ...], Field(min_length=1)]
    reader: Reader = Reader.model_construct()
    columns: tuple[Column, ...] = ()
    tables: tuple[Table, ...] = ()
    cost: SourceCost = SourceCost.model_construct()

    @model_validator(mode="after")
    def _one_kind_of_table(self) -> "SourceContract":
        if bool(self.columns) == bool(self.tables):
            raise PydanticCustomError("contract", "give either 'columns' (one table) or 'tables' (a zip)")
        _refuse_duplicates([column.name for column in self.columns])
        _refuse_duplicates([table.name for table in self.tables])
        return self


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


class ComponentCost(ContractPart):
    """What the component's model cost to make, and costs to run in each period, in fen."""

    development_fen: int = Field(ge=0)
    useful_life_months: int = Field(36, ge=1)
    run_cost_fen: int = Field(0, ge=0, description="support and supervision; storage and compute are metered")
    expected_licences: int = Field(1, ge=1, description="licences over which the cost is recovered")


class Pricing(ContractPart):
    """How the price is formed: the regime and the ecosystem the component serves."""

    regime: Literal["market", "public_guided", "public_free"] = "market"
    ecosystem: ApplicationField | None = None
    ceiling_fen: int | None = Field(None, ge=0, description="highest price of public_guided; the cost where left out")


class Rights(ContractPart):
    """The confirmations of rights (确权) that the component rests on."""

    holding: Text
    processing: Text


class ComponentContract(ContractPart):
    """What a data component (数据元件) promises to its buyers."""

    title: Title
    description: Text
    application_field: ApplicationField
    form: Literal["standard", "custom"]
    subject: Subject
    grain: Annotated[tuple[Name, ...], Field(min_length=1)]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    purpose: Text
    permitted_uses: Annotated[tuple[Text, ...], Field(min_length=1)]
    release_tier: Literal["sandbox", "market", "public"] = "market"
    minimum_group: int = Field(11, ge=1, description="fewest subjects behind one row")
    population_share: float | None = Field(
        None, ge=0, le=1, description="share of the target population that the rows cover; nothing said, no credit"
    )
    refresh_period: RefreshPeriod
    cost: ComponentCost
    pricing: Pricing
    expectations: tuple[Expectation, ...] = ()
    owner: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9_-]*$")]
    provider: Text
    rights: Rights

    @model_validator(mode="after")
    def _grain_is_among_columns(self) -> "ComponentContract":
        _check_grain(self.grain, self.columns)
        return self


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
        _check_grain(self.grain, self.columns)
        return self


def _refuse_duplicates(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PydanticCustomError("contract", "declared twice: {names}", {"names": ", ".join(twice)})


def _check_grain(grain: tuple[str, ...], columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    _refuse_duplicates(names)
    for name in grain:
        if name not in names:
            raise PydanticCustomError(
                "contract", "grain names no column: {message}", {"message": f"'{name}'{_nearest(name, names)}"}
            )
