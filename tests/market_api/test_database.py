"""The market's database: what is retried, what is refused, and that two that start together make it once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.database import engine_of, in_transaction, migrate
from market_api.features import TABLES
from market_api.ledger.accounts import balances
from market_api.market import Market
from market_api.problems import Problem
from market_api.schema import METADATA
from market_api.settings import sqlite_url
from tests.market_api.builders import a_market, with_funds
from tests.postgres import fresh_database


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="not on mysql"):
        engine_of("mysql+pymysql://localhost/market")


def test_two_markets_that_start_together_make_the_tables_once(tmp_path: Path, database_url: str | None) -> None:
    url = database_url or sqlite_url(tmp_path / "market.sqlite")
    with ThreadPoolExecutor(4) as pool:
        for started in [pool.submit(lambda: migrate(engine_of(url))) for _ in range(4)]:
            started.result()
    engine = engine_of(url)
    assert set(METADATA.tables) <= set(sa.inspect(engine).get_table_names()) and TABLES


def test_the_tables_are_the_same_on_both_databases(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    inspector = sa.inspect(market.engine)
    for table in METADATA.tables.values():
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())


def test_a_writing_transaction_is_repeated_from_its_start(postgres_market: Market) -> None:
    """Two that lock the same rows the other way round: PostgreSQL ends one, which is done again."""
    market, tries = postgres_market, []

    def lock(first: str, second: str, meet: Callable[[], object]) -> Callable[[sa.Connection], None]:
        def do(connection: sa.Connection) -> None:
            tries.append(first)
            for name in (first, second):
                connection.execute(
                    sa.text("select 1 from accounts where account_id = :name for update"), {"name": name}
                )
                if len(tries) <= 2 and name == first:
                    meet()

        return do

    barrier = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(in_transaction, market.engine, lock("par_a:held", "par_b:held", barrier.wait))
        other = pool.submit(in_transaction, market.engine, lock("par_b:held", "par_a:held", barrier.wait))
        one.result()
        other.result()
    assert len(tries) == 3


def test_a_fault_of_the_program_is_not_repeated(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    tries: list[int] = []

    def wrong(connection: sa.Connection) -> Any:
        tries.append(1)
        return connection.execute(sa.text("select * from no_such_table"))

    with pytest.raises(sa.exc.DBAPIError):
        in_transaction(market.engine, wrong)
    assert len(tries) == 1


def test_a_database_that_is_gone_is_told_and_comes_back(tmp_path: Path) -> None:
    market = a_market(tmp_path)
    market.act("market", lambda transaction: with_funds(transaction, "par_a", 5))
    market.engine.dispose()
    folder = market.settings.folder
    away = folder.rename(folder.with_name("away"))
    with pytest.raises(Problem) as refusal:
        market.act("market", lambda transaction: with_funds(transaction, "par_b", 5))
    assert refusal.value.code == "unavailable"
    with pytest.raises(Problem, match="unavailable"):
        market.read(lambda connection: balances(connection, "par_a"))
    away.rename(folder)
    assert market.read(lambda connection: balances(connection, "par_a"))["available"] == 5


def test_a_server_that_is_gone_is_told(tmp_path: Path) -> None:
    market = a_market(tmp_path)
    dead = Market(market.settings, engine_of("postgresql+psycopg://nobody@127.0.0.1:9/none"), market.keys)
    with pytest.raises(Problem, match="unavailable"):
        dead.act("market", lambda transaction: None)
    with pytest.raises(Problem, match="unavailable"):
        dead.read(lambda connection: balances(connection, "par_a"))


def test_connections_that_the_server_ended_are_made_anew(postgres_market: Market) -> None:
    market = postgres_market
    ended = (
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database()"
    )
    market.read(lambda connection: connection.execute(sa.text("select 1")).scalar_one())
    other = engine_of(market.settings.database_url)
    with other.begin() as connection:
        connection.execute(sa.text(ended))
    assert market.read(lambda connection: balances(connection, "par_a"))["available"] == 5


@pytest.fixture
def postgres_market(tmp_path: Path, postgres_server: str) -> Market:
    market = a_market(tmp_path, database_url=fresh_database(postgres_server))
    for owner in ("par_a", "par_b"):
        market.act("market", partial(with_funds, owner_id=owner, amount_fen=5))
    return market
