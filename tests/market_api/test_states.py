"""State machines: every pair of state and event is tried, and only what the table says happens."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.market import Market, Transaction
from market_api.problems import Problem
from market_api.states import LOCK_ORDER, MACHINES, Machine, advance, begin, locked
from tests.market_api.builders import SetClock, a_market
from vault.black_box.log import last_entries
from vault.moments import text_of

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("thing_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)
"""Something that moves as any machine says."""


def test_every_machine_has_its_place_in_the_order_of_locks() -> None:
    assert set(MACHINES) <= set(LOCK_ORDER) and len(set(LOCK_ORDER)) == len(LOCK_ORDER)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=str)
def test_every_state_can_be_reached(machine: Machine) -> None:
    before: set[str] = set()
    reached = {machine.first}
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in machine.moves.items() if state in reached}
    assert reached == machine.states


@pytest.mark.parametrize("machine", MACHINES.values(), ids=str)
def test_nothing_happens_but_what_the_table_says(tmp_path: Path, machine: Machine) -> None:
    market = with_things(tmp_path)
    events = {event for _, event in machine.moves}
    for number, (state, event) in enumerate((s, e) for s in sorted(machine.states) for e in sorted(events)):
        name = f"thing_{number}"
        market.act("market", partial(put, machine=machine, name=name, state=state))
        if (state, event) in machine.moves:
            assert move(market, machine, name, event) == machine.moves[(state, event)] == state_of(market, name)
        else:
            with pytest.raises(Problem) as refusal:
                move(market, machine, name, event)
            assert (refusal.value.code, refusal.value.further["state"]) == ("wrong_state", state)
            assert all(possible in refusal.value.detail for possible in machine.events(state))
            assert state_of(market, name) == state


def test_a_move_is_written_and_logged_together(tmp_path: Path, database_url: str | None) -> None:
    clock = SetClock()
    market = with_things(tmp_path, database_url, clock)
    machine = MACHINES["dispute"]
    market.act("par_a", lambda t: begin(t, machine, things, {"thing_id": "dis_1", "note": "new"}, {"order": "ord_1"}))
    clock.move(hours=1)
    market.act(
        "opr_1", lambda t: advance(t, machine, things, locked(t, machine, things, "dis_1"), "uphold", {}, note="yes")
    )
    row = market.read(lambda connection: connection.execute(sa.select(things)).one())
    assert (row.state, row.note, row.changed_at) == (
        "upheld",
        "yes",
        text_of(clock.at),
    ) and row.created_at < row.changed_at
    first, second = market.read(lambda connection: last_entries(connection, 2))
    assert (first.entry.actor, first.entry.subject, second.entry.actor) == ("par_a", "dis_1", "opr_1")
    assert first.payload == '{"order":"ord_1","step":"dispute.begin","to":"opened"}'
    assert second.payload == '{"from":"opened","step":"dispute.uphold","to":"upheld"}'


def test_what_fails_after_a_move_undoes_it_and_its_entry(tmp_path: Path, database_url: str | None) -> None:
    market = with_things(tmp_path, database_url)
    machine = MACHINES["order"]
    market.act("market", lambda t: put(t, machine, "ord_1", "placed"))
    logged = market.seal()

    def fail(transaction: Transaction) -> None:
        advance(transaction, machine, things, locked(transaction, machine, things, "ord_1"), "settle", {})
        raise RuntimeError("after the move")

    with pytest.raises(RuntimeError, match="after the move"):
        market.act("market", fail)
    assert state_of(market, "ord_1") == "placed" and market.seal() == logged


def test_what_moved_meanwhile_is_not_moved_again(tmp_path: Path, database_url: str | None) -> None:
    """A row that was read before another move is no ground for one of its own."""
    market = with_things(tmp_path, database_url)
    machine = MACHINES["order"]
    market.act("market", lambda t: put(t, machine, "ord_1", "placed"))

    def twice(transaction: Transaction) -> None:
        row = locked(transaction, machine, things, "ord_1")
        advance(transaction, machine, things, row, "settle", {})
        advance(transaction, machine, things, row, "cancel", {})

    with pytest.raises(Problem, match="not placed any more"):
        market.act("market", twice)
    assert state_of(market, "ord_1") == "placed"


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    market = with_things(tmp_path)
    with pytest.raises(Problem) as refusal:
        move(market, MACHINES["order"], "ord_nobody", "settle")
    assert refusal.value.code == "not_found"


def test_a_clock_that_goes_backwards_stops_nothing(tmp_path: Path, database_url: str | None) -> None:
    """Entries keep their order by their index, whatever their times say."""
    clock = SetClock()
    market = with_things(tmp_path, database_url, clock)
    machine = MACHINES["negotiation"]
    market.act("market", lambda t: put(t, machine, "neg_1", "open"))
    for _ in range(3):
        clock.move(hours=-1)
        move(market, machine, "neg_1", "offer")
        market.seal()
    entries = market.read(lambda connection: last_entries(connection, 3))
    assert [each.entry.index for each in entries] == [0, 1, 2]
    assert entries[0].entry.at > entries[1].entry.at > entries[2].entry.at
    assert market.verify().problems == ()


def with_things(folder: Path, database_url: str | None = None, clock: Callable[[], Any] | None = None) -> Market:
    market = a_market(folder, clock, database_url)
    market.act("market", lambda transaction: things.create(transaction.connection))
    return market


def put(transaction: Transaction, machine: Machine, name: str, state: str) -> None:
    at = text_of(transaction.at)
    values = {"thing_id": name, "state": state, "created_at": at, "changed_at": at}
    transaction.connection.execute(sa.insert(things).values(values))


def move(market: Market, machine: Machine, name: str, event: str) -> str:
    return market.act("market", lambda t: advance(t, machine, things, locked(t, machine, things, name), event, {}))


def state_of(market: Market, name: str) -> Any:
    return market.read(
        lambda connection: connection.execute(sa.select(things.c.state).where(things.c.thing_id == name)).scalar_one()
    )
