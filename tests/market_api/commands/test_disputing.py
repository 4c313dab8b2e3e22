"""Disputes at the terminal: from the order to the decision, by each who has a part in it."""

import json

import pytest

from tests.market_api.client.places import FUNDS_FEN, NAME, Place
from tests.market_api.commands.conftest import Terminals
from tests.market_api.commands.terminals import Terminal
from tests.market_api.commands.test_trading import PURPOSE, as_player

SAYING = ("--statement", "Zone 7 is missing.")
FIELD = "release"


@pytest.fixture
def buyer(place: Place, terminal: Terminals) -> Terminal:
    assert place.listing.state == "listed"
    return as_player(terminal("buyer"), place.joined(funds_fen=FUNDS_FEN))


@pytest.fixture
def seller(place: Place, terminal: Terminals) -> Terminal:
    return as_player(terminal("seller"), place.developer)


@pytest.fixture
def evaluator(place: Place, terminal: Terminals) -> Terminal:
    return as_player(terminal("evaluator"), place.joined("evaluator"))


@pytest.fixture
def operator(place: Place, terminal: Terminals) -> Terminal:
    found = terminal("operator")
    client_id, secret = place.operator_login
    found.done("login", given=f"client_id {client_id}\nclient_secret {secret}\n")
    return found


def opened(place: Place, buyer: Terminal) -> str:
    """A dispute about what was just bought."""
    order = buyer.done("buy", NAME, *PURPOSE).identifier("ord")
    found = buyer.done("dispute", "open", order, "--ground", "quality", *SAYING).identifier("dsp")
    place.let_pass(seconds=1)
    return found


def test_a_dispute_is_opened_answered_evaluated_and_decided(
    place: Place, buyer: Terminal, seller: Terminal, evaluator: Terminal, operator: Terminal
) -> None:
    dispute = opened(place, buyer)
    entries = seller.done("dispute", "entries", dispute).out
    settled = next(line.split()[0] for line in entries.splitlines() if "order.settle" in line)
    answered = seller.done("dispute", "evidence", dispute, "--statement", "It was paid as it was.", "--entry", settled)
    assert f"entry {settled} of the black box" in answered.out and "seller, " in answered.out
    judged = evaluator.done("dispute", "evidence", dispute, "--statement", "As described.", "--field", "component")
    assert "evaluator, " in judged.out and f"datasheet: component is {NAME}" in judged.out
    assert set(entries.splitlines()) < set(evaluator.done("dispute", "entries", dispute).out.splitlines())
    for who in (buyer, seller, evaluator, operator):
        assert dispute in who.done("dispute", "list", "--state", "opened").out
        assert "Zone 7 is missing." in who.done("dispute", "show", dispute).out
    words = ("decide", dispute, "upheld", "--reason", "One zone of 30 is missing.")
    operator.refused("invalid_request", "dispute", *words)
    operator.refused("invalid_request", "dispute", *words, "--refund", "99999999", "--licence", "ends")
    operator.refused("amount", "dispute", *words, "--refund", "some", "--licence", "ends")
    decided = operator.done("dispute", *words, "--refund", "1.23", "--licence", "keeps").out
    assert "given back ¥1.23; the buyer's licence goes on" in decided
    operator.refused("wrong_state", "dispute", "decide", dispute, "rejected", "--reason", "No.")
    place.let_pass(seconds=1)
    for who, side in ((buyer, "bought"), (seller, "sold")):
        assert "One zone of 30 is missing." in who.done("dispute", "show", dispute).out
        credited = [line for line in who.done("invoices").out.splitlines() if line.startswith("CN-")]
        assert any("-¥1.23" in line and side in line for line in credited)
    assert evaluator.done("dispute", "list", "--state", "upheld").out.strip() == "no disputes"


def test_a_dispute_is_withdrawn(place: Place, buyer: Terminal) -> None:
    dispute = opened(place, buyer)
    assert "withdrawn" in buyer.done("dispute", "withdraw", dispute).out
    assert dispute in buyer.done("dispute", "list", "--state", "withdrawn").out
    buyer.refused("wrong_state", "dispute", "evidence", dispute, *SAYING)


def test_evidence_that_is_none_is_refused(place: Place, buyer: Terminal) -> None:
    order = buyer.done("buy", NAME, *PURPOSE).identifier("ord")
    words = ("dispute", "open", order, "--ground", "terms", *SAYING)
    buyer.refused("invalid_request", *words, "--field", "no.such.field")
    dispute = buyer.done(*words, "--field", "component").identifier("dsp")
    assert (
        "dispute entries" in buyer.refused("unknown_entry", "dispute", "evidence", dispute, *SAYING, "--entry", "0").err
    )
    buyer.refused("wrong_state", *words)
    assert buyer.run("dispute", "open", order, "--ground", "mood", *SAYING).status == 2


def test_each_does_at_a_dispute_what_it_may(
    place: Place, buyer: Terminal, operator: Terminal, terminal: Terminals
) -> None:
    dispute = opened(place, buyer)
    buyer.refused("not_permitted", "dispute", "decide", dispute, "rejected", "--reason", "I say so.")
    operator.refused("not_permitted", "dispute", "evidence", dispute, *SAYING)
    stranger = as_player(terminal("stranger"), place.joined())
    for words in (("show", dispute), ("entries", dispute), ("withdraw", dispute), ("evidence", dispute, *SAYING)):
        stranger.refused("not_found", "dispute", *words)
    assert stranger.done("dispute", "list").out.strip() == "no disputes"


def test_what_people_said_is_written_as_it_is(place: Place, buyer: Terminal) -> None:
    order = buyer.done("buy", NAME, *PURPOSE).identifier("ord")
    said = "[bold]Zone 7[/] is :warning: missing [link=x]"
    assert said in buyer.done("dispute", "open", order, "--ground", "other", "--statement", said).out
    assert json.loads(buyer.login.read_text())["client_secret"] not in buyer.done("dispute", "list").out
