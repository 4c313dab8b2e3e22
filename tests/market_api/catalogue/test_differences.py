"""A change notice says what a reader of the component has to know, and no value of the data."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from market_api.catalogue.differences import differences_between
from tests.market_api.catalogue.releases import a_datasheet, priced_at, put


@pytest.fixture
def earlier(released: Path) -> dict[str, Any]:
    return a_datasheet(released / "releases" / "zone_hours" / "1")


def changed(earlier: dict[str, Any], *changes: Any) -> dict[str, Any]:
    later = deepcopy(earlier) | {"release": "zone_hours@2", "number": 2}
    for change in changes:
        change(later)
    return differences_between(earlier, later, 100, 200)


def test_columns_that_came_and_went(earlier: dict[str, Any]) -> None:
    told = changed(earlier, put("contract/columns/3/name", "journeys"), put("table/columns/3/name", "journeys"))
    assert (told["columns_added"], told["columns_removed"], told["columns_changed"]) == (["journeys"], ["trips"], [])


def test_a_column_of_another_type_in_the_table_or_the_contract(earlier: dict[str, Any]) -> None:
    told = changed(earlier, put("table/columns/3/type", "int32"), put("contract/columns/4/logicalType", "string"))
    assert told["columns_changed"] == [
        {"name": "distance_km_mean", "changed": {"logicalType": {"before": "number", "after": "string"}}},
        {"name": "trips", "changed": {"type": {"before": "int64", "after": "int32"}}},
    ]


def test_rows_quality_uses_and_prices(earlier: dict[str, Any]) -> None:
    told = changed(
        earlier,
        put("table/rows", 2000),
        put("quality/quality", 0.5),
        put("quality/scores/accuracy", 0.5),
        put("contract/permittedUses", ["urban_management"]),
        put("contract/refreshPeriod", "yearly"),
        priced_at(90_000),
    )
    assert told["rows"] == {"before": 1440, "after": 2000}
    assert told["quality"] == {"before": 0.954, "after": 0.5}
    assert told["quality_scores"] == {"accuracy": {"before": 0.97, "after": 0.5}}
    assert told["permitted_uses"]["after"] == ["urban_management"]
    assert told["refresh_period"] == {"before": "monthly", "after": "yearly"}
    assert told["price_fen"] == {"before": 100, "after": 200}
    assert told["negotiated_fen"]["after"] > told["negotiated_fen"]["before"]
    assert told["guide_fen"]["after"] > told["guide_fen"]["before"]


def test_nothing_changed_but_the_release(earlier: dict[str, Any]) -> None:
    told = changed(earlier)
    assert told["columns_added"] == told["columns_removed"] == told["columns_changed"] == []
    assert told["quality_scores"] == {}
    assert told["rows"]["before"] == told["rows"]["after"]


def test_a_component_that_has_no_guide_price_any_more(earlier: dict[str, Any]) -> None:
    assert changed(earlier, priced_at(0))["guide_fen"]["after"] is None
