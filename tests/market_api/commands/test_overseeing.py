"""The black box by subject at the terminal, its proofs checked on any machine, and the regulator's β."""

from pathlib import Path

import pytest
from rich.console import Console

from market_api.client import Market, MarketError
from orchestration.commands.black_box import check_proof
from tests.market_api.client.places import FUNDS_FEN, NAME, PURPOSES, Place
from tests.market_api.commands.conftest import Terminals
from tests.market_api.commands.terminals import Terminal
from tests.market_api.commands.test_trading import as_player

TERM = ("--from", "2027q1", "--to", "2027q2", "--reason", "Two of three providers have left.")


@pytest.fixture
def regulator(place: Place, terminal: Terminals) -> Terminal:
    """A regulator's terminal; nobody applies for this role, so the operator enrols one."""
    body = {"role": "regulator", "registered_name": f"Data Bureau {place.own.random_bytes(4).hex()}"}
    told = place.operator.connection.post("/v1/participants", body)
    place.operator.operating.admit(told["participant_id"])
    found = terminal("regulator")
    found.done("login", "--id", told["participant_id"], given=told["client_secret"])
    return found


def bought(place: Place) -> tuple[Market, str, str]:
    """Somebody who bought, with the order's name and the own secret."""
    assert place.listing.state == "listed"
    buyer = place.joined(funds_fen=FUNDS_FEN)
    order_id = buyer.market.buy(NAME, PURPOSES).order_id
    place.own.seal()
    return buyer.market, order_id, buyer.secret


def test_the_regulator_reads_of_an_order_and_checks_the_proofs_with_the_public_key(
    place: Place, regulator: Terminal
) -> None:
    _, order_id, _ = bought(place)
    shown = regulator.done("log", order_id, "--proofs", "proofs")
    assert "order.begin" in shown.out and "order.settle" in shown.out and "2 proofs" in shown.out
    written = sorted((regulator.folder / "proofs").iterdir())
    assert len(written) == 2
    public = place.folder / "market" / "public"
    assert [check_proof(Console(quiet=True), each, public, None) for each in written] == [0, 0]
    forged = regulator.folder / "forged.json"
    forged.write_text(written[0].read_text().replace(order_id, order_id[:-1] + "x"))
    assert check_proof(Console(quiet=True), forged, public, None) == 1


def test_a_party_reads_of_its_own_order_and_of_no_other(place: Place, terminal: Terminals) -> None:
    client, order_id, secret = bought(place)
    _, other, _ = bought(place)
    own = terminal("party")
    own.done("login", "--id", client.account().participant_id, given=secret)
    assert "withheld" in own.done("log", order_id).out
    own.refused("not_found", "log", other)
    own.refused("not_found", "log", client.account().participant_id)


def test_what_nothing_is_about_is_said_so(regulator: Terminal) -> None:
    assert "holds nothing about it" in regulator.done("log", "nobody").out


def test_beta_is_set_shown_and_taken_back(place: Place, regulator: Terminal) -> None:
    assert place.listing.component == NAME
    assert f"β of {NAME} is 1.1 from 2027q1 to 2027q2" in regulator.done("beta", NAME, "--value", "1.1", *TERM).out
    assert "β of governance is 0.9" in regulator.done("beta", "governance", "--value", "0.9", *TERM).out
    assert f"β of {NAME} is the formula's" in regulator.done("beta", NAME, *TERM).out
    shown = regulator.done("betas").out
    assert "governance" in shown and "formula" in shown and "Two of three providers" in shown


@pytest.mark.parametrize("value", ["1.21", "0.79", "much"])
def test_a_beta_out_of_bounds_is_one_line(place: Place, regulator: Terminal, value: str) -> None:
    assert place.listing.component == NAME
    regulator.refused("invalid_request", "beta", NAME, "--value", value, *TERM)
    regulator.refused("not_found", "beta", "never_listed", "--value", "1", *TERM)


def test_nobody_else_sets_beta(place: Place, developer_terminal: Terminal) -> None:
    developer_terminal.refused("not_permitted", "beta", NAME, "--value", "1.2", *TERM)
    developer_terminal.refused("not_permitted", "betas")
    with pytest.raises(MarketError, match="not_permitted"):
        list(place.developer.market.overseeing.entries_about(place.developer.participant_id))


@pytest.fixture
def developer_terminal(place: Place, terminal: Terminals) -> Terminal:
    assert place.listing.state == "listed"
    return as_player(terminal("seller"), place.developer)


def test_a_folder_that_cannot_be_written_is_one_line(place: Place, regulator: Terminal) -> None:
    _, order_id, _ = bought(place)
    (regulator.folder / "file").write_text("")
    regulator.refused("storage", "log", order_id, "--proofs", str(Path("file") / "proofs"))


def test_a_component_that_is_not_traded_is_said_so(place: Place, developer_terminal: Terminal) -> None:
    name = place.developer.participant_id
    buyer = place.joined()
    shopper = Terminal(
        "shopper", place, developer_terminal.folder, developer_terminal.monkeypatch, developer_terminal.capsys
    )
    as_player(shopper, buyer)
    assert "not traded now" not in shopper.done("show", NAME).out
    place.operator.operating.suspend(name, "A complaint is examined.")
    try:
        assert "not traded now The operator has suspended its seller" in shopper.done("show", NAME).out
        assert NAME not in shopper.done("search").out
    finally:
        place.operator.operating.reinstate(name, "It was unfounded.")
    assert NAME in shopper.done("search").out
