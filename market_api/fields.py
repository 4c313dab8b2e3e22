"""The kinds of values that requests are made of, each with its bounds."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FEN_MAX = 10**13
"""A hundred thousand million yuan: no amount is larger, so that no sum overflows 64 bits."""
NAME_CHARACTERS_MAX = 120


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


Fen = Annotated[int, Field(ge=0, le=FEN_MAX, description="Whole fen; 100 fen are 1 yuan", examples=[7_236_857])]
PositiveFen = Annotated[int, Field(ge=1, le=FEN_MAX, description="Whole fen, above 0", examples=[7_236_857])]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(plain_text)]
Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(plain_text)]
Identifier = Annotated[str, Field(pattern=r"^[a-z]{2,4}_[0-9a-f]{28}$")]
