"""A price is believed only where every step of it follows from the others."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from market_api.catalogue.recomputation import disagreements, published_set
from tests.market_api.catalogue.prices_of import Document, price_parts

SHEETS = sorted((Path(__file__).parent.parent / "exports" / "datasheets").glob("*.json"))
CHAIN = (
    "valuation.score",
    "valuation.quality",
    "valuation.volume",
    "valuation.density",
    "valuation.value_index",
    "valuation.records",
    "valuation.entropy_bits",
    "negotiated.fields_fen",
    "negotiated.model_fen",
    "negotiated.cost_price_fen",
    "negotiated.adjustment",
    "negotiated.adjusted_cost_fen",
    "negotiated.value_per_unit_fen",
    "negotiated.value_fen",
    "negotiated.joint_fen",
    "negotiated.margin",
    "negotiated.price_fen",
    "negotiated.listed_fen",
    "guided.factors.scarcity",
    "guided.reference.coverage",
    "guided.theta",
    "guided.base_fen",
    "guided.anchor_fen",
    "guided.adjustment",
    "guided.assessed_fen",
    "guided.floor_binds",
    "guided.beta_market",
    "guided.price_fen",
    "guided.listed_fen",
)


def sheet(name: str) -> Document:
    price: Document = json.loads((SHEETS[0].parent / f"{name}.json").read_text())["price"]
    return price


def altered(price: Document, path: str, value: Any) -> Document:
    changed = deepcopy(price)
    place = changed["steps"]
    *way, last = path.split(".")
    for step in way:
        place = place[step]
    place[last] = value
    return changed


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_the_prices_of_a_real_city_follow_from_their_steps(path: Path) -> None:
    price = json.loads(path.read_text())["price"]
    assert published_set(price["steps"]["valuation"]["parameter_hash"]) is not None
    assert disagreements(price) == ()


@settings(max_examples=60, deadline=None)
@given(price_parts())
def test_whatever_is_priced_follows_from_its_steps(price: Document) -> None:
    assert disagreements(price) == ()


@pytest.mark.parametrize("path", CHAIN)
def test_any_step_that_is_altered_is_found(path: str) -> None:
    price = sheet("zone_hourly_mobility")
    found = disagreements(altered(price, path, True if path == "guided.floor_binds" else "7/9"))
    assert found


@pytest.mark.parametrize("path", [path for path in CHAIN if path.endswith("_fen") and "listed" not in path])
def test_a_fen_more_is_found(path: str) -> None:
    from pricing.money import exact
    from pricing.price_record import exact_word

    price = sheet("zone_hourly_mobility")
    part, name = path.split(".")
    stated = price["steps"][part][name]
    more = exact(exact_word(stated) if isinstance(stated, str) else stated) + 1
    assert disagreements(altered(price, path, str(more) if more.denominator > 1 else int(more)))


@pytest.mark.parametrize(
    "value", [None, [], {}, "", "1/0", "nan", "1e5", float("inf"), float("nan"), "9" * 5000, -1, 10**400]
)
@pytest.mark.parametrize("path", ["negotiated.cost_price_fen", "valuation.records", "guided.anchor_fen"])
def test_what_is_no_number_is_found_and_breaks_nothing(path: str, value: Any) -> None:
    assert disagreements(altered(sheet("zone_hourly_mobility"), path, value))


@pytest.mark.parametrize("part", ["valuation", "negotiated", "guided"])
def test_a_part_that_is_missing_is_found(part: str) -> None:
    price = sheet("zone_hourly_mobility")
    for value in ({}, [], "none"):
        changed = deepcopy(price)
        changed["steps"][part] = value
        assert disagreements(changed)


def test_no_guide_price_where_something_was_spent_is_found() -> None:
    changed = sheet("zone_hourly_mobility")
    changed["steps"]["guided"] = None
    assert disagreements(changed) == ("guided.price_fen",)


def test_a_guided_price_above_its_ceiling_is_found() -> None:
    price = sheet("station_air_daily")
    assert price["regime"] == "public_guided"
    higher = altered(price, "guided.listed_fen", price["steps"]["negotiated"]["ceiling_fen"] + 1)
    assert disagreements(higher) == ("guided.listed_fen",)


def test_another_regime_than_the_priced_one_is_found() -> None:
    assert disagreements(sheet("station_air_daily") | {"regime": "market"})
