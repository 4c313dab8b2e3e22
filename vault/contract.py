"""Contracts of sources, components and products: the one place where a table is declared.

Field names follow the Open Data Contract Standard v3.1 (`logicalType`, `physicalName`,
`primaryKey`, ...) where it has one; Jinku's own keys are camelCase beside them.
The values are frozen; an unknown key names the nearest known one.
"""

import difflib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
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


class ProviderContract(ContractPart):
    """The agreement with the provider, and until when it holds."""

    reference: Text
    expires: date


class SubjectKey(ContractPart):
    """Whom the rows speak of, and the column that says who: withdrawals and consents are matched by its pseudonym."""

    kind: Literal["person", "enterprise"] = "person"
    column: Name


class ConsentRules(ContractPart):
    """What a source that rests on consent asks of it, beside one consent for every permitted purpose.

    sensitive: whether sensitive columns need a consent of their own; minors: whether subjects below fourteen years, by
    `birthDate`, need their guardian's.
    """

    sensitive: Literal["separate", "none"]
    minors: Literal["guardian", "none"]
    birth_date: Name | None = None

    @model_validator(mode="after")
    def _minors_can_be_told(self) -> "ConsentRules":
        if self.minors == "guardian" and self.birth_date is None:
            raise PydanticCustomError("contract", "'minors: guardian' needs 'birthDate', the column that tells an age")
        return self


class CrossBorder(ContractPart):
    """By what a source may leave the country, and until when. A source that says nothing may not."""

    mechanism: Literal["security_assessment", "standard_contract", "certification"]
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
    provider_contract: ProviderContract | None = None
    subject: SubjectKey | None = None
    consent: ConsentRules | None = None
    cross_border: CrossBorder | None = None
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

    @model_validator(mode="after")
    def _named_columns_are_there(self) -> "SourceContract":
        columns = [*self.columns, *(column for table in self.tables for column in table.columns)]
        names = sorted({column.name for column in columns})
        for part, name in (
            ("subject", self.subject.column if self.subject else None),
            ("consent", self.consent.birth_date if self.consent else None),
        ):
            if name is not None and name not in names:
                raise PydanticCustomError(
                    "contract",
                    "{part} names no column: {message}",
                    {"part": part, "message": f"'{name}'{_nearest(name, names)}"},
                )
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
    """The confirmations of rights (确权) that the component rests on.

    holding: the providers whose holding rights it rests on, set apart by semicolons; processing: who may make it;
    resources: the sources that it may be made from; expires: its last day, where that is before the sources' own.
    """

    holding: Text
    processing: Text
    resources: tuple[Name, ...] = ()
    expires: date | None = None

    @property
    def holders(self) -> frozenset[str]:
        """The providers by name."""
        return frozenset(name.strip() for name in self.holding.split(";") if name.strip())


class Generalisation(ContractPart):
    """By which rule the values of a column become coarser, level by level; after the last level stands `*` alone."""

    of: Name | None = Field(None, description="column of the resource table, when it is called otherwise")
    hierarchy: Text | None = Field(None, description="file beside the contract, one line a value: value;level 1;...")
    bands: tuple[tuple[int, ...], ...] = Field((), description="for each level where its bands begin")
    intervals: tuple[int, ...] = Field((), description="for each level how wide its intervals are, counted from 0")
    prefix: tuple[int, ...] = Field((), description="for each level how many characters are kept")
    hidden: bool = Field(False, description="nothing between the value itself and `*`")

    @model_validator(mode="after")
    def _one_rule_that_only_coarsens(self) -> "Generalisation":
        rules = (self.hierarchy, self.bands, self.intervals, self.prefix, self.hidden)
        if sum(map(bool, rules)) != 1:
            raise PydanticCustomError("contract", "give one of 'hierarchy', 'bands', 'intervals', 'prefix', 'hidden'")
        is_ascending = all(list(starts) == sorted(set(starts)) and starts for starts in self.bands)
        is_coarser = all(set(coarse) < set(fine) for fine, coarse in pairwise(self.bands))
        is_multiple = all(wide % width == 0 and wide > width for width, wide in pairwise((1, *self.intervals)))
        is_shorter = all(many > few > 0 for many, few in pairwise((10**6, *self.prefix)))
        if not (is_ascending and is_coarser and is_multiple and is_shorter):
            raise PydanticCustomError("contract", "each level must be coarser than the one before, and hold its bounds")
        return self


