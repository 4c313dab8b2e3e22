"""What stands in the ledger stays: the database itself refuses every change, whoever asks."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from market_api.features import GUARDED
from market_api.ledger.accounts import OUTSIDE, account_of
from market_api.ledger.posting import Posting, post, reverse
from market_api.ledger.proof import ledger_faults
from market_api.ledger.tables import accounts
from market_api.market import Market
from tests.market_api.builders import a_market, with_funds
from tests.postgres import fresh_database

CHANGES = (
    "update ledger_transactions set kind = 'gift'",
    "update ledger_transactions set reverses = 'txn_0'",
    "update postings set amount_fen = amount_fen + 1",
    "update postings set destination = 'par_thief:available'",
    "delete from ledger_transactions",
    "delete from postings",
    "delete from postings where amount_fen = 500",
)
REPLACEMENTS = (
    "insert or replace into postings select transaction_id, number, source, destination, 9 from postings",
    "insert or replace into ledger_transactions select transaction_id, 'gift', reference, at, reverses "
    "from ledger_transactions",
    "insert or replace into postings (rowid, transaction_id, number, source, destination, amount_fen) "
    "select rowid, transaction_id, 77, source, destination, 9 from postings",
    "insert or replace into ledger_transactions (transaction_id, kind, reference, at, reverses) "
    "select 'txn_new', 'gift', reference, at, reverses from ledger_transactions where reverses is not null",
    "update or replace ledger_transactions set transaction_id = 'txn_new'",
    "replace into postings select transaction_id, number, source, destination, 9 from postings",
)
UPSERTS = (
    "insert into postings select transaction_id, number, source, destination, 9 from postings where true "
    "on conflict (transaction_id, number) do update set amount_fen = 9",
    "insert into ledger_transactions select * from ledger_transactions where true "
    "on conflict (transaction_id) do update set kind = 'gift'",
)


def test_no_row_of_the_ledger_is_changed_or_removed(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, database_url)
    for statement in (*CHANGES, *UPSERTS):
        refused(market, statement)


def test_sqlite_replaces_no_row_of_the_ledger(tmp_path: Path) -> None:
    market = with_entries(tmp_path, None)
    for statement in REPLACEMENTS:
        refused(market, statement)


def test_postgresql_does_not_empty_the_ledger_at_once(tmp_path: Path, postgres_server: str) -> None:
    market = with_entries(tmp_path, fresh_database(postgres_server))
    for statement in ("truncate postings", "truncate ledger_transactions cascade"):
        refused(market, statement)


def test_every_guarded_table_refuses_changes(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    of_triggers = (
        "select tbl_name from sqlite_master where type = 'trigger'"
        if market.engine.dialect.name == "sqlite"
        else "select event_object_table from information_schema.triggers"
    )
    guarded = market.read(lambda connection: set(connection.execute(sa.text(of_triggers)).scalars()))
    assert set(GUARDED) <= guarded


def test_no_account_goes_below_its_limit_whoever_writes(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, database_url)
    taken = sa.update(accounts).values(balance_fen=-1)
    with pytest.raises(sa.exc.IntegrityError, match="balance_at_limit"):
        market.act("market", lambda transaction: transaction.connection.execute(taken))


def with_entries(folder: Path, database_url: str | None) -> Market:
    """A market whose ledger holds two deposits, one of them taken back."""
    market = a_market(folder, database_url=database_url)
    market.act("market", lambda transaction: with_funds(transaction, "par_a", 500))
    moved = [Posting(OUTSIDE, account_of("par_a"), 30)]
    name = market.act("market", lambda transaction: post(transaction, "deposit", "par_a", moved))
    market.act("market", lambda transaction: reverse(transaction, name, "reversal", "par_a"))
    return market


def refused(market: Market, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"is never changed"), market.engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert market.read(ledger_faults) == ()
