"""The contract of a source: who hands over what, by what right, and in what form."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from vault.contract.parts import Column, ContractPart, Title, nearest, refuse_duplicates
from vault.contract.words import Character, Grade, Name, RefreshPeriod, Text


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
        refuse_duplicates([column.name for column in self.columns])
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
        refuse_duplicates([column.name for column in self.columns])
        refuse_duplicates([table.name for table in self.tables])
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
                    {"part": part, "message": f"'{name}'{nearest(name, names)}"},
                )
        return self
