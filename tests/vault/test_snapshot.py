"""The hash of a table's content: of its rows, whatever their order, and of everything in them."""

import duckdb
import ibis
import pytest

from vault.snapshot import snapshot_hash

ROWS = "(values (1, 'a', 1.5), (2, null, 2.5), (2, null, 2.5)) as given (number, word, amount)"


def hash_of(query: str) -> str:
    connection = duckdb.connect()
    connection.execute(f"create table given as {query}")
    return snapshot_hash(ibis.duckdb.from_connection(connection).table("given"))


def test_the_order_of_rows_does_not_matter() -> None:
    assert hash_of(f"select * from {ROWS} order by number") == hash_of(f"select * from {ROWS} order by number desc")
    many = "select i, i % 7 as part, 'x' || i as word from range(5000) as numbers (i)"
    assert hash_of(many) == hash_of(f"select * from ({many}) order by random()")


@pytest.mark.parametrize(
    "changed",
    [
        f"select number, word, amount + 0.5 as amount from {ROWS}",
        f"select number, coalesce(word, '') as word, amount from {ROWS}",
        f"select number, coalesce(word, '\\N') as word, amount from {ROWS}",
        f"select distinct * from {ROWS}",
        f"select number, word as text, amount from {ROWS}",
        f"select word, number, amount from {ROWS}",
        f"select number, word from {ROWS}",
        f"select * from {ROWS} limit 0",
    ],
)
def test_anything_else_does(changed: str) -> None:
    assert hash_of(changed) != hash_of(f"select * from {ROWS}")


def test_what_belongs_to_one_cell_does_not_pass_for_part_of_the_next() -> None:
    assert hash_of("select 'a' || chr(31) as x, 'b' as y") != hash_of("select 'a' as x, chr(31) || 'b' as y")
    assert hash_of("select 'a\\' as x, 's' as y") != hash_of("select 'a' as x, '\\s' as y")


def test_an_empty_table_has_a_hash_of_its_columns() -> None:
    assert hash_of("select 1 as x limit 0") != hash_of("select 1 as y limit 0")


def test_zero_has_one_sign() -> None:
    assert hash_of("select -0.0::double as amount") == hash_of("select 0.0::double as amount")
