"""Deciding a dispute: once, by somebody independent, for a reason, and never more than was paid."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_api.disputes.completing import complete_orders
from market_api.disputes.opening import withdraw
from market_api.disputes.requests import DecisionRequest
from market_api.entitlements.changing import revoke
from market_api.ledger.accounts import OUTSIDE, account_of
from market_api.ledger.posting import Posting, post
from market_api.problems import Problem
from tests.market_api.builders import a_participant
from tests.market_api.disputes.acts import REJECTED, decided, opened, upheld
from tests.market_api.sales import FUNDS_FEN, PRICE_FEN, Sale, a_sale, bought_again


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"outcome": "upheld", "reason": "x"}, "refund_fen"),
        ({"outcome": "upheld", "refund_fen": 5, "reason": "x"}, "licence"),
        ({"outcome": "upheld", "licence": "ends", "reason": "x"}, "refund_fen"),
        ({"outcome": "rejected", "refund_fen": 5, "reason": "x"}, "no refund_fen"),
        ({"outcome": "rejected", "licence": "keeps", "reason": "x"}, "no licence"),
        ({"outcome": "upheld", "refund_fen": -1, "licence": "ends", "reason": "x"}, "refund_fen"),
        ({"outcome": "upheld", "refund_fen": 10**14, "licence": "ends", "reason": "x"}, "refund_fen"),
        ({"outcome": "upheld", "refund_fen": 1.0, "licence": "ends", "reason": "x"}, "refund_fen"),
        ({"outcome": "upheld", "refund_fen": True, "licence": "ends", "reason": "x"}, "refund_fen"),
        ({"outcome": "rejected", "reason": ""}, "reason"),
        ({"outcome": "rejected"}, "reason"),
        ({"outcome": "maybe", "reason": "x"}, "outcome"),
        ({"outcome": "rejected", "reason": "x", "note": "y"}, "note"),
    ],
)
def test_a_decision_says_all_that_it_must_and_no_more(decision: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DecisionRequest.model_validate(decision)


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        (upheld(PRICE_FEN + 1), "refund_fen"),
        (upheld(0), "refund_fen"),
        (upheld(PRICE_FEN, "keeps"), "licence"),
    ],
)
def test_a_refund_is_some_of_the_price_and_no_more(sale: Sale, decision: DecisionRequest, field: str) -> None:
    dispute_id = opened(sale)
    with pytest.raises(Problem) as refusal:
        decided(sale, dispute_id, decision)
    assert (refusal.value.code, refusal.value.field) == ("invalid_request", field)
    assert sale.states == ("disputed", "suspended") and sale.pending_fen == PRICE_FEN


def test_nobody_decides_on_a_sale_in_which_it_has_a_part(sale: Sale) -> None:
    dispute_id = opened(sale)
    owners = ("91350100M000100Y43", "91350100M000100P11", "91350100M000100B77")
    affiliated = [a_participant(sale.market, "operator", owner_registration=owner) for owner in owners]
    for biased in (sale.buyer, sale.seller, sale.provider, *affiliated):
        for decision in (REJECTED, upheld(PRICE_FEN)):
            with pytest.raises(Problem, match="not_permitted"):
                decided(sale, dispute_id, decision, biased)
    assert sale.states == ("disputed", "suspended")


def test_what_is_not_there_is_not_decided(sale: Sale) -> None:
    with pytest.raises(Problem, match="not_found"):
        decided(sale, "dsp_" + "0" * 28, REJECTED)


def test_a_whole_refund_takes_every_posting_back(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    dispute_id = opened(sale)
    found = decided(sale, dispute_id, upheld(PRICE_FEN))
    assert (found["refund_fen"], found["licence"]) == (PRICE_FEN, "ends")
    assert sale.states == ("refunded", "revoked") and sale.pending_fen == 0
    assert sale.funds(sale.buyer.participant_id) == {"available": FUNDS_FEN, "held": 0, "pending": 0}
    sale.clock.move(days=8)
    assert complete_orders(sale.market) == 0 and sale.is_in_order()


@pytest.mark.parametrize(("licence", "state"), [("keeps", "active"), ("ends", "revoked")])
def test_a_part_goes_back_from_every_line_in_proportion(
    released: Path, tmp_path: Path, database_url: str | None, licence: str, state: str
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    owners = (sale.seller.participant_id, sale.provider.participant_id, "market", "tax")
    before = {owner: sale.funds(owner)["pending"] for owner in owners}
    decided(sale, opened(sale), upheld(30_000, licence))
    assert sale.states == ("settled", state)
    after = {owner: sale.funds(owner)["pending"] for owner in owners}
    assert all(abs(after[owner] - before[owner] * 0.7) <= 1 for owner in owners)
    assert sum(after.values()) == 70_000 and sale.funds(sale.buyer.participant_id)["available"] == FUNDS_FEN - 70_000
    sale.clock.move(days=8)
    assert complete_orders(sale.market) == 1 and sale.order.state == "completed"
    assert {owner: sale.funds(owner)["available"] for owner in owners} == after and sale.pending_fen == 0
    assert sale.is_in_order()


def test_what_is_rejected_stands_and_its_term_ran_on(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    until = (sale.order.dispute_until, sale.entitlement.valid_until)
    dispute_id = opened(sale)
    sale.clock.move(days=30)
    found = decided(sale, dispute_id, REJECTED)
    assert (found["refund_fen"], found["licence"]) == (0, "keeps")
    assert sale.states == ("settled", "active") and until == (sale.order.dispute_until, sale.entitlement.valid_until)
    assert complete_orders(sale.market) == 1 and sale.pending_fen == 0
    assert sale.funds(sale.buyer.participant_id)["available"] == FUNDS_FEN - PRICE_FEN and sale.is_in_order()


@pytest.mark.parametrize("first", [REJECTED, upheld(PRICE_FEN), upheld(1, "keeps"), None])
def test_a_dispute_ends_once(sale: Sale, first: DecisionRequest | None) -> None:
    dispute_id, own = opened(sale), sale.buyer.participant_id
    if first is None:
        sale.market.act(own, lambda transaction: withdraw(transaction, own, dispute_id))
    else:
        decided(sale, dispute_id, first)
    before = (sale.states, sale.pending_fen, sale.funds(own))
    for second in (REJECTED, upheld(PRICE_FEN), upheld(1, "keeps")):
        with pytest.raises(Problem, match="wrong_state"):
            decided(sale, dispute_id, second)
    with pytest.raises(Problem, match="wrong_state"):
        sale.market.act(own, lambda transaction: withdraw(transaction, own, dispute_id))
    assert (sale.states, sale.pending_fen, sale.funds(own)) == before and sale.is_in_order()


def test_of_many_who_decide_at_once_one_does(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    dispute_id = opened(sale)
    arbiters = [a_participant(sale.market, "operator") for _ in range(6)]
    decisions = [REJECTED, upheld(PRICE_FEN), upheld(40_000, "keeps")] * 2

    def attempt(number: int) -> str:
        try:
            return str(decided(sale, dispute_id, decisions[number], arbiters[number])["state"])
        except Problem as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(attempt, range(6)))
    assert outcomes.count("wrong_state") == 5 and sale.is_in_order()


def test_a_free_component_is_disputed_without_money(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path, price_fen=0)
    assert sale.order.payment_id is None
    dispute_id = opened(sale)
    decided(sale, dispute_id, upheld(0))
    assert sale.states == ("refunded", "revoked") and sale.is_in_order()


def test_a_licence_that_ended_meanwhile_does_not_keep_the_money(sale: Sale) -> None:
    dispute_id = opened(sale)
    sale.market.act("market", lambda transaction: revoke(transaction, sale.entitlement_id, "for good"))
    decided(sale, dispute_id, upheld(PRICE_FEN))
    assert sale.states == ("refunded", "revoked") and sale.funds(sale.buyer.participant_id)["available"] == FUNDS_FEN


def test_a_refund_does_not_touch_what_others_earned(sale: Sale) -> None:
    """Another sale's money, pending in the same accounts, stays."""
    other = sale.market
    moved = [Posting(OUTSIDE, account_of(sale.seller.participant_id, "pending"), 555)]
    other.act("market", lambda transaction: post(transaction, "settlement", "ord_other", moved))
    decided(sale, opened(sale), upheld(PRICE_FEN))
    assert sale.pending_fen == 555


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(price_fen=st.integers(2, 10**12), share=st.integers(1, 999))
def test_whatever_part_goes_back_the_rest_is_its_receivers_to_the_fen(sale: Sale, price_fen: int, share: int) -> None:
    again = bought_again(sale, price_fen)
    before, refund_fen = again.pending_fen, max(1, price_fen * share // 1000)
    decided(again, opened(again), upheld(refund_fen, "keeps"))
    assert again.pending_fen == before - refund_fen
    again.clock.move(days=8)
    complete_orders(again.market)
    assert again.pending_fen == 0 and again.is_in_order()