class Anonymisation(ContractPart):
    """What a component of persons is made from, for `jinku anonymise` to find how coarse it must be."""

    table: Name = Field(alias="from", description="resource table, one row a subject")
    subject: Name = Field(description="its column that tells the subjects apart")
    suppression_limit: float = Field(0.05, ge=0, lt=1, description="largest share of rows that may be left out")
    generalise: Annotated[dict[Name, Generalisation], Field(min_length=1)]


class Bounds(ContractPart):
    """What one contributor may add to one cell, for noise to hide it: brought into [low, high], rounded to steps."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    step: float = Field(1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _something_lies_between(self) -> "Bounds":
        if self.low >= self.high:
            raise PydanticCustomError("contract", "'low' must be below 'high'")
        return self


class Contributions(ContractPart):
    """Who contributes what to a figure: to see whether a few make up most of it, and to draw noise that hides each.

    aggregate: how the figure is made of them; query: a select over tables of the resource layer, written `{visit}`,
    with the columns of the grain, `contributor`, a pseudonym of the layer, and, but for a count, `value`. A count is
    that of different contributors.
    """

    aggregate: Literal["count", "sum", "mean"]
    query: Text
    bounds: Bounds | None = None


class DifferentialPrivacy(ContractPart):
    """That the component's figures are noisy, and what each making of them may tell of one unit.

    cells: a select over tables of the resource layer that rest on nobody, written `{place_district}`, of all the rows
    there are: the columns of the grain, and what else is said of a row that is no figure.
    """

    epsilon: Decimal = Field(Decimal(1), gt=0, allow_inf_nan=False)
    delta: Decimal = Field(Decimal(0), ge=0, lt=1)
    unit: Literal["person", "enterprise"] = Field("person", description="whose presence is hidden: the unit of privacy")
    cells: Text
    cells_per_unit: int = Field(1, ge=1, description="rows in which one unit counts at most")


class Fingerprint(ContractPart):
    """What may differ between two buyers' copies of the rows, so that a leaked copy tells whose it was.

    tolerance: for each measure that may carry marks, the most that a value may be changed, in its unit; without it the
    decision resolutions of the measures stand in. omit_rows: whether one row in two hundred may be missing from a copy.
    """

    tolerance: dict[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    omit_rows: bool = False


class Entities(ContractPart):
    """Who stands behind the rows, so that a release can be compared with every earlier one of the same sources.

    kind: how they are named, such as `person` for the pseudonyms of the resource layer; query: a select whose column
    `entity` names them and whose column `cell`, of an aggregate, the row they are counted in. `{visit}` stands for a
    table of the resource layer, `{rows}` for the component's own.
    """

    kind: Name
    query: Text


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
    count_columns: tuple[Name, ...] = Field((), description="columns that count the subjects behind a row")
    entities: Entities | None = None
    population: Annotated[str, Field(pattern=r"^[a-z]+/[a-z][a-z0-9_]*$")] | None = Field(
        None, description="'layer/table' of all people, generalised alike, of whom the rows are some"
    )
    membership_is_sensitive: bool = Field(False, description="whether it harms someone to be known to be in the table")
    contributions: dict[Name, Contributions] = Field(
        default_factory=dict, description="by figure, who contributes what to it"
    )
    differential_privacy: DifferentialPrivacy | None = None
    fingerprint: Fingerprint | None = None
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
    authors: tuple[Annotated[str, Field(pattern=r"^person:[a-z][a-z0-9._-]*$")], ...] = Field(
        (), description="who made it; none of them may sign it off"
    )
    cross_border: bool = Field(False, description="whether it may be delivered abroad")
    anonymise: Anonymisation | None = None

    @property
    def noise_claim(self) -> str | None:
        """All that is said of noise, as one text that changes with any of it; None where none is claimed."""
        if self.differential_privacy is None:
            return None
        told = {
            "claim": self.differential_privacy.model_dump(mode="json"),
            "contributions": {name: each.model_dump(mode="json") for name, each in self.contributions.items()},
        }
        return json.dumps(told, sort_keys=True, ensure_ascii=False)

    @model_validator(mode="after")
    def _grain_is_among_columns(self) -> "ComponentContract":
        _check_grain(self.grain, self.columns)
        return self

    @model_validator(mode="after")
    def _counts_are_whole_numbers(self) -> "ComponentContract":
        types = {column.name: column.logical_type for column in self.columns}
        for name in self.count_columns:
            if types.get(name) != "integer":
                raise PydanticCustomError(
                    "contract",
                    "countColumns names no integer column: {message}",
                    {"message": f"'{name}'{_nearest(name, sorted(types))}"},
                )
        return self

    @model_validator(mode="after")
    def _contributions_are_to_figures(self) -> "ComponentContract":
        types = {column.name: column.logical_type for column in self.columns if column.name not in self.grain}
        for name in self.contributions:
            if types.get(name) not in ("integer", "number"):
                raise PydanticCustomError(
                    "contract",
                    "contributions names no figure: {message}",
                    {"message": f"'{name}'{_nearest(name, sorted(types))}"},
                )
        return self

    @model_validator(mode="after")
    def _marks_are_on_measures(self) -> "ComponentContract":
        tolerance = (self.fingerprint and self.fingerprint.tolerance) or {}
        fit = [column.name for column in self.columns if _may_be_marked(column, self.grain, self.count_columns)]
        for name in tolerance:
            if name not in fit:
                raise PydanticCustomError(
                    "contract",
                    "fingerprint.tolerance names no measure that may differ: {message}",
                    {"message": f"'{name}'{_nearest(name, fit)}"},
                )
        return self

    @model_validator(mode="after")
    def _noise_can_be_drawn(self) -> "ComponentContract":
        if self.differential_privacy is not None:
            _check_noise(self)
        return self

    @model_validator(mode="after")
    def _generalised_columns_are_fit(self) -> "ComponentContract":
        if self.anonymise is not None:
            _check_generalised(self.anonymise.generalise, self.columns)
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


def _may_be_marked(column: Column, grain: tuple[str, ...], counts: tuple[str, ...]) -> bool:
    is_figure = column.role == "measure" and column.logical_type in ("number", "integer")
    return is_figure and column.name not in grain and column.name not in counts


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


def _check_noise(contract: ComponentContract) -> None:
    figures = contract.contributions
    faults = []
    if contract.subject != "aggregate":
        faults.append("needs 'subject: aggregate'")
    if contract.entities is not None:
        faults.append("takes no 'entities': what is noisy is not compared with earlier releases")
    if not figures:
        faults.append("needs 'contributions', from which the figures and their noise are drawn")
    faults += [
        f"'{name}' is a mean: only counts and sums are drawn"
        for name, each in figures.items()
        if each.aggregate == "mean"
    ]
    faults += [
        f"'{name}' is a sum and needs 'bounds'"
        for name, each in figures.items()
        if each.aggregate == "sum" and each.bounds is None
    ]
    if faults:
        raise PydanticCustomError("contract", "differentialPrivacy: {message}", {"message": "; ".join(faults)})


def _check_generalised(rules: Mapping[str, Generalisation], columns: tuple[Column, ...]) -> None:
    by_name = {column.name: column for column in columns}
    faults = [f"'{name}' is no column{_nearest(name, list(by_name))}" for name in rules if name not in by_name]
    for column in columns:
        rule, is_sensitive = rules.get(column.name), column.role in ("sensitive", "target")
        if rule is not None and (
            column.logical_type != "string" or not (is_sensitive or column.role == "quasi_identifier")
        ):
            faults.append(f"'{column.name}' is generalised: its type is string, its role quasi_identifier or sensitive")
        elif rule is not None and is_sensitive and not (rule.hierarchy or len(rule.bands) == 1):
            faults.append(f"'{column.name}' is sensitive: it is shown in bands or by a hierarchy, at one level")
        elif rule is None and is_sensitive and column.logical_type not in ("string", "boolean"):
            faults.append(f"'{column.name}' is sensitive: an exact {column.logical_type} needs a generalisation")
    for role, fewest, most in (("quasi_identifier", 1, len(columns)), ("identifier", 0, 1)):
        if not fewest <= sum(column.role == role for column in columns) <= most:
            faults.append(f"needs {fewest} to {most} columns of the role {role}")
    if faults:
        raise PydanticCustomError("contract", "anonymise: {message}", {"message": "; ".join(faults)})
