"""Opening a dispute, saying something to it, leaving it: what is refused first."""

from pathlib import Path

import pytest

from market_api.disputes.completing import complete_orders
from market_api.disputes.opening import STATEMENTS_MAX, open_dispute, withdraw
from market_api.disputes.requests import DisputeRequest, StatementRequest
from market_api.entitlements.changing import revoke, suspend
from market_api.entitlements.standing import cause_against, standing_of
from market_api.market import Transaction
from market_api.problems import Problem
from tests.market_api.builders import a_participant
from tests.market_api.disputes.acts import evaluate, opened, request, say
from tests.market_api.sales import FUNDS_FEN, PRICE_FEN, Sale, a_sale
from vault.black_box.log import last_entries


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


def test_nobody_but_its_buyer_disputes_an_order(sale: Sale) -> None:
    other = a_participant(sale.market, "app_developer")
    for caller in (sale.seller, sale.provider, sale.operator, sale.evaluator, other):
        with pytest.raises(Problem, match="not_found"):
            opened(sale, by=caller)
    assert sale.states == ("settled", "active")


def test_an_order_that_is_not_there_is_not_disputed(sale: Sale) -> None:
    with pytest.raises(Problem, match="not_found"):
        opened(sale, order_id="ord_" + "0" * 28)


def test_an_order_is_not_disputed_after_its_term(sale: Sale) -> None:
    sale.clock.move(days=7, seconds=1)
    with pytest.raises(Problem, match="could be disputed until"):
        opened(sale)
    assert sale.states == ("settled", "active")


def test_an_order_is_disputed_until_the_last_moment_of_its_term(sale: Sale) -> None:
    sale.clock.move(days=7)
    assert complete_orders(sale.market) == 0
    opened(sale)
    assert sale.states == ("disputed", "suspended")


def test_a_completed_order_is_not_disputed(sale: Sale) -> None:
    sale.clock.move(days=7, seconds=1)
    assert complete_orders(sale.market) == 1
    sale.clock.move(days=-7)
    with pytest.raises(Problem, match="wrong_state"):
        opened(sale)
    assert sale.order.state == "completed"


def test_an_order_is_disputed_once(sale: Sale) -> None:
    first = opened(sale)
    with pytest.raises(Problem, match="disputed before"):
        opened(sale)
    sale.market.act(sale.buyer.participant_id, lambda t: withdraw(t, sale.buyer.participant_id, first))
    with pytest.raises(Problem, match="disputed before"):
        opened(sale)
    assert sale.states == ("settled", "active")


