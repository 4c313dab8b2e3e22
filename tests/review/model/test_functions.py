"""The list of functions: each has one kind, is a function of the engine, and means the same to both parsers."""

from typing import get_args

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from review.model.functions import LIST, Kind, kind_of, of_kind
from review.model.statement import name_of

SYNTAX = {"coalesce", "ifnull", "try", "cast", "try_cast", "extract", "percentile_cont", "percentile_disc", "->"}
"""What the engine writes as syntax, and not among its functions."""
CALLABLE = get_args(Kind)[:8]


def listed() -> dict[str, list[str]]:
    return {kind: entry["names"] for kind, entry in yaml.safe_load(LIST.read_text("utf-8")).items()}


def test_every_kind_is_listed_with_its_reason() -> None:
    document = yaml.safe_load(LIST.read_text("utf-8"))
    assert set(document) == {*get_args(Kind), "order_dependent"}
    assert all(entry["reason"] and entry["names"] for entry in document.values())


def test_no_function_is_of_two_kinds() -> None:
    names = [name for kind, of in listed().items() if kind != "order_dependent" for name in of]
    assert len(names) == len(set(names))


def test_a_function_that_may_be_called_is_one_of_the_engine() -> None:
    with duckdb.connect(":memory:") as connection:
        known = {name for (name,) in connection.execute("select function_name from duckdb_functions()").fetchall()}
    assert of_kind(*CALLABLE) - known - SYNTAX == set()


@pytest.mark.parametrize(
    "kind", ["volatile", "session", "outside", "individual", "statistic", "reversible", "coarsening"]
)
def test_both_parsers_know_a_function_by_the_same_kind(kind: Kind) -> None:
    for name in sorted(of_kind(kind)):
        for arguments in ("a", "a, b", "a, b, c", "", "'day', a, b"):
            try:
                node = sqlglot.parse_one(f"select {name}({arguments})", dialect="duckdb").selects[0]
            except (sqlglot.ParseError, TypeError):
                continue
            while isinstance(node, (exp.IgnoreNulls, exp.Window)):
                node = node.this
            if isinstance(node, exp.Func):
                assert kind_of(name_of(node)) == kind, (name, name_of(node))


def test_what_nobody_looked_at_has_no_kind() -> None:
    assert kind_of("no_such_function") is None
    assert kind_of("read_something_new") == "outside"
