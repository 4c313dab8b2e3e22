"""A market with a lot, its seller, and as many bidders as a test wants."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from market_api.auctions.announcing import Lot, announce
from market_api.auctions.bidding import bid
from market_api.auctions.closing import close_auctions
from market_api.auctions.outcome import commitment_of
from market_api.auctions.reading import auction_of, entry_of
from market_api.auctions.rules import LAST_CALL_SECONDS
from market_api.auctions.sealing import commit, reveal
from market_api.ledger.accounts import balances
from market_api.market import Market
from market_api.trading.paying import pay
from tests.market_api.builders import NOON, Participant, SetClock, a_market, a_participant
from tests.market_api.goods import ASKED, a_listing, acted, copied

RESERVE_FEN, INCREMENT_FEN, DEPOSIT_FEN = 100_000, 5_000, 10_000
FUNDS_FEN = 1_000_000
OPENS, CLOSES, REVEALED = NOON + timedelta(days=7), NOON + timedelta(days=8), NOON + timedelta(days=9)
MINUTE = timedelta(minutes=1)
LAST_CALL = timedelta(seconds=LAST_CALL_SECONDS)
NONCE = "0123456789abcdef" * 2


@dataclass
class Sale:
    """A market with a listing of P² 100,000 fen; a lot of it opens after 7 days and closes after 8."""

    market: Market
    clock: SetClock
    seller: Participant
    listing_id: str
    bidders: dict[str, Participant] = field(default_factory=dict)

    def lot(self, form: str = "english", **changes: Any) -> Lot:
        reveals = None if form == "english" else REVEALED
        return replace(
            Lot(self.listing_id, form, ASKED, INCREMENT_FEN, OPENS, CLOSES, reveals),  # type: ignore[arg-type]
            **changes,
        )

    def announced(self, form: str = "english", who: Participant | None = None, **changes: Any) -> str:
        return acted(self.market, who or self.seller, announce, self.lot(form, **changes))

    def opened(self, form: str = "english", **changes: Any) -> str:
        """An auction that was announced, at the moment of its opening."""
        name = self.announced(form, **changes)
        self.clock.at = max(OPENS, self.clock.at)
        return name

    def bidder(self, name: str, **changes: Any) -> Participant:
        """A participant by a name of the test's, made when it is first named."""
        if name not in self.bidders:
            self.bidders[name] = a_participant(self.market, **{"funds_fen": FUNDS_FEN, **changes})
        return self.bidders[name]

    def bid(
        self, auction_id: str, name: str, limit_fen: int, after: timedelta = timedelta(minutes=1)
    ) -> dict[str, Any]:
        self.clock.at += after
        return dict(acted(self.market, self.bidder(name), bid, auction_id, limit_fen))

    def commit(self, auction_id: str, name: str, amount_fen: int, nonce: str = NONCE) -> dict[str, Any]:
        commitment = commitment_of(auction_id, self.entry(auction_id, name)["bidder"], amount_fen, nonce)
        return self.commit_to(auction_id, name, commitment)

    def commit_to(self, auction_id: str, name: str, commitment: str) -> dict[str, Any]:
        return dict(acted(self.market, self.bidder(name), commit, auction_id, commitment))

    def reveal(self, auction_id: str, name: str, amount_fen: int, nonce: str = NONCE) -> dict[str, Any]:
        return dict(acted(self.market, self.bidder(name), reveal, auction_id, amount_fen, nonce))

    def sealed(self, auction_id: str, amounts_fen: dict[str, int]) -> None:
        """Commit and reveal these bids, and go to the end of the reveals."""
        for name, amount_fen in amounts_fen.items():
            self.commit(auction_id, name, amount_fen)
        self.clock.at = CLOSES
        for name, amount_fen in amounts_fen.items():
            self.reveal(auction_id, name, amount_fen)
        self.clock.at = REVEALED

    def close(self, at: datetime | None = None) -> None:
        self.clock.at = at or self.clock.at
        close_auctions(self.market)

    def seen(self, auction_id: str) -> dict[str, Any]:
        """The auction as everybody sees it."""
        return dict(self.market.read(lambda connection: auction_of(connection, auction_id)))

    def entry(self, auction_id: str, name: str) -> dict[str, Any]:
        """A bidder's own part."""
        keys, who = self.market.keys, self.bidder(name).participant_id
        return dict(self.market.read(lambda connection: entry_of(connection, keys, auction_id, who)))

    def awards(self, auction_id: str) -> dict[str, int]:
        """Who won, by the names of the test, and for how many fen."""
        names = {self.entry(auction_id, name)["bidder"]: name for name in self.bidders}
        return {names[each["bidder"]]: each["price_fen"] for each in self.seen(auction_id)["awards"]}

    def deposit(self, auction_id: str, name: str) -> str | None:
        found = self.entry(auction_id, name)["deposit"]
        return None if found is None else str(found["state"])

    def pay(self, auction_id: str, name: str) -> dict[str, Any]:
        return dict(acted(self.market, self.bidder(name), pay, self.entry(auction_id, name)["order_id"]))

    def funds_fen(self, who: Participant) -> dict[str, int]:
        return self.market.read(lambda connection: balances(connection, who.participant_id))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.market.read(lambda connection: connection.execute(sa.text(statement)).all())]


def a_sale(released: Path, folder: Path, database_url: str | None = None, **listing: Any) -> Sale:
    """A market over a copy of the release, with its listing."""
    clock = SetClock()
    market = a_market(copied(released, folder), clock, database_url)
    seller = a_participant(market, "developer", funds_fen=0)
    return Sale(market, clock, seller, a_listing(market, seller, **listing))


def free(available_fen: int, held_fen: int = 0) -> dict[str, int]:
    """Balances of a bidder, who earns nothing."""
    return {"available": available_fen, "held": held_fen, "pending": 0}


def at_the_last_call(sale: Sale) -> str:
    """Two bidders outbid each other until all extensions are used, the last of them ada at 225,000 fen."""
    name = sale.opened()
    sale.clock.at = CLOSES - timedelta(minutes=1)
    for step in range(25):
        sale.bid(name, "bo" if step % 2 else "ada", 105_000 + 5_000 * step, timedelta(0))
        sale.clock.move(minutes=4)
    sale.clock.move(minutes=1)
    sale.close()
    assert sale.seen(name)["state"] == "last_call"
    return name
