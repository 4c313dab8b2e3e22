"""What the catalogue's requests carry."""

import re
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from market_api.catalogue.offers import Offer
from market_api.fields import Fen, Reason, RequestModel, plain_text
from market_api.problems import Problem
from market_api.trading.requests import EXAMPLE as TERMS_EXAMPLE
from market_api.trading.requests import TermsRequest

SHARES_MAX = 50
BY_CONTRIBUTION = "by_contribution"
PARTICIPANT = re.compile(r"par_[0-9a-f]{28}")
SHARE = re.compile(r"(0|[1-9][0-9]{0,11})(/[1-9][0-9]{0,11})?")
SELLER_EXAMPLE, PROVIDER_EXAMPLE = "par_019ac4d2b8000123456789abcdef", "par_019ac4d2b8000123456789abcdee"
LIST_EXAMPLE: JsonDict = {
    "release": "zone_hourly_mobility@3",
    "terms": TERMS_EXAMPLE,
    "price": "posted",
    "price_fen": 254_670,
    "shares": [[SELLER_EXAMPLE, "7/10"], [PROVIDER_EXAMPLE, "3/10"]],
}
MEASURED_EXAMPLE: JsonDict = {
    "release": "zone_hourly_mobility@3",
    "terms": TERMS_EXAMPLE,
    "price": "on_request",
    "shares": "by_contribution",
    "providers_share": "3/10",
}


def _day(value: object) -> date:
    """A day from its text. Raises ValueError for any other value."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is a text such as 2027-06-30")
    return date.fromisoformat(value)


def _shares(value: object) -> object:
    """Participants with their shares, or the word for measured ones. Raises ValueError for anything else."""
    if value == BY_CONTRIBUTION:
        return value
    if not isinstance(value, list) or not 1 <= len(value) <= SHARES_MAX:
        raise ValueError(f"1 to {SHARES_MAX} pairs of a participant and its share, or '{BY_CONTRIBUTION}'")
    for pair in value:
        is_pair = isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)
        if not (is_pair and PARTICIPANT.fullmatch(pair[0]) and SHARE.fullmatch(pair[1])):
            raise ValueError("each is a pair of a participant and an exact fraction, such as 7/10")
    return value


Release = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}@[1-9][0-9]{0,8}$", description="component@number")]
Share = Annotated[
    str,
    Field(pattern=f"^{SHARE.pattern}$", description="An exact fraction, such as 7/10", examples=["7/10"]),
]
Shares = Annotated[
    Any,
    PlainValidator(_shares),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": BY_CONTRIBUTION},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": SHARES_MAX,
                    "items": {
                        "type": "array",
                        "prefixItems": [
                            {"type": "string", "pattern": f"^{PARTICIPANT.pattern}$"},
                            {"type": "string", "pattern": f"^{SHARE.pattern}$"},
                        ],
                        "minItems": 2,
                        "maxItems": 2,
                    },
                },
            ],
            "description": "Who gets which part of what is left of a sale after tax and fee, in all 1; or measured",
        }
    ),
]
Day = Annotated[date, BeforeValidator(_day), Field(examples=["2027-06-30"])]
Filter = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_text)]


class ListRequest(RequestModel):
    """A release to list: the widest licence offered, the price, and who shares a sale."""

    model_config = ConfigDict(json_schema_extra={"examples": [LIST_EXAMPLE, MEASURED_EXAMPLE]})

    release: Release
    terms: TermsRequest
    price: Literal["posted", "on_request"] = "posted"
    price_fen: Annotated[Fen | None, Field(description="Left out: the guide price P², as the regime leaves it")] = None
    shares: Shares
    providers_share: Annotated[
        Share | None, Field(description="With shares by_contribution: what the providers get together")
    ] = None

    def offer(self) -> Offer:
        """What is offered. Raises Problem `invalid_request`."""
        is_measured = self.shares == BY_CONTRIBUTION
        shares = None if is_measured else tuple((name, _fraction(share, "shares")) for name, share in self.shares)
        if shares is not None and self.providers_share is not None:
            raise Problem("invalid_request", "It belongs to shares 'by_contribution' alone.", "providers_share")
        measured = None if self.providers_share is None else _fraction(self.providers_share, "providers_share")
        return Offer(self.release, self.terms.terms(), self.price, self.price_fen, shares, measured)


class PriceChange(RequestModel):
    """Another posted price."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_fen": 262_000}]})

    price_fen: Fen


class Retirement(RequestModel):
    """Why a component is retired, and until when it is delivered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The survey that it rests on was ended.", "last_day": "2027-06-30"}]}
    )

    reason: Reason
    last_day: Day


class Decision(RequestModel):
    """Why the regulator freezes or releases a listing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "A complaint about its rights is examined."}]})

    reason: Reason


def _fraction(text: str, field: str) -> Fraction:
    share = Fraction(text)
    if share > 1:
        raise Problem("invalid_request", f"A share is at most the whole, not {share}.", field)
    return share
