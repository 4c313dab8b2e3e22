"""The kinds of values that requests are made of, each with its bounds."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

FEN_MAX = 10**13
"""A hundred thousand million yuan: no amount is larger, so that no sum overflows 64 bits."""
NAME_CHARACTERS_MAX = 120
KEPT = r"^[^\x00]*$"
"""Text that both databases take: PostgreSQL has no place for the character 0."""


class RequestModel(BaseModel):
    """A request's body: unknown members are refused, values are taken as they are and never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def plain_text(value: str) -> str:
    """Text in Unicode's composed form (NFKC), without space at its ends. Raises ValueError for what cannot be seen or
    turns the direction of writing, and for text that is empty then."""
    composed = unicodedata.normalize("NFKC", value).strip()
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in composed):
        raise ValueError("it holds characters that cannot be seen")
    if not composed:
        raise ValueError("it is empty")
    return composed


def moment(value: object) -> datetime:
    """A time from its text (ISO 8601 with a zone), in UTC. Raises ValueError for any other value."""
    if not isinstance(value, str):
        raise ValueError("a time is a text such as 2026-12-01T09:00:00Z")
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z or +08:00")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time of this calendar is needed") from None


Fen = Annotated[int, Field(ge=0, le=FEN_MAX, description="Whole fen; 100 fen are 1 yuan", examples=[7_236_857])]
PositiveFen = Annotated[int, Field(ge=1, le=FEN_MAX, description="Whole fen, above 0", examples=[7_236_857])]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(plain_text)]
Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(plain_text)]
Identifier = Annotated[str, Field(pattern=r"^[a-z]{2,4}_[0-9a-f]{28}$")]
Moment = Annotated[datetime, BeforeValidator(moment), Field(examples=["2026-12-01T09:00:00Z"])]
