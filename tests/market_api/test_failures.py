"""A database that fails is told by its true cause: gone, busy, full, read-only, damaged, or without a table it had.

Every cause is a real one, of SQLite and of PostgreSQL. No answer and no log line holds a statement or a value.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from market_api import database
from market_api.database import engine_of
from market_api.ledger.accounts import balances
from market_api.market import Market, Transaction
from market_api.problems import Problem
from market_api.web.log_lines import JsonLines
from tests.builders import PROJECT
from tests.market_api.builders import Participant, a_market, a_participant, served, with_funds
from tests.postgres import fresh_database, restartable_postgres

SECRET = "Wang Fang 13800138000"
SQL_WORDS = ("select", "insert", "update ", "begin immediate", SECRET, "sqlalche", "/market.sqlite")


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """On SQLite, with no patience."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    monkeypatch.setattr(database, "FIRST_WAIT_SECONDS", 0)
    made = a_market(tmp_path)
    made.act("market", lambda transaction: with_funds(transaction, "par_a", 5))
    yield made
    made.engine.dispose()


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_server: str) -> Iterator[Market]:
    made = a_market(tmp_path, database_url=fresh_database(postgres_server))
    made.act("market", lambda transaction: with_funds(transaction, "par_a", 5))
    yield made
    made.engine.dispose()


def path_of(market: Market) -> Path:
    return Path(market.engine.url.database or "")


def reads(market: Market) -> Any:
    return market.read(lambda connection: balances(connection, "par_a"))


def writes(market: Market, owner: str = SECRET) -> Any:
    return market.act("market", lambda transaction: with_funds(transaction, owner, 5))


def refused(do: Callable[[Market], Any], market: Market, code: str, cause: str | None = None) -> Problem:
    """The refusal, which tells its cause and nothing of what was asked."""
    with pytest.raises(Problem) as caught:
        do(market)
    problem = caught.value
    assert (problem.code, problem.further.get("cause")) == (code, cause), problem
    assert not any(words in json.dumps(problem.document("req_1")).lower() for words in SQL_WORDS)
    return problem


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the log holds of failures of the database, as it would be written."""
    lines = [JsonLines().format(each) for each in caplog.records if each.getMessage() == "the database failed"]
    assert not any(words in line.lower() for line in lines for words in SQL_WORDS)
    return [json.loads(line) for line in lines]


def changed(market: Market, statement: str) -> None:
    """What somebody does to the database behind the market's back."""
    if market.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(path_of(market), isolation_level=None)) as connection:
            connection.execute(statement)
    else:
        url = sa.make_url(market.settings.database_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
            other.execute(statement)  # type: ignore[call-overload]


# busy


def test_a_file_that_another_writes_is_busy_and_readers_are_not_held_up(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path_of(market), isolation_level=None)) as other:
        other.execute("begin immediate")
        refused(writes, market, "busy")
        assert reads(market)["available"] == 5
        other.execute("rollback")
    assert [(each["code"], each["error"]) for each in logged(caplog)] == [
        ("busy", "busy: SQLITE_BUSY OperationalError")
    ]
    writes(market)


def test_a_file_that_another_holds_alone_is_busy_for_readers_too(market: Market) -> None:
    market.engine.dispose()
    with closing(sqlite3.connect(path_of(market), isolation_level=None)) as other:
        for statement in ("pragma locking_mode = exclusive", "begin exclusive"):
            other.execute(statement)
        for do in (reads, writes):
            refused(do, market, "busy")
    assert reads(market)["available"] == 5


def test_a_locked_table_and_a_statement_that_takes_too_long_are_busy(on_postgres: Market) -> None:
    name = on_postgres.engine.url.database
    changed(on_postgres, f"alter database {name} set lock_timeout = '50ms'")
    on_postgres.engine.dispose()
    with on_postgres.engine.connect() as other:
        other.exec_driver_sql("lock table accounts in access exclusive mode")
        for do in (reads, writes):
            refused(do, on_postgres, "busy")
    assert reads(on_postgres)["available"] == 5
    changed(on_postgres, f"alter database {name} set statement_timeout = '50ms'")
    on_postgres.engine.dispose()
    refused(
        lambda it: it.read(lambda connection: connection.exec_driver_sql("select pg_sleep(2)")), on_postgres, "busy"
    )


