"""What goes wrong, as clients see it: problem details (RFC 9457) with codes that stay the same.

A problem names the true cause, the field where it lies and what to do; never a secret or a value of somebody's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its HTTP status, and a title that is the same each time."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "invalid_request": Kind(422, "The request is not valid"),
        "unauthenticated": Kind(401, "A valid token is needed"),
        "not_permitted": Kind(403, "This is not permitted to you"),
        "not_found": Kind(404, "There is no such thing for you"),
        "method_not_allowed": Kind(405, "The address does not answer this method"),
        "too_slow": Kind(408, "The request did not come whole in time"),
        "too_large": Kind(413, "The request is too large"),
        "range_not_satisfiable": Kind(416, "The range begins after the end of the file"),
        "rate_limited": Kind(429, "Too many requests"),
        "key_missing": Kind(400, "The header Idempotency-Key is missing or malformed"),
        "key_reused": Kind(409, "The Idempotency-Key was used for another request"),
        "taken": Kind(409, "Another one has it already"),
        "wrong_state": Kind(409, "This cannot be done in its present state"),
        "precondition_failed": Kind(412, "It has changed since you read it"),
        "price_changed": Kind(409, "The price is another one now"),
        "offer_refused": Kind(409, "The offer breaks a rule of the negotiation"),
        "bid_refused": Kind(409, "The bid breaks a rule of the auction"),
        "funds_missing": Kind(402, "The funds do not suffice"),
        "not_entitled": Kind(403, "Your entitlement does not permit this now"),
        "not_cleared": Kind(409, "The component is not cleared for trade"),
        "no_rate": Kind(409, "No rate of tax or fee is on record for it"),
        "internal_error": Kind(500, "The market failed"),
        "unavailable": Kind(503, "The market cannot answer now"),
        "busy": Kind(503, "The market is busy"),
        "database_unfit": Kind(500, "The market's database cannot be used as it is"),
    }
)
"""Every code. Each is explained in docs/errors.md, which a test holds to."""


class Problem(Exception):
    """A refusal that a client is told. code: one of KINDS; detail: the true cause and what to do; field: where it lies
    in the request, such as 'terms.pulls'; further: more members of the answer, plain values."""

    def __init__(self, code: str, detail: str, field: str = "", **further: Any) -> None:
        super().__init__(code, detail, field)
        self.code = code
        self.detail = detail
        self.field = field
        self.further = further

    @property
    def kind(self) -> Kind:
        """Its status and title."""
        return KINDS[self.code]

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    def document(self, instance: str) -> dict[str, Any]:
        """The answer's body. instance: the id of the request."""
        own = {
            "type": f"urn:jinku:problem:{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.code,
            "detail": self.detail,
            "instance": f"urn:jinku:request:{instance}",
        }
        return {**own, **({"field": self.field} if self.field else {}), **self.further}
