"""What is done on the market's own machine: prove it, and trace what leaked."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from market_api.ledger.tables import accounts
from market_api.market import Transaction
from tests.market_api.client.places import FUNDS_FEN, NAME, PURPOSES, Place, Player
from tests.market_api.commands.conftest import Terminals
from tests.market_api.commands.terminals import Terminal


@pytest.fixture(scope="module")
def holders(place: Place) -> list[Player]:
    """Two who received the component."""
    assert place.listing.state == "listed"
    players = [place.joined(funds_fen=FUNDS_FEN, name=f"Holder {word}") for word in ("One", "Two")]
    for each in players:
        each.market.buy(NAME, PURPOSES)
    return players


def pulled(player: Player, folder: Path) -> Path:
    return player.market.pull(NAME, folder / f"{player.participant_id}.parquet")


def at(machine: Terminal, place: Place) -> Terminal:
    """The terminal of another market's machine."""
    return replace(machine, place=place)


def leaked(source: Path, target: Path, select: str = "select *") -> str:
    """A part of a copy as CSV, its rows in another order."""
    duckdb.sql(f"copy ({select} from '{source}' where hash(zone_id) % 3 > 0 order by hash(distance_km_mean)) "
               f"to '{target}' (header)")  # fmt: skip
    return str(target)


def test_a_market_in_order_is_said_to_be(place: Place, terminal: Terminals) -> None:
    place.own.seal()
    told = terminal("machine").done("verify").out
    assert "adds up" in told and "whole" in told


def test_a_leak_is_traced_to_whom_it_was_delivered(holders: list[Player], terminal: Terminals, tmp_path: Path) -> None:
    copies = [pulled(each, tmp_path) for each in holders]
    for player, copy in zip(holders, copies, strict=True):
        told = terminal("machine").done("trace", leaked(copy, tmp_path / "leak.csv")).out
        assert told.startswith("traced to Holder ") and player.participant_id in told.splitlines()[0]
        assert all(each.participant_id in told for each in holders)


def test_that_something_was_traced_is_logged(
    place: Place, holders: list[Player], terminal: Terminals, tmp_path: Path
) -> None:
    terminal("machine").done("trace", leaked(pulled(holders[0], tmp_path), tmp_path / "leak.csv"))
    entries = place.operator.connection.pages("/v1/oversight/log", subject=f"{NAME}@1", kind="delivery")
    last = list(entries)[-1]["payload"]
    assert last["step"] == "delivery.trace" and last["accused"][0]["participant_id"] == holders[0].participant_id


def test_the_release_itself_is_nobodys_copy(place: Place, holders: list[Player], terminal: Terminals) -> None:
    pulled(holders[0], place.folder)
    release = next((place.folder / "releases" / NAME / "1" / "table").glob("*.parquet"))
    told = terminal("machine").done("trace", str(release), "--release", f"{NAME}@1").out
    assert told.startswith("nobody: ")


def test_too_little_is_said_to_be_too_little(holders: list[Player], terminal: Terminals, tmp_path: Path) -> None:
    copy = pulled(holders[0], tmp_path)
    one = tmp_path / "one.csv"
    duckdb.sql(f"copy (select * from '{copy}' limit 5) to '{one}' (header)")
    assert terminal("machine").done("trace", str(one)).out.startswith("not traceable: ")


def test_what_is_no_table_or_of_nothing_here_is_refused(
    place: Place, holders: list[Player], terminal: Terminals, tmp_path: Path
) -> None:
    pulled(holders[0], tmp_path)
    machine, other = terminal("machine"), tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    machine.refused("leak_unrelated", "trace", str(other))
    machine.refused("leak_unreadable", "trace", str(tmp_path / "missing.csv"))
    machine.refused("nothing_delivered", "trace", str(other), "--release", "no_such@1")


def test_without_a_market_nothing_is_verified_or_traced(terminal: Terminals, tmp_path: Path) -> None:
    machine = terminal("machine")
    machine.settings["JINKU_MARKET_FOLDER"] = str(tmp_path / "nowhere")
    machine.refused("market_absent", "verify")
    machine.refused("market_absent", "trace", "leak.csv")
    assert not (tmp_path / "nowhere").exists()


def test_money_from_nowhere_is_found(own_place: Place, terminal: Terminals) -> None:
    own = accounts.c

    def stolen(transaction: Transaction) -> None:
        change = sa.update(accounts).where(own.account_id == "market:available")
        transaction.connection.execute(change.values(balance_fen=own.balance_fen + 1))

    own_place.own.act("market", stolen)
    found = at(terminal("machine"), own_place).run("verify")
    assert found.status == 1 and "market:available holds 1 fen, its postings say 0" in found.out
    assert "all balances together are 1 fen, not 0" in found.out and "adds up" not in found.out


def test_an_entry_of_the_black_box_that_was_changed_is_found(own_place: Place, terminal: Terminals) -> None:
    own_place.joined()
    own_place.own.seal()
    with own_place.own.engine.begin() as connection:
        connection.execute(sa.text("drop trigger black_box_entries_never_update"))
        connection.execute(sa.text("update black_box_entries set actor = 'somebody' where leaf_index = 0"))
    found = at(terminal("machine"), own_place).run("verify")
    assert found.status == 1 and "black box  " in found.out and "black box  whole" not in found.out