@pytest.mark.parametrize("do", [reads, writes])
def test_where_every_connection_is_taken_it_is_busy(market: Market, do: Callable[[Market], Any]) -> None:
    engine = sa.create_engine(market.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    small = replace(market, engine=engine)
    with engine.connect():
        refused(do, small, "busy")
    engine.dispose()


# full


def test_a_full_database_is_told_and_nothing_of_it_is_done(market: Market, caplog: pytest.LogCaptureFixture) -> None:
    with market.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar_one()
    market.engine.dispose()
    limit = f"pragma max_page_count = {pages}"
    sa.event.listen(market.engine, "connect", lambda connection, _: connection.execute(limit))

    def fills(it: Market) -> None:
        for number in range(500):
            it.act("market", lambda transaction, number=number: with_funds(transaction, f"{SECRET} {number}", 5))

    refused(fills, market, "database_unfit", "full")
    assert reads(market)["available"] == 5
    assert logged(caplog)[0]["error"] == "full: SQLITE_FULL OperationalError"


@pytest.mark.parametrize(
    ("state", "code", "cause"),
    [
        ("53100", "database_unfit", "full"),
        ("58030", "database_unfit", "damaged"),
        ("XX001", "database_unfit", "damaged"),
        ("53300", "busy", None),
        ("57P03", "unavailable", None),
    ],
)
def test_what_the_server_says_is_told_by_its_state_and_its_message_by_nobody(
    on_postgres: Market, caplog: pytest.LogCaptureFixture, state: str, code: str, cause: str | None
) -> None:
    raised = f"do $$ begin raise exception 'could not extend file: {SECRET}' using errcode = '{state}'; end $$"
    for ask in (on_postgres.read, lambda do: on_postgres.act("market", lambda transaction: do(transaction.connection))):
        refused(
            lambda it, ask=ask: ask(lambda connection: connection.exec_driver_sql(raised)), on_postgres, code, cause
        )  # type: ignore[misc]
    assert state in logged(caplog)[0]["error"]


SCRIPT = """
import json, sys
from pathlib import Path
from market_api.database import engine_of
from market_api.keys import MarketKeys
from market_api.ledger.accounts import balances
from market_api.market import Market
from market_api.problems import Problem
from tests.market_api.builders import SetClock, market_settings, with_funds

settings = market_settings(Path(sys.argv[1]))
market = Market(settings, engine_of(settings.database_url), MarketKeys(bytes(32)), SetClock())
told = []

def fills(transaction):
    with_funds(transaction, transaction.new_identifier("par"), 5)
    transaction.log("order.settle", "ord_1", {"x": "y" * 100_000})

for do in (lambda: market.read(lambda c: balances(c, "par_a")), *[lambda: market.act("market", fills)] * 40):
    try:
        do()
        told.append("done")
    except Problem as problem:
        told.append(f"{problem.code} {problem.further.get('cause')}")
print(json.dumps(told))
"""
"""Reads once and then writes until a small disk must be full."""


def in_own_mounts(folder: Path, mount: str) -> list[str]:
    """What reading and then writing came to, in a process over a file system of its own."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here, so no disk was full or read-only")
    script = folder / "writes.py"
    script.write_text(SCRIPT)
    command = f"{mount}; exec {sys.executable} {script} {folder}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", command],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_disk_without_space_is_told_as_full(market: Market, tmp_path: Path) -> None:
    market.engine.dispose()
    own, kept = market.settings.folder, tmp_path / "kept"
    size = sum(each.stat().st_size for each in own.rglob("*") if each.is_file()) + (1 << 20)
    mount = f"cp -a {own} {kept}; mount -t tmpfs -o size={size} tmpfs {own}; cp -a {kept}/. {own}"
    read, *written = in_own_mounts(tmp_path, mount)
    assert read == "done" and set(written) <= {"done", "database_unfit full"}
    assert written[-1] == "database_unfit full"


def test_a_read_only_disk_is_told_as_that(market: Market, tmp_path: Path) -> None:
    market.engine.dispose()
    own = market.settings.folder
    _, *written = in_own_mounts(tmp_path, f"mount --bind {own} {own}; mount -o remount,ro,bind {own}")
    assert set(written) == {"database_unfit read_only"}


# read-only


def test_a_database_that_takes_no_writes_is_read_and_told(
    on_postgres: Market, caplog: pytest.LogCaptureFixture
) -> None:
    name = on_postgres.engine.url.database
    changed(on_postgres, f"alter database {name} set default_transaction_read_only = on")
    on_postgres.engine.dispose()
    assert reads(on_postgres)["available"] == 5
    refused(writes, on_postgres, "database_unfit", "read_only")
    assert logged(caplog)[0]["error"].startswith("read_only: 25006")
    changed(on_postgres, f"begin; set transaction read write; alter database {name} reset all; commit")
    on_postgres.engine.dispose()
    writes(on_postgres)


# lost tables and damage


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Market:
    found: Market = request.getfixturevalue("market" if request.param == "sqlite" else "on_postgres")
    return found


@pytest.mark.parametrize("table", ["accounts", "black_box_payloads"])
def test_a_lost_table_is_told_once_and_not_tried_again(
    either: Market, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(either, f"alter table {table} rename to {table}_away")
    tries: list[int] = []

    def once(transaction: Transaction) -> None:
        tries.append(1)
        with_funds(transaction, SECRET, 5)

    refused(lambda it: it.act("market", once), either, "database_unfit", "table_missing")
    assert tries == [1]
    assert logged(caplog)[0]["error"].startswith("table_missing: ")


def test_what_was_never_a_table_is_a_fault_of_the_market_and_no_failure_of_the_database(either: Market) -> None:
    for statement in ("select * from no_such_table", "select no_such_column from accounts", "selekt 1"):
        with pytest.raises(sa.exc.DBAPIError):
            either.read(lambda connection, statement=statement: connection.exec_driver_sql(statement))  # type: ignore[misc]
        with pytest.raises(sa.exc.DBAPIError):
            either.act("market", lambda each, statement=statement: each.connection.exec_driver_sql(statement))  # type: ignore[misc]


def test_a_damaged_file_is_told(market: Market) -> None:
    market.engine.dispose()
    path_of(market).write_bytes(b"not a database of anybody's" * 1000)
    for do in (reads, writes):
        refused(do, market, "database_unfit", "damaged")


# gone


def test_a_server_that_was_stopped_is_gone_and_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with restartable_postgres(tmp_path) as server:
        market = a_market(tmp_path, database_url=server.url)
        market.act("market", lambda transaction: with_funds(transaction, "par_a", 5))
        server.stop()
        for do in (reads, writes):
            refused(do, market, "unavailable")
        server.start()
        assert reads(market)["available"] == 5
        writes(market, "par_b")
        market.engine.dispose()
    assert {each["error"].partition(":")[0] for each in logged(caplog)} == {"gone"}


def test_a_folder_that_is_away_is_gone(market: Market) -> None:
    market.engine.dispose()
    folder = market.settings.folder
    away = folder.rename(folder.with_name("away"))
    for do in (reads, writes):
        refused(do, market, "unavailable")
    away.rename(folder)
    assert reads(market)["available"] == 5


# over HTTP


@contextmanager
def lost(market: Market, table: str) -> Iterator[None]:
    market.engine.dispose()
    changed(market, f"alter table {table} rename to {table}_away")
    yield
    changed(market, f"alter table {table}_away rename to {table}")


@pytest.mark.parametrize("table", ["credentials", "orders", "catalogue_revision"])
def test_a_client_is_told_by_a_stable_code_and_not_to_come_again_at_once(market: Market, table: str) -> None:
    buyer = a_participant(market)
    client = served(market)
    paths = ("/v1/orders", "/v1/components")
    assert [client.get(path, headers=buyer.headers).status_code for path in paths] == [200, 200]
    with lost(market, table):
        answers = [client.get(path, headers=buyer.headers) for path in paths]
        failed = [each for each in answers if each.status_code != 200]
        assert failed and {each.status_code for each in failed} == {500}
        assert {(each.json()["code"], each.json()["cause"]) for each in failed} == {("database_unfit", "table_missing")}
        assert not any("Retry-After" in each.headers or table in each.text for each in failed)
    assert [client.get(path, headers=buyer.headers).status_code for path in paths] == [200, 200]


def test_who_is_busy_says_when_to_come_again(market: Market) -> None:
    buyer: Participant = a_participant(market)
    client = served(market)
    with closing(sqlite3.connect(path_of(market), isolation_level=None)) as other:
        other.execute("begin immediate")
        answer = client.post("/v1/account/payouts", headers=buyer.changing, json={"amount_fen": 1})
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["Retry-After"].isdigit()


def test_an_engine_for_another_file_knows_its_own_folder(tmp_path: Path) -> None:
    engine = engine_of(f"sqlite:///{tmp_path / 'none' / 'market.sqlite'}")
    with pytest.raises(Problem) as caught:
        database.in_transaction(engine, lambda connection: None)
    assert caught.value.code == "unavailable"
