"""What a listing adds to the datasheet that it offers: the seller, the price, the licence, and where to pull.

Plain facts, so that exports need neither the market's tables nor its web framework.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlsplit

from pricing.exact import whole_fen
from pricing.negotiated import Regime
from vault.releases.datasheet import Document

State = Literal["listed", "frozen", "superseded", "retired"]


@dataclass(frozen=True)
class LicenceTerms:
    """What is licensed: for which purposes, to how many users, for how many days, with how many pulls.

    pulls: None where they are not counted; exclusive_days: in which the seller licenses nobody else, None without.
    """

    purposes: tuple[str, ...]
    users: int
    term_days: int
    pulls: int | None = None
    exclusive_days: int | None = None

    def __post_init__(self) -> None:
        if not self.purposes or not all(self.purposes):
            raise ValueError("a licence needs a purpose: without any, nothing is permitted")
        limits = {"users": self.users, "term_days": self.term_days}
        if self.pulls is not None:
            limits["pulls"] = self.pulls
        if self.exclusive_days is not None:
            limits["exclusive_days"] = self.exclusive_days
        for name, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")


@dataclass(frozen=True)
class ListingFacts:
    """A listing as others may read it. price_fen: of one licence, VAT included, None where it is agreed first.

    currency: by ISO 4217; access_url: where a licensee pulls; contract_url, datasheet_url: of the ODCS contract and the
    signed datasheet, None where they are not published. Raises ValueError for what no listing can be.
    """

    listing_id: str
    seller_id: str
    seller_name: str
    price_fen: int | None
    regime: Regime
    terms: LicenceTerms
    access_url: str
    state: State
    issued: datetime
    modified: datetime
    currency: str = "CNY"
    contract_url: str | None = None
    datasheet_url: str | None = None

    def __post_init__(self) -> None:
        if self.price_fen is not None:
            whole_fen("price_fen", self.price_fen)
        if self.regime == "public_free" and self.price_fen != 0:
            raise ValueError("the regime public_free has no price above 0")
        for name in ("access_url", "contract_url", "datasheet_url"):
            _check_url(name, getattr(self, name))
        if self.issued.tzinfo is None or self.modified.tzinfo is None:
            raise ValueError("issued and modified need a time zone")
        if self.modified < self.issued:
            raise ValueError("a listing cannot be modified before it is issued")


def require_permitted(datasheet: Document, terms: LicenceTerms) -> None:
    """Raises ValueError where a licence names a purpose that the component's contract does not permit."""
    permitted = datasheet["contract"]["permittedUses"]
    beyond = sorted(set(terms.purposes) - set(permitted))
    if beyond:
        raise ValueError(
            f"the contract of {datasheet['component']} permits {', '.join(permitted)}, not {', '.join(beyond)}"
        )


def rights_until(datasheet: Document) -> date:
    """The last day on which all rights that a release rests on are in force. Raises ValueError where it names none."""
    rights = datasheet["rights"]
    if not rights:
        raise ValueError(f"{datasheet['release']} names no right, so nothing of it may be licensed")
    return min(date.fromisoformat(each["valid_until"]) for each in rights)


def licence_in_words(terms: LicenceTerms) -> str:
    """One sentence: for how long, for how many, with how many pulls."""
    pulls = "pulls are not counted" if terms.pulls is None else f"{_counted(terms.pulls, 'pull')} in all"
    exclusive = f", exclusive for {_counted(terms.exclusive_days, 'day')}" if terms.exclusive_days else ""
    return f"A licence holds {_counted(terms.term_days, 'day')} for {_counted(terms.users, 'user')}, {pulls}{exclusive}"


def terms_document(terms: LicenceTerms) -> Mapping[str, object]:
    """The terms as plain values; what is not limited is null."""
    return {
        "purposes": list(terms.purposes),
        "users": terms.users,
        "termDays": terms.term_days,
        "pulls": terms.pulls,
        "exclusiveDays": terms.exclusive_days,
    }


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _check_url(name: str, url: str | None) -> None:
    """An address that other systems follow: absolute, and without anything that would end it early in a document."""
    if url is None and name != "access_url":
        return
    parts = urlsplit(url or "")
    if parts.scheme not in ("http", "https") or not parts.hostname or any(sign in str(url) for sign in ' <>"{}|\\^`'):
        raise ValueError(f"{name} must be an absolute http or https address")
