"""A market in which two parties negotiate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from market_api.ledger.accounts import balances
from market_api.market import Market
from market_api.negotiations import acting
from market_api.negotiations.reading import negotiation_of
from market_api.trading.paying import cancel, pay
from market_api.trading.terms import Terms
from tests.market_api.builders import Participant, SetClock, a_market, a_participant
from tests.market_api.goods import ASKED, a_listing, acted, copied


@dataclass
class Talks:
    """A market with a listing, its seller, a buyer and a clock."""

    market: Market
    clock: SetClock
    seller: Participant
    buyer: Participant
    listing_id: str

    def opened(self, terms: Terms = ASKED, buyer: Participant | None = None) -> str:
        return str(acted(self.market, buyer or self.buyer, acting.open_negotiation, self.listing_id, terms))

    def offer(self, negotiation_id: str, who: Participant, price_fen: int, **changes: Any) -> dict[str, Any]:
        self.clock.move(minutes=1)
        given = {"agreed_terms_hash": self.seen(negotiation_id)["terms_hash"], **changes}
        acted(self.market, who, acting.offer, negotiation_id, price_fen, **given)
        return self.seen(negotiation_id)

    def accept(self, negotiation_id: str, who: Participant, price_fen: int, **changes: Any) -> dict[str, Any]:
        given = {"agreed_terms_hash": self.seen(negotiation_id)["terms_hash"], **changes}
        acted(self.market, who, acting.accept, negotiation_id, price_fen, **given)
        return self.seen(negotiation_id)

    def reject(self, negotiation_id: str, who: Participant) -> dict[str, Any]:
        acted(self.market, who, acting.reject, negotiation_id)
        return self.seen(negotiation_id)

    def withdraw(self, negotiation_id: str, who: Participant) -> dict[str, Any]:
        acted(self.market, who, acting.withdraw, negotiation_id)
        return self.seen(negotiation_id)

    def pay(self, order_id: str, who: Participant | None = None) -> dict[str, Any]:
        return dict(acted(self.market, who or self.buyer, pay, order_id))

    def cancel(self, order_id: str, who: Participant | None = None) -> dict[str, Any]:
        return dict(acted(self.market, who or self.buyer, cancel, order_id))

    def seen(self, negotiation_id: str) -> dict[str, Any]:
        """The negotiation as its seller sees it."""
        return dict(
            self.market.read(
                lambda connection: negotiation_of(connection, self.seller.participant_id, negotiation_id, self.clock.at)
            )
        )

    def funds_fen(self, who: Participant) -> dict[str, int]:
        return self.market.read(lambda connection: balances(connection, who.participant_id))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.market.read(lambda connection: connection.execute(sa.text(statement)).all())]


def talks(released: Path, folder: Path, database_url: str | None = None, **listing: Any) -> Talks:
    """A market over a copy of the release; P' is 80,000 and P¹ 100,000 fen, so the band is 85,000 to 115,000."""
    clock = SetClock()
    market = a_market(copied(released, folder), clock, database_url)
    seller = a_participant(market, "developer")
    buyer = a_participant(market, "app_developer", funds_fen=1_000_000)
    return Talks(market, clock, seller, buyer, a_listing(market, seller, **listing))
