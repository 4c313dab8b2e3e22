"""A market of a test's own, with a clock that the test sets."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from market_api.app import application
from market_api.catalogue import listing
from market_api.catalogue.listing import examined
from market_api.catalogue.offers import Offer
from market_api.database import engine_of, migrate
from market_api.identity import participants
from market_api.identity.credentials import Fresh, add
from market_api.identity.participants import Application
from market_api.identity.tokens import Claims, issued_token
from market_api.ledger.accounts import OUTSIDE, account_of, open_accounts
from market_api.ledger.posting import Posting, post
from market_api.market import Market, Transaction, open_market
from market_api.permissions import scopes_of
from market_api.settings import MarketSettings, sqlite_url
from market_api.trading.terms import Terms

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that stands until it is moved."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def market_settings(folder: Path, database_url: str | None = None, **changes: object) -> MarketSettings:
    given: dict[str, object] = {
        "releases": folder / "releases",
        "trust": folder / "public",
        "folder": folder / "market",
        "database_url": database_url or sqlite_url(folder / "market" / "market.sqlite"),
        "public_url": "http://testserver",
        **changes,
    }
    return MarketSettings(**given)  # type: ignore[arg-type]


def a_market(
    folder: Path, clock: Callable[[], datetime] | None = None, database_url: str | None = None, **changes: object
) -> Market:
    """A market without participants, over the releases that lie in `folder/releases`."""
    settings = market_settings(folder, database_url, **changes)
    file = folder / "market" / "market.sqlite"
    if settings.database_url == sqlite_url(file) and not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(_migrated())
    return open_market(settings, clock or SetClock())


@cache
def _migrated() -> bytes:
    """A database file as the migrations make it: made once, as that takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "market.sqlite"
        engine = engine_of(sqlite_url(file))
        migrate(engine)
        engine.dispose()
        return file.read_bytes()


def served(market: Market) -> TestClient:
    """A client of the market's application, which raises nothing that a server would answer."""
    return TestClient(application(market), raise_server_exceptions=False)


def with_funds(transaction: Transaction, owner_id: str, amount_fen: int) -> None:
    """Open an owner's accounts with an amount in them."""
    open_accounts(transaction.connection, owner_id)
    if amount_fen:
        post(transaction, "deposit", owner_id, [Posting(OUTSIDE, account_of(owner_id), amount_fen)])


@dataclass(frozen=True)
class Participant:
    """An admitted participant and what it needs to call: its id, its token, and a client that sends it."""

    participant_id: str
    role: str
    registered_name: str
    credential_id: str
    token: str
    _keys: "count[int]" = field(default_factory=lambda: count(1), repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a reading request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def changing(self) -> dict[str, str]:
        """What a changing request carries; its Idempotency-Key is new each time."""
        return {**self.headers, "Idempotency-Key": f"{self.participant_id}-{next(self._keys)}"}


def a_participant(
    market: Market,
    role: str = "app_developer",
    registered_name: str | None = None,
    *,
    funds_fen: int = 0,
    party: str | None = None,
    taxpayer: str = "general",
    owner_registration: str | None = None,
    scopes: frozenset[str] | None = None,
) -> Participant:
    """An admitted participant with a token for all the scopes of its role, or for these.

    Its token is good for a quarter of an hour of the market's clock: `renewed` gives it another.
    """
    random = market.random_bytes(6).hex()
    name = registered_name or f"{role.replace('_', ' ').title()} {random}"

    def admitted(transaction: Transaction) -> tuple[str, str]:
        participant_id = participants.apply(transaction, Application(role, name, taxpayer, owner_registration))
        fresh = Fresh("client_secret", "never used", f"none {market.random_bytes(8).hex()}")
        credential = add(transaction, participant_id, fresh, scopes_of(role))
        participants.admit(transaction, participant_id, party)
        if funds_fen:
            post(transaction, "deposit", participant_id, [Posting(OUTSIDE, account_of(participant_id), funds_fen)])
        return participant_id, credential["credential_id"]

    participant_id, credential_id = market.act("market", admitted)
    token = a_token(market, participant_id, credential_id, scopes or scopes_of(role))
    return Participant(participant_id, role, name, credential_id, token)


def a_token(market: Market, participant_id: str, credential_id: str, scopes: frozenset[str]) -> str:
    """A token as the market's token endpoint issues it, at the market's present time."""
    claims = Claims(participant_id, credential_id, scopes)
    token_id = market.random_bytes(16).hex()
    return issued_token(market.keys.tokens, market.settings.public_url, claims, token_id, market.clock())


def renewed(market: Market, participant: Participant) -> Participant:
    """The same participant with a token that is good from now on."""
    token = a_token(market, participant.participant_id, participant.credential_id, scopes_of(participant.role))
    return replace(participant, token=token)


def suspended(market: Market, participant: Participant, reason: str = "under examination") -> None:
    """Have the market suspend a participant."""
    market.act(
        "market", lambda transaction: participants.decide(transaction, participant.participant_id, "suspend", reason)
    )


def list_release(market: Market, seller: Participant, release: str, **changes: Any) -> Mapping[str, Any]:
    """List a release as its seller does over HTTP; gives the listing. changes: of the offer, for the seller alone."""
    offer = Offer(
        release=release,
        terms=changes.pop("terms", Terms(("urban_management",), users=10)),
        shares=changes.pop("shares", ((seller.participant_id, Fraction(1)),)),
        **changes,
    )
    seller_id = seller.participant_id
    found = examined(market, seller_id, release)
    return market.act(seller_id, lambda transaction: listing.list_release(transaction, seller_id, offer, found))
