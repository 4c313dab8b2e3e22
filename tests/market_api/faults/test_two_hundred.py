"""Two hundred requests about the same lot at one moment, over HTTP from four processes: it is as if one had come after
the other. No request fails, nobody pays twice, and one alone gets what only one can have."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.auctions.announcing import Lot, announce
from market_api.auctions.bidding import standing_of
from market_api.auctions.closing import close_auctions
from market_api.auctions.outcome import awards_of, commitment_of
from market_api.auctions.reading import auction_of, entry_of
from market_api.auctions.recording import bids_of, replayed_outcome
from market_api.auctions.stages import rules_of
from market_api.auctions.tables import auctions
from market_api.disputes.opening import open_dispute
from market_api.disputes.requests import DisputeRequest
from market_api.entitlements.tables import entitlements
from market_api.ledger.accounts import balances
from market_api.market import Market
from market_api.negotiations.acting import accept, offer, open_negotiation
from market_api.negotiations.reading import negotiation_of
from market_api.trading.orders import buy
from market_api.trading.tables import orders
from pricing.english import ProxyBid, Standing, after_bid, english_standing
from tests.market_api.builders import Participant, a_participant
from tests.market_api.faults.crowd import Ask, Said, all_at_once
from tests.market_api.faults.proofs import faults_of
from tests.market_api.faults.servers import ServerProcess, prepared
from tests.market_api.goods import ASKED, EXCLUSIVE, OFFERED, a_listing, acted, copied
from tests.postgres import fresh_database

pytestmark = pytest.mark.faults

CROWD = 200
WINDOW_SECONDS = 30
"""To hand in sealed bids, and to reveal them: enough for all on a machine that is busy."""
PRICE_FEN, RESERVE_FEN, INCREMENT_FEN, DEPOSIT_FEN = 1_000, 100_000, 5_000, 10_000
FUNDS_FEN = 5_000_000
OFFERED_EXCLUSIVELY = json.dumps(replace(OFFERED, exclusive_days=90).document())
REFUSALS = frozenset({"bid_refused", "wrong_state", "funds_missing"})


@dataclass
class Hall:
    market: Market
    server: ServerProcess
    seller: Participant
    crowd: list[Participant]

    def listed(self, **changes: Any) -> str:
        return a_listing(self.market, self.seller, price_fen=PRICE_FEN, price_order_fen=PRICE_FEN, **changes)

    def announced(self, listing_id: str, form: str = "english", seconds: float = 120, **changes: Any) -> str:
        """An auction that is open a second from now, and for so many seconds."""
        opens = self.market.clock() + timedelta(seconds=1)
        closes = opens + timedelta(seconds=seconds)
        reveals = None if form == "english" else closes + timedelta(seconds=seconds)
        lot = Lot(listing_id, form, ASKED, INCREMENT_FEN, opens, closes, reveals, **changes)  # type: ignore[arg-type]
        name = acted(self.market, self.seller, announce, lot)
        time.sleep(1.1)
        return name

    def at_once(self, asks: list[Ask]) -> list[Said]:
        """All answers; none of them is a fault, and no refusal is one of the database."""
        found = all_at_once(self.server.url, asks)
        for said in found:
            assert said.status in (200, 201, 402, 409), said
            assert said.status < 300 or said.document["code"] in REFUSALS, said
        return found

    def funds(self, who: Participant) -> dict[str, int]:
        return self.market.read(lambda connection: balances(connection, who.participant_id))

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        return list(self.market.read(lambda connection: connection.execute(query).all()))


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request: pytest.FixtureRequest, released: Path, tmp_path: Path) -> Iterator[Hall]:
    server = None if request.param == "sqlite" else request.getfixturevalue("postgres_server")
    with prepared(copied(released, tmp_path), server and fresh_database(server)) as (market, process):
        seller = a_participant(market, "developer")
        crowd = [a_participant(market, funds_fen=FUNDS_FEN) for _ in range(CROWD)]
        process.start()
        yield Hall(market, process, seller, crowd)
        assert faults_of(market) == []
        assert "deadlock" not in process.log.read_text() and '"level": "error"' not in process.log.read_text()


def order(listing_id: str, terms: Any = ASKED) -> dict[str, Any]:
    return {"listing_id": listing_id, "terms": terms.document(), "price_fen": PRICE_FEN}


def serial_standing(hall: Hall, auction_id: str) -> tuple[Standing, Standing]:
    """The standing that is kept, and the one to which the bids lead one after the other, as they were logged."""

    def asked(connection: sa.Connection) -> tuple[Standing, Standing]:
        row = connection.execute(sa.select(auctions).where(auctions.c.auction_id == auction_id)).one()
        rules = rules_of(row).english
        standing = english_standing(rules, [])
        for bid in bids_of(connection, auction_id):
            assert bid.amount_fen is not None
            standing = after_bid(standing, rules, ProxyBid(bid.bid_id, bid.bidder, bid.amount_fen, bid.made_at))
            assert not standing.refusals, "a bid was taken that the rules refuse in this order"
        return standing_of(row), standing

    return hall.market.read(asked)


def test_bids_and_orders_on_one_lot_are_as_if_one_after_the_other(hall: Hall) -> None:
    listing_id = hall.listed()
    auction_id = hall.announced(listing_id)
    limits = {number: RESERVE_FEN + INCREMENT_FEN * ((number * 37) % 150) for number in range(0, CROWD, 2)}
    asks = [
        Ask.of(who, f"/v1/auctions/{auction_id}/bids", {"limit_fen": limits[number]})
        if number in limits
        else Ask.of(who, "/v1/orders", order(listing_id))
        for number, who in enumerate(hall.crowd)
    ]
    said = hall.at_once(asks)
    taken = {number for number in limits if said[number].status == 201}
    assert all(each.status == 201 for number, each in enumerate(said) if number not in limits)
    assert taken

    kept, serial = serial_standing(hall, auction_id)
    assert kept.leader == serial.leader and (kept.second_fen, kept.price_fen) == (serial.second_fen, serial.price_fen)
    assert kept.leader is not None and kept.leader.amount_fen == max(limits.values())
    rules = hall.market.read(lambda connection: auction_of(connection, auction_id))["rules"]
    assert rules["increment_fen"] == INCREMENT_FEN
    for number, limit_fen in limits.items():
        if number not in taken:
            assert limit_fen < kept.price_fen + INCREMENT_FEN, "a bid was refused that never was too low"

    for number, who in enumerate(hall.crowd):
        held_fen = DEPOSIT_FEN if number in taken else 0
        paid_fen = 0 if number in limits else PRICE_FEN
        assert hall.funds(who) == {"available": FUNDS_FEN - held_fen - paid_fen, "held": held_fen, "pending": 0}


def test_one_alone_gets_an_exclusive_licence(hall: Hall) -> None:
    listing_id = hall.listed(terms=OFFERED_EXCLUSIVELY)
    said = hall.at_once([Ask.of(who, "/v1/orders", order(listing_id, EXCLUSIVE)) for who in hall.crowd])
    assert Counter(each.status for each in said) == {201: 1, 409: CROWD - 1}
    (winner,) = [who for who, each in zip(hall.crowd, said, strict=True) if each.status == 201]
    assert [row.participant_id for row in hall.rows(sa.select(entitlements.c.participant_id))] == [
        winner.participant_id
    ]
    assert [row.state for row in hall.rows(sa.select(orders.c.state))] == ["settled"]
    for who in hall.crowd:
        assert hall.funds(who)["available"] == FUNDS_FEN - (PRICE_FEN if who is winner else 0)


def test_plain_and_exclusive_orders_together_come_to_one_of_the_two(hall: Hall) -> None:
    listing_id = hall.listed(terms=OFFERED_EXCLUSIVELY)
    terms = [EXCLUSIVE if number % 2 else ASKED for number in range(CROWD)]
    said = hall.at_once(
        [Ask.of(who, "/v1/orders", order(listing_id, wanted)) for who, wanted in zip(hall.crowd, terms, strict=True)]
    )
    bought = [wanted for each, wanted in zip(said, terms, strict=True) if each.status == 201]
    assert bought in ([EXCLUSIVE], [ASKED] * (CROWD // 2))
    assert len(hall.rows(sa.select(entitlements.c.entitlement_id))) == len(bought)


def test_one_buyer_who_sends_everything_many_times_pays_once(hall: Hall) -> None:
    listing_id, few = hall.listed(), hall.crowd[:5]
    headers = {who.participant_id: who.changing for who in few}
    asks = [
        Ask("/v1/orders", headers[who.participant_id], order(listing_id))
        for who in few
        for _ in range(CROWD // len(few))
    ]
    said = hall.at_once(asks)
    assert {each.status for each in said} == {201}
    assert sum("idempotency-replayed" not in each.headers for each in said) == len(few)
    assert len({each.document["order_id"] for each in said}) == len(few)
    assert {hall.funds(who)["available"] for who in few} == {FUNDS_FEN - PRICE_FEN}


def test_funds_for_ten_buy_ten_of_two_hundred(hall: Hall) -> None:
    listing_id = hall.listed()
    poor = a_participant(hall.market, funds_fen=10 * PRICE_FEN + 1)
    said = hall.at_once([Ask.of(poor, "/v1/orders", order(listing_id)) for _ in range(CROWD)])
    assert Counter(each.status for each in said) == {201: 10, 402: CROWD - 10}
    assert hall.funds(poor) == {"available": 1, "held": 0, "pending": 0}


def test_sealed_bids_and_their_reveals_all_at_once_have_the_outcome_of_their_record(hall: Hall) -> None:
    auction_id = hall.announced(hall.listed(), "sealed_uniform", seconds=WINDOW_SECONDS, licences=3)
    keys, nonce = hall.market.keys, "0123456789abcdef" * 2
    amounts = {who.participant_id: RESERVE_FEN + INCREMENT_FEN * number for number, who in enumerate(hall.crowd)}
    names = {
        who: hall.market.read(lambda connection, name=who: entry_of(connection, keys, auction_id, name))["bidder"]
        for who in amounts
    }
    place = f"/v1/auctions/{auction_id}"
    said = hall.at_once(
        [
            Ask.of(
                who,
                f"{place}/commitments",
                {
                    "commitment": commitment_of(
                        auction_id, names[who.participant_id], amounts[who.participant_id], nonce
                    )
                },
            )
            for who in hall.crowd
        ]
    )
    assert {each.status for each in said} == {201}
    until = datetime.fromisoformat(hall.market.read(lambda each: auction_of(each, auction_id))["rules"]["closes_at"])
    time.sleep(max(0.0, (until - hall.market.clock()).total_seconds()) + 0.1)
    said = hall.at_once(
        [
            Ask.of(who, f"{place}/reveal", {"amount_fen": amounts[who.participant_id], "nonce": nonce})
            for who in hall.crowd
        ]
    )
    assert {each.status for each in said} == {200}
    time.sleep(WINDOW_SECONDS + 1)
    close_auctions(hall.market)  # beside the server, which closes it too
    closed = hall.market.read(lambda connection: auction_of(connection, auction_id))
    assert closed["state"] == "closed", closed
    assert awards_of(hall.market.read(lambda each: replayed_outcome(each, auction_id))) == closed["awards"]
    fourth_fen = RESERVE_FEN + INCREMENT_FEN * (CROWD - 4)
    assert [award["price_fen"] for award in closed["awards"]] == [fourth_fen] * 3
    assert {award["bidder"] for award in closed["awards"]} == {names[who.participant_id] for who in hall.crowd[-3:]}
    assert len(hall.rows(sa.select(orders.c.order_id).where(orders.c.origin == "auction"))) == 3


def agreed_order(hall: Hall, buyer: Participant, listing_id: str) -> str:
    """An order that a negotiation came to, which is still to be paid."""
    name = str(acted(hall.market, buyer, open_negotiation, listing_id, ASKED))
    seen = hall.market.read(
        lambda connection: negotiation_of(connection, buyer.participant_id, name, hall.market.clock())
    )
    acted(hall.market, hall.seller, offer, name, 100_000, seen["terms_hash"])
    acted(hall.market, buyer, accept, name, 100_000, seen["terms_hash"])
    row = sa.select(orders.c.order_id).where(orders.c.origin_id == name)
    return str(hall.rows(row)[0].order_id)


def test_acts_of_every_kind_on_the_same_things_wait_in_line_and_for_each_other_never(hall: Hall) -> None:
    market, few, listing_id = hall.market, hall.crowd[:40], hall.listed()
    operator, regulator = (a_participant(market, role) for role in ("operator", "regulator"))
    asks: list[Ask] = []
    for number, who in enumerate(few):
        sold = acted(market, who, buy, listing_id, ASKED, PRICE_FEN)["order_id"]
        contested = DisputeRequest(order_id=sold, ground="quality", statement="One zone is missing.", evidence=[])
        asks += [
            Ask.of(who, f"/v1/orders/{agreed_order(hall, who, listing_id)}/pay"),
            Ask.of(who, "/v1/orders", order(listing_id)),
            Ask.of(who, "/v1/account/payouts", {"amount_fen": 500}),
            Ask.of(
                operator,
                f"/v1/participants/{who.participant_id}/deposits",
                {"amount_fen": 700, "bank_reference": f"AT ONCE {number}"},
            ),
        ]
        if number % 2:
            asks.append(Ask.of(who, "/v1/disputes", contested.model_dump()))
        else:
            name = market.act(who.participant_id, partial(open_dispute, buyer_id=who.participant_id, request=contested))
            decided = {"outcome": "upheld", "refund_fen": 300, "licence": "keeps", "reason": "So it is."}
            asks.append(Ask.of(operator, f"/v1/arbitration/disputes/{name['dispute_id']}/decide", decided))
    for act in ("freeze", "release", "freeze", "release"):
        asks.append(Ask.of(regulator, f"/v1/listings/{listing_id}/{act}", {"reason": "At once."}))
    for act in ("suspend", "reinstate"):
        place = f"/v1/participants/{hall.seller.participant_id}/{act}"
        asks.append(Ask.of(operator, place, {"reason": "At once."}))
    Random(20261127).shuffle(asks)
    statuses = Counter(said.status for said in hall.at_once(asks))
    assert sum(statuses.values()) == len(asks) > CROWD and statuses[200] + statuses[201] > CROWD // 4
    assert deadlocks(market) == 0


def deadlocks(market: Market) -> int:
    """How many circles of waiting PostgreSQL had to break; SQLite has one writer, so none."""
    if market.engine.dialect.name != "postgresql":
        return 0
    counted = sa.text("select deadlocks from pg_stat_database where datname = current_database()")
    return int(market.read(lambda connection: connection.execute(counted).scalar_one()))
