"""What requests about disputes say."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from market_api.fields import Fen, Identifier, Reason, RequestModel, plain_text
from market_api.paging import NUMBER_MAX

STATEMENT_CHARACTERS_MAX = 4_000
REFERENCES_MAX = 20
ENTRY_EXAMPLE: dict[str, Any] = {"kind": "log_entry", "index": 4211, "entry_hash": "3f" * 32}
FIELD_EXAMPLE: dict[str, Any] = {
    "kind": "datasheet",
    "datasheet_hash": "9a" * 32,
    "field": "quality.scores.completeness",
}
STATEMENT_EXAMPLE: dict[str, Any] = {
    "statement": "Zone 7 is missing from every hour of November.",
    "evidence": [FIELD_EXAMPLE],
}

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Ground = Literal["not_delivered", "not_as_described", "quality", "terms", "other"]


def lines_of_text(value: str) -> str:
    """A text of lines, each as `plain_text` takes it. Raises ValueError as that does."""
    return "\n".join(plain_text(line) for line in value.splitlines() if line.strip()) or plain_text("")


Statement = Annotated[str, Field(min_length=1, max_length=STATEMENT_CHARACTERS_MAX), AfterValidator(lines_of_text)]


class LogEntry(RequestModel):
    """An entry of the black box. entry_hash: of its leaf, as the list of entries gives it."""

    model_config = ConfigDict(json_schema_extra={"examples": [ENTRY_EXAMPLE]})

    kind: Literal["log_entry"]
    index: Annotated[int, Field(ge=0, le=NUMBER_MAX)]
    entry_hash: Hash


class DatasheetField(RequestModel):
    """A field of the datasheet that was sold. field: its place, names and numbers with dots between."""

    model_config = ConfigDict(json_schema_extra={"examples": [FIELD_EXAMPLE]})

    kind: Literal["datasheet"]
    datasheet_hash: Hash
    field: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,11}$", max_length=200)]


Reference = Annotated[LogEntry | DatasheetField, Field(discriminator="kind")]


class StatementRequest(RequestModel):
    """What a party or an evaluator says, and what it refers to."""

    model_config = ConfigDict(json_schema_extra={"examples": [STATEMENT_EXAMPLE]})

    statement: Statement
    evidence: Annotated[list[Reference], Field(max_length=REFERENCES_MAX)] = Field(default_factory=list)


class DisputeRequest(StatementRequest):
    """An order that its buyer contests, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"order_id": "ord_019ac4d2b8000123456789abcdef", "ground": "quality", **STATEMENT_EXAMPLE}]
        }
    )

    order_id: Identifier
    ground: Ground


class DecisionRequest(RequestModel):
    """What the arbiter decides. Upheld: refund_fen of the price go back, all of it or a part, and the licence ends or,
    with a part, is kept. Rejected: the sale stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"outcome": "upheld", "refund_fen": 20_000, "licence": "keeps", "reason": "One zone of 30 is missing."},
                {"outcome": "rejected", "reason": "The datasheet states that zone 7 has no first day."},
            ]
        }
    )

    outcome: Literal["upheld", "rejected"]
    refund_fen: Fen | None = None
    licence: Literal["keeps", "ends"] | None = None
    reason: Reason

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Raises ValueError where outcome, refund and licence contradict each other."""
        given = [name for name in ("refund_fen", "licence") if getattr(self, name) is not None]
        if self.outcome == "upheld" and len(given) < 2:
            raise ValueError("what is upheld says refund_fen, and what becomes of the licence")
        if self.outcome == "rejected" and given:
            raise ValueError(f"what is rejected says no {given[0]}")
        return self
