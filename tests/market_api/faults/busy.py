"""A market in which one of everything is under way, so that every address has something to answer about."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from market_api.accounts.funds import deposit, request_payout
from market_api.auctions.announcing import Lot, announce
from market_api.identity.credentials import PULL_SCOPES, add, fresh_pull_token
from market_api.market import Market
from market_api.negotiations.acting import open_negotiation
from market_api.negotiations.tables import negotiations
from market_api.oversight.cases import open_case
from market_api.oversight.periods import period_of
from market_api.oversight.screening import flags_of
from market_api.permissions import ACTS, ROLES, scopes_of
from market_api.trading.orders import buy
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, a_token
from tests.market_api.disputes.acts import opened
from tests.market_api.goods import ASKED, NAME, a_listing, acted, copied
from tests.market_api.sales import Sale

PRICE_FEN, FUNDS_FEN = 100_000, 10_000_000
OFTEN = "1000000/minute"


@dataclass(frozen=True)
class Busy:
    """The market, who has a part in what goes on, one stranger of each role, and the ids of what there is.

    ids: by the name that addresses give them, such as 'order_id'; the participant among them is none of the parties.
    """

    market: Market
    clock: SetClock
    parties: dict[str, Participant]
    strangers: dict[str, Participant]
    ids: dict[str, str] = field(default_factory=dict)

    def party_of(self, act: str) -> Participant:
        """A party whose role may do an act."""
        return self.parties[sorted(ACTS[act].roles)[0]]

    def renewed(self, who: Participant) -> Participant:
        """The same with a token that is good from now on."""
        token = a_token(self.market, who.participant_id, who.credential_id, scopes_of(who.role))
        return replace(who, token=token)


def a_busy_market(released: Path, folder: Path, database_url: str | None = None, **settings: Any) -> Busy:
    """Two sales, of which one is disputed, a negotiation, an auction, a deposit, a payout and a case."""
    clock = SetClock()
    market = a_market(copied(released, folder), clock, database_url, **{"rate_limit": OFTEN, **settings})
    parties = {role: a_participant(market, role, funds_fen=FUNDS_FEN) for role in sorted(ROLES)}
    seller, buyer, operator = (parties[role] for role in ("developer", "app_developer", "operator"))
    shares = json.dumps([[seller.participant_id, "3/4"], [parties["provider"].participant_id, "1/4"]])
    listing_id = a_listing(market, seller, price_fen=PRICE_FEN, price_order_fen=PRICE_FEN, shares=shares)
    kept, disputed = (acted(market, buyer, buy, listing_id, ASKED, PRICE_FEN) for _ in range(2))
    sale = Sale(
        market,
        clock,
        seller,
        parties["provider"],
        buyer,
        operator,
        parties["evaluator"],
        parties["regulator"],
        listing_id,
        disputed["order_id"],
        disputed["entitlement_id"],
    )
    opens = clock.at + timedelta(days=7)
    lot = Lot(listing_id, "english", ASKED, 5_000, opens, opens + timedelta(days=1))
    booked = market.act(
        operator.participant_id, lambda each: deposit(each, buyer.participant_id, 500_000, "2026112700000001")
    )
    hashed = sa.select(negotiations.c.terms_hash).where(negotiations.c.negotiation_id == sa.bindparam("negotiation_id"))
    ids = {
        "participant_id": a_participant(market, funds_fen=FUNDS_FEN).participant_id,
        "credential_id": a_pull_token(market, buyer),
        "listing_id": listing_id,
        "order_id": kept["order_id"],
        "subject": kept["order_id"],
        "entitlement_id": kept["entitlement_id"],
        "negotiation_id": str(acted(market, buyer, open_negotiation, listing_id, ASKED)),
        "auction_id": acted(market, seller, announce, lot),
        "dispute_id": opened(sale),
        "payout_id": str(acted(market, buyer, request_payout, 20_000)["payout_id"]),
        "deposit_id": str(booked["deposit_id"]),
        "case_id": a_case(market, parties["regulator"]),
        "component": NAME,
    }
    ids["terms_hash"] = str(market.read(lambda each: each.execute(hashed, ids).scalar_one()))
    market.seal()
    strangers = {role: a_participant(market, role) for role in sorted(ROLES)}
    return Busy(market, clock, parties, strangers, ids)


def a_pull_token(market: Market, who: Participant) -> str:
    """The name of a credential that may be revoked without its owner being shut out."""
    fresh = fresh_pull_token(market.random_bytes)
    told = market.act(who.participant_id, lambda each: add(each, who.participant_id, fresh, PULL_SCOPES))
    return str(told["credential_id"])


def a_case(market: Market, regulator: Participant) -> str:
    """A case about whatever the screens say of two sales."""
    now = market.clock()
    found = market.read_one_state(lambda connection: flags_of(connection, period_of(None, None, now), now))
    name, flag = sorted(found.items())[0]
    told = market.act(regulator.participant_id, lambda each: open_case(each, name, flag, "It is looked at."))
    return str(told["case_id"])
