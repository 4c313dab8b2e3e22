"""Invoices and payouts at the terminal, deposits that were wrong, and the way back for who lost all secrets."""

import json
import stat

import pytest

from tests.market_api.client.places import FUNDS_FEN, NAME, Place, Player
from tests.market_api.commands.conftest import Terminals
from tests.market_api.commands.terminals import Terminal
from tests.market_api.commands.test_trading import PURPOSE, as_player, yuan

CHECKED = ("--reason", "Called back at the number on record.")


@pytest.fixture
def operator(place: Place, terminal: Terminals) -> Terminal:
    found = terminal("operator")
    client_id, secret = place.operator_login
    found.done("login", given=f"client_id {client_id}\nclient_secret {secret}\n")
    return found


@pytest.fixture
def player(place: Place) -> Player:
    return place.joined(funds_fen=FUNDS_FEN)


@pytest.fixture
def own(player: Player, terminal: Terminals) -> Terminal:
    return as_player(terminal("own"), player)


def test_a_purchase_is_invoiced_and_its_voucher_stands_in_the_statement(place: Place, own: Terminal) -> None:
    assert "no invoices yet" in own.done("invoices").out
    price = yuan(place.listing.price_fen or 0)
    own.done("buy", NAME, *PURPOSE)
    place.let_pass(seconds=1)
    lines = own.done("invoices").out.splitlines()
    assert (
        price in lines[1]
        and "bought" in lines[1]
        and lines[-1].split() == ["in", "all", "bought", *lines[1].split()[3:]]
    )
    assert lines[1].split()[0] in own.done("statement").out


def test_a_payout_is_asked_for_taken_back_and_rejected(place: Place, own: Terminal, operator: Terminal) -> None:
    assert "no payouts yet" in own.done("payout", "list").out
    own.refused("amount", "payout", "ask", "all")
    own.refused("funds_missing", "payout", "ask", "10000000")
    one, other = (own.done("payout", "ask", "123.45").identifier("pay") for _ in range(2))
    assert "¥123.45" in own.done("payout", "cancel", one).out
    own.refused("wrong_state", "payout", "cancel", one)
    own.refused("not_permitted", "payout", "reject", other, "--reason", "I say so.")
    operator.done("payout", "reject", other, "--reason", "[red]Not in your name.")
    assert "[red]Not in your name." in own.done("payout", "list", "--state", "rejected").out
    assert one in own.done("payout", "list").out and place.url


def test_a_wrong_deposit_is_reversed(own: Terminal, player: Player, operator: Terminal) -> None:
    booked = operator.done("deposit", player.participant_id, "50.00", "--reference", "WRONG-1").identifier("dep")
    listed = operator.done("deposits", player.participant_id).out
    assert booked in listed and "WRONG-1" in listed
    assert "¥50.00" in operator.done("reverse", booked, "--reason", "Another's transfer.").out
    assert "Another's transfer." in operator.done("deposits", player.participant_id).out
    told = own.done("statement").out
    assert "deposit reversal" in told and "-¥50.00" in told
    operator.refused("wrong_state", "reverse", booked, "--reason", "Again.")
    operator.refused("not_found", "reverse", f"dep_{'0' * 28}", "--reason", "What is none.")
    own.refused("not_permitted", "reverse", booked, "--reason", "Mine.")


def test_what_was_spent_of_a_deposit_is_named(place: Place, operator: Terminal) -> None:
    spender = place.joined()
    booked = operator.done("deposit", spender.participant_id, "50.00", "--reference", "SPENT-1").identifier("dep")
    spender.market.request_payout(1_234)
    refused = operator.refused("funds_missing", "reverse", booked, "--reason", "Another's transfer.")
    assert "1234 are spent or set aside" in refused.err


def test_who_lost_its_login_enrols_anew(
    place: Place, terminal: Terminals, own: Terminal, player: Player, operator: Terminal
) -> None:
    issued = operator.done("enrolment-code", player.participant_id, *CHECKED, "--hours", "2")
    assert "good until" in issued.err and "good until" not in issued.out
    anew = terminal("anew")
    done = anew.done("enrol", given=issued.out)
    kept = json.loads(anew.login.read_text())
    assert stat.S_IMODE(anew.login.stat().st_mode) == 0o600 and kept["client_id"] == player.participant_id
    assert kept["client_secret"] not in done.out + done.err
    assert player.participant_id in anew.done("account").out
    own.refused("invalid_client", "account")
    assert "used" in terminal("late").refused("wrong_state", "enrol", given=issued.out).err
    assert not terminal("late").login.exists() and place.url


def test_a_login_of_ones_own_is_replaced_and_that_of_another_is_not(
    place: Place, own: Terminal, player: Player, operator: Terminal
) -> None:
    code = code_of(operator.done("enrolment-code", player.participant_id, *CHECKED).out)
    before = json.loads(own.login.read_text())
    own.done("enrol", "--id", player.participant_id, given=f"{code}\n")
    after = json.loads(own.login.read_text())
    assert after["client_id"] == before["client_id"] and after["client_secret"] != before["client_secret"]
    other = place.joined()
    code = code_of(operator.done("enrolment-code", other.participant_id, *CHECKED).out)
    own.refused("login_there", "enrol", "--id", other.participant_id, given=f"{code}\n")
    assert json.loads(own.login.read_text()) == after
    own.login.write_text("torn")
    own.refused("login_damaged", "enrol", "--id", other.participant_id, given=f"{code}\n")
    own.login.unlink()
    own.done("enrol", "--id", other.participant_id, given=f"{code}\n")


def test_a_wrong_code_leaves_no_login(terminal: Terminals, player: Player, operator: Terminal) -> None:
    operator.done("enrolment-code", player.participant_id, *CHECKED)
    lost = terminal("lost")
    lost.refused("unauthenticated", "enrol", "--id", player.participant_id, given="jinku_enrol_x\n")
    lost.refused("login_unread", "enrol", given=f"client_id {player.participant_id}\nclient_secret x\n")
    lost.refused("login_unread", "enrol", given="")
    assert not lost.login.exists()
    operator.refused("invalid_request", "enrolment-code", player.participant_id, *CHECKED, "--hours", "169")


def code_of(printed: str) -> str:
    """The code among what is printed for its owner."""
    return printed.split("enrolment_code")[1].split()[0]
