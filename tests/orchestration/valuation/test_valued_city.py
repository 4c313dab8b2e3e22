"""The city, valued: every component has a price that its record gives again, and says what it rests on."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.declarations import declarations
from pricing.price_record import differences
from tests.builders import jinku, opened, rows
from vault.home import Home
from vault.ibis_tables import ibis_table
from vault.layers import connect
from vault.snapshot import snapshot_hash
from vault.valuations import FILE_NAME, Valuation, latest_valuations


@pytest.fixture(scope="module")
def valued(city: Path) -> Mapping[str, Valuation]:
    return latest_valuations(Home(city).pricing)


def test_every_component_is_valued_once_a_run_and_none_is_published(
    city: Path, valued: Mapping[str, Valuation]
) -> None:
    assert set(valued) == set(declarations().components)
    assert not any(each.is_published for each in valued.values()), "a price waits for the security review"
    with sqlite3.connect(Home(city).pricing / FILE_NAME) as store:
        assert store.execute("select count(*), count(distinct run_id) from valuations").fetchone() == (len(valued), 1)


def test_a_stored_record_gives_the_same_price_to_the_fen(valued: Mapping[str, Valuation]) -> None:
    assert {name: differences(each.document) for name, each in valued.items()} == dict.fromkeys(valued, ())


def test_a_record_names_the_data_that_it_measured(city: Path, valued: Mapping[str, Valuation]) -> None:
    with connect(opened(city), read=("components",)) as connection:
        for name, valuation in valued.items():
            table = ibis_table(connection, "components", "components", name)
            assert valuation.price["valuation"]["snapshot_hash"] == snapshot_hash(table), name


def test_the_volume_is_the_source_records_below(city: Path, valued: Mapping[str, Valuation]) -> None:
    for name, valuation in valued.items():
        counted = {
            source["table"]: rows(
                opened(city), f"select count(*) from warehouse.{_in_sql(source['table'])}", "warehouse"
            )
            for source in valuation.document["sources"]
        }
        assert {source["table"]: [(source["rows"],)] for source in valuation.document["sources"]} == counted
        assert valuation.price["valuation"]["records"] == sum(count for [(count,)] in counted.values()) > 0, name


def test_both_prices_keep_the_rules(valued: Mapping[str, Valuation]) -> None:
    regimes = {name: contract.pricing.regime for name, contract in declarations().components.items()}
    for name, valuation in valued.items():
        negotiated, guided = valuation.price["negotiated"], valuation.price["guided"]
        assert 0 < valuation.price["valuation"]["value_index"] < 1, name
        if regimes[name] == "market":
            assert negotiated["listed_fen"] == negotiated["price_fen"] > 0, name
            assert guided["listed_fen"] == guided["price_fen"] > 0, name
        elif regimes[name] == "public_guided":
            assert negotiated["listed_fen"] == min(negotiated["price_fen"], negotiated["ceiling_fen"]), name
        else:
            assert negotiated["listed_fen"] == guided["listed_fen"] == 0, name


def test_identifiers_and_pseudonyms_carry_no_information_and_the_record_says_why(
    valued: Mapping[str, Valuation],
) -> None:
    left_out = {
        each["name"]: each["reason"] for each in valued["resident_health_features"].document["measures"]["left_out"]
    }
    assert left_out.get("resident_id")
    counted = {each["name"] for each in valued["resident_health_features"].document["measures"]["columns"]}
    assert counted.isdisjoint(left_out) and "age_band" in counted


def test_a_declared_target_tells_what_the_others_know_of_it(valued: Mapping[str, Valuation]) -> None:
    target = valued["trip_demand_features"].document["measures"]["target"]
    assert target["name"] == "trips" and 0 <= target["bits"] <= target["target_bits"]


def test_the_price_list_and_the_explanation_are_there(city: Path) -> None:
    listed = jinku(city, "price")
    assert listed.returncode == 0 and all(name in listed.stdout for name in declarations().components)
    checked = jinku(city, "price", "zone_hourly_mobility", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (Home(city).reports / "valuation" / "zone_hourly_mobility.html").exists()
    assert (Home(city).reports / "valuation" / "index.html").exists()


def test_the_next_epoch_can_be_proposed_from_the_valued_city(city: Path, tmp_path: Path) -> None:
    from orchestration.epoch_proposal import catalogue_facts
    from pricing.trade_records import NoTrades
    from vault.proposals import propose_next

    path = propose_next(
        Home(tmp_path), catalogue_facts(Home(city)), NoTrades(), datetime(2026, 11, 24, tzinfo=UTC).date()
    )
    assert path.name == "2027q1.yaml" and "2026q4" not in path.read_text().split("version:")[1].splitlines()[0]


def _in_sql(asset: str) -> str:
    return asset.replace("/", ".")
