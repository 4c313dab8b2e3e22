"""Licence terms: what a buyer may do with a component, for how long and how often. Their hash stands on everything.

An offer states the widest terms; what is asked for must lie within them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from market_api.problems import Problem
from vault.signing import canonical

TERM_DAYS_MAX = 3650
USERS_MAX = 1_000_000
PULLS_MAX = 1_000_000
HASHES_KEPT = 4096


@dataclass(frozen=True)
class Terms:
    """What is agreed of a licence.

    purposes: what the data may be used for, of those that the component permits; users: how many persons may use it;
    term_days: from the sale on; exclusive_days: how long nobody else may buy it, 0 for not exclusive; pulls: how many
    times it may be pulled, None for no limit; updates: whether later releases of the component within the term are
    included. Raises ValueError for what is out of bounds.
    """

    purposes: tuple[str, ...]
    users: int = 1
    term_days: int = 365
    exclusive_days: int = 0
    pulls: int | None = 12
    updates: bool = True

    def __post_init__(self) -> None:
        if not self.purposes or list(self.purposes) != sorted(set(self.purposes)):
            raise ValueError("purposes: at least one, each once, in order")
        bounds = ((self.users, 1, USERS_MAX), (self.term_days, 1, TERM_DAYS_MAX), (self.pulls or 1, 1, PULLS_MAX))
        if not all(least <= value <= most for value, least, most in bounds):
            raise ValueError("users, term_days and pulls are 1 or more, within their limits")
        if self.pulls == 0 or not 0 <= self.exclusive_days <= self.term_days:
            raise ValueError("pulls is not 0, and an exclusive window lies within the term")

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From plain values, as `document` gives them. Raises ValueError and TypeError for others."""
        return cls(**{**document, "purposes": tuple(sorted(set(document["purposes"])))})

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "purposes": list(self.purposes)}


@lru_cache(maxsize=HASHES_KEPT)
def terms_hash(terms: Terms, release_id: str, datasheet_hash: str, seller_id: str) -> str:
    """The hash of terms and of what they are about: SHA-256 over canonical JSON (RFC 8785)."""
    told = {
        "terms": terms.document(),
        "release": release_id,
        "datasheet": datasheet_hash,
        "seller": seller_id,
    }
    return hashlib.sha256(canonical(told)).hexdigest()


def require_within(asked: Terms, offered: Terms, exclusive_allowed: bool = False) -> None:
    """Terms asked for must be no wider than those offered. exclusive_allowed: where the window is what is bargained
    for. Raises Problem `invalid_request`, which names the first field that is."""
    wider = [
        ("terms.purposes", not set(asked.purposes) <= set(offered.purposes), ", ".join(offered.purposes)),
        ("terms.users", asked.users > offered.users, f"at most {offered.users}"),
        ("terms.term_days", asked.term_days > offered.term_days, f"at most {offered.term_days}"),
        (
            "terms.exclusive_days",
            asked.exclusive_days > offered.exclusive_days and not exclusive_allowed,
            f"at most {offered.exclusive_days}; a window of your own is negotiated or auctioned",
        ),
        (
            "terms.pulls",
            offered.pulls is not None and (asked.pulls is None or asked.pulls > offered.pulls),
            f"at most {offered.pulls}",
        ),
        ("terms.updates", asked.updates and not offered.updates, "false"),
    ]
    for field, is_wider, offer in wider:
        if is_wider:
            raise Problem("invalid_request", f"More than the listing offers: {offer}.", field)
