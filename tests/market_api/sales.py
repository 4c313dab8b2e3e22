"""Sales for tests: a listed component that was bought at its posted price, with all who have a part in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.entitlements.tables import entitlements
from market_api.ledger.accounts import OUTSIDE, account_of, balances
from market_api.ledger.posting import Posting, post
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.market import Market, Transaction
from market_api.trading.orders import buy
from market_api.trading.tables import orders
from tests.market_api.builders import Participant, SetClock, a_market, a_participant
from tests.market_api.goods import ASKED, a_listing, copied

PRICE_FEN = 100_000
FUNDS_FEN = 1_000_000
SELLER, PROVIDER, BUYER = "91350100M000100Y43", "91350100M000100P11", "91350100M000100B77"
"""Registration ids of who owns them in the end."""


@dataclass(frozen=True)
class Sale:
    """What was sold and who is there: an operator, an evaluator and a regulator beside the parties."""

    market: Market
    clock: SetClock
    seller: Participant
    provider: Participant
    buyer: Participant
    operator: Participant
    evaluator: Participant
    regulator: Participant
    listing_id: str
    order_id: str
    entitlement_id: str

    @property
    def order(self) -> sa.Row[Any]:
        query = sa.select(orders).where(orders.c.order_id == self.order_id)
        return self.market.read(lambda connection: connection.execute(query).one())

    @property
    def entitlement(self) -> sa.Row[Any]:
        query = sa.select(entitlements).where(entitlements.c.entitlement_id == self.entitlement_id)
        return self.market.read(lambda connection: connection.execute(query).one())

    @property
    def states(self) -> tuple[str, str]:
        """Of the order and of its entitlement."""
        return self.order.state, self.entitlement.state

    def funds(self, owner_id: str) -> Mapping[str, int]:
        return self.market.read(lambda connection: balances(connection, owner_id))

    @property
    def pending_fen(self) -> int:
        """All that is pending, of whomever."""
        owners = (self.seller.participant_id, self.provider.participant_id, "market", "tax")
        return sum(self.funds(owner)["pending"] for owner in owners)

    def is_in_order(self) -> bool:
        """Whether nothing was lost, and the black box is whole."""
        self.market.seal()
        faults = self.market.read_one_state(ledger_faults)
        return not faults and self.market.read(total_fen) == 0 and self.market.verify().is_whole


def a_sale(
    released: Path, folder: Path, database_url: str | None = None, price_fen: int = PRICE_FEN, **changes: Any
) -> Sale:
    """A sale at the posted price, a quarter of it for the provider."""
    clock = SetClock()
    market = a_market(copied(released, folder), clock, database_url)
    seller = a_participant(market, "developer", owner_registration=SELLER)
    provider = a_participant(market, "provider", owner_registration=PROVIDER)
    buyer = a_participant(market, "app_developer", funds_fen=FUNDS_FEN, owner_registration=BUYER)
    shares = json.dumps([[seller.participant_id, "3/4"], [provider.participant_id, "1/4"]])
    listing_id = a_listing(market, seller, price_fen=price_fen, price_order_fen=price_fen, shares=shares, **changes)
    bought = market.act(buyer.participant_id, lambda t: buy(t, buyer.participant_id, listing_id, ASKED, price_fen))
    operator, evaluator, regulator = (a_participant(market, role) for role in ("operator", "evaluator", "regulator"))
    market.seal()
    names = (listing_id, bought["order_id"], bought["entitlement_id"])
    return Sale(market, clock, seller, provider, buyer, operator, evaluator, regulator, *names)


def bought_again(sale: Sale, price_fen: int) -> Sale:
    """Another sale of the same listing to the same buyer, at another price, for which it pays the money in first."""
    own = sale.buyer.participant_id
    sale.clock.move(seconds=1)

    def bought(transaction: Transaction) -> dict[str, Any]:
        priced = sa.update(listings).where(listings.c.listing_id == sale.listing_id).values(price_fen=price_fen)
        transaction.connection.execute(priced)
        post(transaction, "deposit", own, [Posting(OUTSIDE, account_of(own), price_fen)])
        return buy(transaction, own, sale.listing_id, ASKED, price_fen)

    found = sale.market.act(own, bought)
    return replace(sale, order_id=found["order_id"], entitlement_id=found["entitlement_id"])


def bought_by(sale: Sale, buyer: Participant, price_fen: int) -> Sale:
    """Another sale of the same listing, to another buyer."""
    return bought_again(replace(sale, buyer=buyer), price_fen)
