"""Becoming a participant, logging in, and where the secret lies."""

import json
import stat

from market_api.commands.logins import Login
from tests.market_api.client.places import OWNER, Place
from tests.market_api.commands.conftest import Terminals


def test_who_applies_has_a_login_that_nobody_else_can_read(terminal: Terminals) -> None:
    own = terminal("own")
    done = own.done("apply", "Luwang Navigation", "--owner", "91350100M000100Y43")
    kept = json.loads(own.login.read_text())
    assert stat.S_IMODE(own.login.stat().st_mode) == 0o600
    assert kept["client_id"] == done.identifier("par") and kept["client_secret"] not in done.out + done.err
    assert "unauthorized_client" in own.run("account").err


def test_a_login_is_not_written_over(terminal: Terminals) -> None:
    own = terminal("own")
    own.login.write_text("somebody's secret")
    own.refused("login_there", "apply", "Chengyun Logistics")
    assert own.login.read_text() == "somebody's secret"


def test_the_operator_admits_and_books_and_the_account_says_so(place: Place, terminal: Terminals) -> None:
    operator, own = terminal("operator"), terminal("own")
    client_id, secret = place.operator_login
    operator.done("login", given=f"client_id     {client_id}\nclient_secret {secret}\n")
    participant = own.done("apply", "Puhui Maps", "--role", "developer").identifier("par")
    assert participant in operator.done("participants", "--state", "applied").out
    assert "Puhui Maps" in operator.done("admit", participant, "--party", f"{OWNER} of Puhui").out
    operator.done("deposit", participant, "1234.50", "--reference", "2026-0001")
    operator.refused("taken", "deposit", participant, "1234.50", "--reference", "2026-0001")
    told = own.done("account").out
    assert "Puhui Maps" in told and "¥1,234.50" in told
    assert "¥1,234.50" in own.done("statement").out and "nothing was told" in own.done("notices").out


def test_a_login_is_tried_before_it_is_kept(place: Place, terminal: Terminals) -> None:
    own = terminal("own")
    own.refused("invalid_client", "login", "--id", place.buyer.participant_id, given="wrong\n")
    assert not own.login.exists()
    own.done("login", "--id", place.buyer.participant_id, given=f"{place.buyer.secret}\n")
    assert stat.S_IMODE(own.login.stat().st_mode) == 0o600


def test_an_input_without_a_secret_is_no_login(terminal: Terminals) -> None:
    terminal("own").refused("login_unread", "login", given="")
    terminal("own").refused("login_unread", "login", given="client_id par_1\n")


def test_without_a_login_every_command_says_what_to_do(terminal: Terminals) -> None:
    assert "jinku market login" in terminal("nobody").refused("login_missing", "search").err


def test_a_login_that_others_can_read_is_not_used(terminal: Terminals) -> None:
    own = terminal("own")
    own.login.write_text(json.dumps({"url": "http://127.0.0.1:9", "client_id": "par_1", "client_secret": "x"}))
    own.login.chmod(0o640)
    assert "chmod 600" in own.refused("login_open", "orders").err


def test_a_file_that_is_no_login_is_said_so(terminal: Terminals) -> None:
    own = terminal("own")
    for text in ("", "[]", '{"url": "http://127.0.0.1:9"}'):
        own.login.write_text(text)
        own.login.chmod(0o600)
        own.refused("login_damaged", "orders")


def test_a_market_that_is_not_there_is_one_line(terminal: Terminals) -> None:
    own = terminal("own")
    own.login.write_text(json.dumps({"url": "http://127.0.0.1:9", "client_id": "par_1", "client_secret": "x"}))
    own.login.chmod(0o600)
    assert "http://127.0.0.1:9" in own.refused("market_unreached", "orders").err


def test_a_login_tells_no_secret_of_itself() -> None:
    assert "secret" not in repr(Login("http://127.0.0.1:3002", "par_1", "a secret"))
