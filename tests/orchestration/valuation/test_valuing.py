"""What is gathered for a price, what is flagged on the way, and what has no price at all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import ibis
import pytest

from orchestration.city import found_city
from orchestration.dbt_assets import Models, parsed_models
from orchestration.declarations import declarations
from orchestration.layers import COMPONENTS
from orchestration.valuation.explanation import explained
from orchestration.valuation.facts import Age, Scope, SourceTable, age_of, factors_of, scores_of, tables_read
from orchestration.valuation.rates import rates_of
from orchestration.valuation.valuing import flags_of, value_component
from pricing.guide import GuideParameters
from pricing.overrides import BetaOverride
from tests.builders import copy_of, opened
from vault.contract import Column, ComponentContract
from vault.epochs import epoch_at
from vault.errors import JinkuError
from vault.home import Home
from vault.measures import TableMeasures, measure
from vault.valuations import latest_valuations

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
EPOCH = epoch_at(NOON.date())
TODAY = Age(NOON.date(), 0, 31, 180.0, False)


def contract(**changed: Any) -> ComponentContract:
    return declarations().components["zone_hourly_mobility"].model_copy(update=changed)


def measured(query: str, *columns: str) -> TableMeasures:
    connection = duckdb.connect()
    connection.execute(f"create table counted as {query}")
    declared = [
        Column.model_validate({"name": name, "logicalType": "integer", "role": "measure", "description": "a number"})
        for name in columns
    ]
    return measure(ibis.duckdb.from_connection(connection).table("counted"), declared, seed="2026q4")


MEASURES = measured("select i % 4 as a, i % 3 as b from range(120) as numbers (i)", "a", "b")
SOURCES = (SourceTable("resource/trip", 120, 1),)
Z = {"completeness": 0.5}


def flags(**changed: Any) -> tuple[str, ...]:
    given = {
        "contract": contract(),
        "measures": MEASURES,
        "sources": SOURCES,
        "age": TODAY,
        "z": Z,
        "statement": None,
        "epoch": EPOCH,
        **changed,
    }
    return flags_of(**given)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"z": {}}, "no quality is on record: every dimension counts as 0"),
        ({"sources": ()}, "no source record is known: N is 0"),
        ({"age": replace(TODAY, newest=date(2027, 1, 1), is_future=True)}, "lies in the future (2027-01-01)"),
        ({"contract": contract(population_share=None)}, "does not say what share of the population is covered"),
        ({}, "no cost is on record: P' is 0 and there is no guide price"),
        ({"epoch": replace(EPOCH, is_carried_over=True)}, "the parameters are those of 2026q4"),
        ({"measures": measured("select 1 as a where false", "a")}, "no rows"),
    ],
)
def test_what_to_know_is_flagged_and_leaves_nothing_out(changed: dict[str, Any], said: str) -> None:
    assert any(said in flag for flag in flags(**changed)), flags(**changed)


def test_what_is_in_order_is_not_flagged() -> None:
    assert not any("future" in flag or "quality" in flag or "source record" in flag for flag in flags())


def scope(component: str, owner: str, *concepts: str, sources: str = "trip") -> Scope:
    return Scope(component, owner, frozenset({sources}), frozenset({"zone"}), frozenset(concepts))


def factors(others: tuple[Scope, ...] = (), of: TableMeasures = MEASURES, **changed: Any) -> Any:
    columns = [column.model_copy(update={"name": name}) for column in contract().columns[:1] for name in ("a", "b")]
    promised = contract(**{"columns": tuple(columns), "grain": ("a",), **changed})
    return factors_of(scope("own", "us", "a", "b"), others, of, 120, 0.5, promised, TODAY)


def test_only_others_with_the_same_rows_make_a_component_less_scarce() -> None:
    assert factors().scarcity == 1
    assert factors((scope("mine", "us", "a", "b"),)).scarcity == 1, "one's own components are no competition"
    assert factors((scope("far", "them", "a", "b", sources="visit"),)).scarcity == 1
    assert factors((scope("same", "them", "a", "b"),)).scarcity == 0.5
    assert 0.5 < factors((scope("part", "them", "a"),)).scarcity < 1


def test_coverage_is_completeness_times_the_declared_share_and_nothing_where_none_is_declared() -> None:
    assert factors(population_share=0.8).coverage == pytest.approx(0.4)
    assert factors(population_share=None).coverage == 0


def test_a_component_without_information_cannot_be_replaced() -> None:
    assert factors(of=measured("select 7 as a, 7 as b", "a", "b")).scarcity == 1


def age_of_days(values: str, built_at: datetime = NOON - timedelta(days=3)) -> Age:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as components; create schema components.components")
    connection.execute(f"create table components.components.dated as select * from (values {values}) as given (day)")
    day = contract().columns[0].model_copy(update={"name": "day", "logical_type": "date", "event_time": True})
    promised = contract(columns=(day,), grain=("day",), refresh_period="weekly")
    return age_of(connection, COMPONENTS, "dated", promised, built_at, NOON, GuideParameters())


def test_the_newest_event_tells_the_age_and_the_build_where_there_is_none() -> None:
    assert age_of_days("(date '2026-11-15'), (date '2026-11-20')") == Age(date(2026, 11, 20), 5, 7, 83.0, False)
    assert age_of_days("(null::date)").age_days == 3
    ahead = age_of_days("(date '2027-01-01')")
    assert ahead.age_days == 0 and ahead.is_future


def test_a_table_that_was_never_judged_has_no_scores() -> None:
    assert scores_of(None) == ({}, ())


@pytest.fixture(scope="module")
def models(city: Path) -> Models:
    return parsed_models(Home(city), declarations())


def test_what_a_component_reads_ends_inside_the_vault(models: Models) -> None:
    tables = ("resource/calendar", "resource/place_taxi_zone", "resource/trip")
    assert tables_read(models, "zone_hourly_mobility") == tables


def value(home: Path, models: Models, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Any:
    """Value one component of a home as a run would, at noon."""
    monkeypatch.setenv("JINKU_HOME", str(home))
    from orchestration.running import instance

    rates = replace(rates_of(Home(home), declarations(), datetime.now(UTC)), **changed)
    storage: dg.DagsterInstance = instance(Home(home))
    found_city()
    return value_component(storage, opened(home), models, "zone_hourly_mobility", rates, "again", NOON)


def test_a_component_without_a_metered_cost_is_priced_by_its_value_and_flagged(
    city: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valuation = value(copy_of(city, tmp_path), models, monkeypatch, costs={})
    assert valuation.price["guided"] is None and valuation.price["negotiated"]["listed_fen"] > 0
    assert any("no cost is on record" in flag for flag in valuation.flags)


def test_what_the_regulator_set_is_the_beta_of_the_price_and_is_told(
    city: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = BetaOverride("bov_7", Fraction(6, 5), "Scarce.", EPOCH.name, EPOCH.name, component="zone_hourly_mobility")
    valuation = value(copy_of(city, tmp_path), models, monkeypatch, epoch=replace(EPOCH, beta_overrides=(record,)))
    assert valuation.price["guided"]["beta_market"] == "6/5"
    assert "β is 1.2 as the regulator set it (record bov_7): Scarce." in valuation.flags
    (line,) = [each for each in explained(valuation) if each.symbol == "β"]
    assert line.words == "set by the regulator, record bov_7: Scarce."


def test_a_parameter_set_without_the_domain_prices_nothing_and_records_nothing(
    city: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = replace(EPOCH.parameters.price, value_fen={"innovation": 1})
    epoch = replace(EPOCH, parameters=replace(EPOCH.parameters, price=price))
    home = copy_of(city, tmp_path)
    before = latest_valuations(Home(home).pricing)
    with pytest.raises(JinkuError, match=r"price_refused: zone_hourly_mobility has no price: no value_fen \(A_k\)"):
        value(home, models, monkeypatch, epoch=epoch)
    assert latest_valuations(Home(home).pricing) == before


def test_the_same_component_under_the_same_epoch_has_the_same_value(
    city: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_of(city, tmp_path)
    before = latest_valuations(Home(home).pricing)["zone_hourly_mobility"]
    again = value(home, models, monkeypatch)
    for step in ("value_index", "snapshot_hash", "parameter_hash", "component_hash"):
        assert again.price["valuation"][step] == before.price["valuation"][step], step