def test_an_open_dispute_holds_the_money_and_rests_the_licence(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    opened(sale)
    assert sale.states == ("disputed", "suspended")
    standing = sale.market.read(lambda connection: standing_of(connection, sale.entitlement_id, 1))
    cause = cause_against(standing, sale.clock.at)
    assert cause is not None and cause.name == "suspended"
    sale.clock.move(days=400)
    assert complete_orders(sale.market) == 0
    assert sale.pending_fen == PRICE_FEN and sale.funds(sale.seller.participant_id)["available"] == 0
    assert sale.is_in_order()


def test_a_licence_that_was_suspended_for_another_reason_stays_so(sale: Sale) -> None:
    sale.market.act("market", lambda transaction: suspend(transaction, sale.entitlement_id, "of its own"))
    dispute_id = opened(sale)
    sale.market.act(sale.buyer.participant_id, lambda t: withdraw(t, sale.buyer.participant_id, dispute_id))
    assert sale.states == ("settled", "suspended") and sale.entitlement.reason == "of its own"


def test_a_licence_that_ended_meanwhile_is_not_given_back(sale: Sale) -> None:
    dispute_id = opened(sale)
    sale.market.act("market", lambda transaction: revoke(transaction, sale.entitlement_id, "for good"))
    sale.market.act(sale.buyer.participant_id, lambda t: withdraw(t, sale.buyer.participant_id, dispute_id))
    assert sale.states == ("settled", "revoked")


def test_what_is_opened_is_logged_without_its_words(sale: Sale) -> None:
    dispute_id = opened(sale, statement="Mr Li of the water office says so.")
    logged = sale.market.read(lambda connection: last_entries(connection, 10))
    of_dispute = [each for each in logged if each.entry.subject == dispute_id]
    assert [each.entry.actor for each in of_dispute] == [sale.buyer.participant_id] * 2
    assert not any("Li" in (each.payload or "") for each in logged)
    assert {"order.dispute", "entitlement.suspend", "dispute.begin", "dispute.evidence"} <= {
        str(each.payload).partition('"step":"')[2].partition('"')[0] for each in logged
    }


def test_both_parties_and_evaluators_speak(sale: Sale) -> None:
    dispute_id = opened(sale)
    assert say(sale, dispute_id, sale.seller)["party"] == "seller"
    assert say(sale, dispute_id, sale.buyer)["party"] == "buyer"
    assert evaluate(sale, dispute_id, sale.evaluator)["party"] == "evaluator" and sale.is_in_order()


def test_others_do_not_speak(sale: Sale) -> None:
    dispute_id = opened(sale)
    for other in (sale.provider, sale.operator, a_participant(sale.market, "developer")):
        with pytest.raises(Problem, match="not_found"):
            say(sale, dispute_id, other)


def test_an_evaluator_with_a_part_in_the_sale_does_not_judge_it(sale: Sale) -> None:
    """Whether itself, or through whoever owns it in the end."""
    dispute_id = opened(sale)
    of_seller = a_participant(sale.market, "evaluator", owner_registration="91350100M000100Y43")
    of_provider = a_participant(sale.market, "evaluator", owner_registration="91350100M000100P11")
    of_buyer = a_participant(sale.market, "evaluator", owner_registration="91350100M000100B77")
    for biased in (of_seller, of_provider, of_buyer, sale.buyer, sale.provider):
        with pytest.raises(Problem, match="not_permitted"):
            evaluate(sale, dispute_id, biased)


def test_nothing_is_said_to_a_dispute_that_is_over(sale: Sale) -> None:
    dispute_id = opened(sale)
    sale.market.act(sale.buyer.participant_id, lambda t: withdraw(t, sale.buyer.participant_id, dispute_id))
    for party in (sale.seller, sale.buyer):
        with pytest.raises(Problem, match="wrong_state"):
            say(sale, dispute_id, party)


def test_a_party_does_not_speak_without_end(sale: Sale) -> None:
    dispute_id = opened(sale)
    for _ in range(STATEMENTS_MAX):
        say(sale, dispute_id, sale.seller)
    with pytest.raises(Problem, match="all that is taken"):
        say(sale, dispute_id, sale.seller)
    say(sale, dispute_id, sale.buyer)


def test_the_seller_does_not_withdraw_a_dispute(sale: Sale) -> None:
    dispute_id = opened(sale)
    for other in (sale.seller, sale.operator):
        name = other.participant_id
        with pytest.raises(Problem, match="not_found"):
            sale.market.act(name, lambda t, name=name: withdraw(t, name, dispute_id))
    assert sale.states == ("disputed", "suspended")


def test_a_dispute_is_withdrawn_once(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    dispute_id, own = opened(sale), sale.buyer.participant_id
    sale.market.act(own, lambda transaction: withdraw(transaction, own, dispute_id))
    assert sale.states == ("settled", "active") and sale.pending_fen == PRICE_FEN
    with pytest.raises(Problem, match="wrong_state"):
        sale.market.act(own, lambda transaction: withdraw(transaction, own, dispute_id))
    sale.clock.move(days=8)
    assert complete_orders(sale.market) == 1 and sale.pending_fen == 0
    assert sale.funds(own)["available"] == FUNDS_FEN - PRICE_FEN and sale.is_in_order()


def test_an_opening_that_fails_in_the_end_leaves_the_sale_as_it_was(sale: Sale) -> None:
    own = sale.buyer.participant_id

    def fail(transaction: Transaction) -> None:
        open_dispute(transaction, own, request(sale.order_id))
        raise RuntimeError("in the end")

    with pytest.raises(RuntimeError, match="in the end"):
        sale.market.act(own, fail)
    assert sale.states == ("settled", "active") and sale.is_in_order()


@pytest.mark.parametrize("statement", ["", "   ", "\n\n", "a\u202eb", "a\x00b", "x" * 4001, "bell\x07"], ids=repr)
def test_a_statement_is_text_that_can_be_read(statement: str) -> None:
    with pytest.raises(ValueError, match="statement"):
        StatementRequest(statement=statement)


def test_a_statement_may_have_lines() -> None:
    assert StatementRequest(statement=" one \n\n  two").statement == "one\ntwo"


def test_a_dispute_names_a_known_ground() -> None:
    with pytest.raises(ValueError, match="ground"):
        DisputeRequest(order_id="ord_" + "0" * 28, ground="because", statement="x")  # type: ignore[arg-type]
