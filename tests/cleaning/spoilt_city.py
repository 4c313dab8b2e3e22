"""The sample city with its base layer, collected by the vault, at chosen rates of defects."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from bench.data import SEED
from expectations.engine import TableUnderTest
from orchestration.dbt import build, manifest
from orchestration.declarations import Declarations
from samples import air, enterprises, people, timetable, trips, visits, weather, zones
from samples.city import build_city
from tests.builders import collect_all, fresh_vault
from tests.cleaning.planted import Origin, lay_out_origins, lay_out_planted, origins_of
from vault.contract import SourceContract
from vault.layers import connect

PART_SCALE, PART_STATIONS, PART_MONTHS = 0.2, 1, 1
"""A part of the city, where many are needed: one station of the air, one month of trips and of visits."""

SPOILT = (air, enterprises, people, timetable, trips, visits, weather, zones)
RATES = ("DUPLICATE_RATE", "STOP_TIME_DUPLICATE_RATE", "LATE_RATE")

Multiple = Callable[[], float]
"""Gives the multiple of the next rate."""


def compiled_base_models(root: Path, known: Declarations) -> dict[str, str]:
    """The SQL of every base model, as dbt runs it on a vault in which nothing was built before."""
    vault = fresh_vault(root, known.sources)
    for layer in ("warehouse", "components"):
        with connect(vault, write=layer):
            pass
    manifest(vault.home, known)
    results = build(vault, ["path:models/base"])
    return {result.name: result.compiled_code for result in results if result.resource_type == "model"}


def base_table(name: str) -> TableUnderTest:
    """A base table where it lies."""
    return TableUnderTest(f"base/{name}", "warehouse", "base", name)


@dataclass(frozen=True)
class CityMaker:
    """Makes cities below `root` from the contracts of the sources and the compiled SQL of all base models.

    All have the same seed: they differ in what is spoilt and in nothing else.
    """

    root: Path
    sources: Mapping[str, SourceContract]
    models: Mapping[str, str]

    @cached_property
    def _origins(self) -> list[Origin]:
        return origins_of(self.models, self.sources)

    @contextmanager
    def whole(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The default sample city, as `jinku run` collects it."""
        with self._city("whole", 1.0) as connection:
            yield connection

    @contextmanager
    def part(self, name: str, multiple: Multiple) -> Iterator[duckdb.DuckDBPyConnection]:
        """A part of the city with every rate of defects multiplied; whatever else the samples do stays as it is."""
        with ExitStack() as stack:
            for module in SPOILT:
                changed: dict[str, Any] = {"RULES": _multiplied(module.RULES, multiple)}
                changed |= {rate: getattr(module, rate) * multiple() for rate in RATES if hasattr(module, rate)}
                stack.enter_context(patch.multiple(module, **changed))
            stack.enter_context(patch.object(trips, "MONTHS", PART_MONTHS))
            stack.enter_context(patch.object(visits, "MONTHS", PART_MONTHS))
            stack.enter_context(patch.object(air, "STATIONS", dict(list(air.STATIONS.items())[:PART_STATIONS])))
            yield stack.enter_context(self._city(name, PART_SCALE))

    @contextmanager
    def _city(self, name: str, scale: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with raw, base, the planted defects and the origin of every base column."""
        vault = fresh_vault(self.root / name, self.sources)
        build_city(vault.home.landing, truth=vault.home.truth, scale=scale, seed=SEED)
        collect_all(vault, self.sources)
        with connect(vault, read=("raw",)) as connection:
            connection.execute("attach ':memory:' as warehouse")
            connection.execute("create schema warehouse.base")
            for table, sql in self.models.items():
                connection.execute(f"create table {base_table(table).qualified_name} as {sql}")
            lay_out_origins(connection, self._origins)
            lay_out_planted(connection, vault.home.truth)
            yield connection


def _multiplied(rules: Any, multiple: Multiple) -> Any:
    """The rules of a sheet, or of several sheets by name, with their rates multiplied."""
    if isinstance(rules, dict):
        return {table: _multiplied(each, multiple) for table, each in rules.items()}
    return tuple(replace(rule, rate=rule.rate * multiple()) for rule in rules)
