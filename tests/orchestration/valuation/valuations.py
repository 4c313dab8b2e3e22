"""Valuations as a run records them, priced by the formulas from a small table's real entropies."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from pricing.comparables import Comparable, Factors
from pricing.component_price import FieldCost, PricedFacts, Trading, priced
from pricing.density import RecordEntropy, record_entropy
from pricing.guide import coverage, timeliness
from pricing.params import ParameterSet, plain
from pricing.price_record import document_of
from pricing.value import ComponentMeasures
from tests.builders import NOON
from vault.epochs import epoch_at
from vault.valuations import Valuation

DAY = date(2026, 11, 24)
NAME = "zone_hourly_mobility"
COLUMNS = (
    "zone_id",
    "borough",
    "pickup_hour",
    "day_type",
    "trips",
    "trips_per_day",
    "distance_km_mean",
    "fare_usd_mean",
)
Z = {
    "normativity": 0.994,
    "completeness": 1.0,
    "accuracy": 0.931,
    "consistency": 0.988,
    "timeliness": 0.7,
    "accessibility": 0.96,
}
RECORDS, ZONES, AGE_DAYS = 12_265, 265, 95
FIELD_COSTS = (
    FieldCost("base/taxi_trips.picked_up_at", {"storage": 412, "compute": 2_210, "governance": 24_000}),
    FieldCost("base/taxi_trips.fare_usd", {"storage": 350, "compute": 1_900, "acquisition": 5_000}),
    FieldCost("base/taxi_zones.borough", {"storage": 3, "compute": 41, "governance": 6_000}),
)


@cache
def entropy() -> RecordEntropy:
    """Of a table in which the borough follows from the zone, and one count nearly from the other."""
    drawn = random.Random(7)
    counts: Counter[tuple[Any, ...]] = Counter()
    for _ in range(3000):
        zone, hour, day = drawn.randrange(60), drawn.randrange(24), drawn.choice(["workday", "weekend"])
        trips = int(drawn.gammavariate(3, 2)) + (4 if 7 <= hour <= 9 else 0)
        per_day = trips if drawn.random() < 0.9 else trips + 1
        distance = drawn.randrange(12)
        fare = None if drawn.random() < 0.05 else distance + drawn.choice([0, 0, 0, 1])
        counts[zone, zone // 12, hour, day, trips, per_day, distance, fare] += 1
    return record_entropy(COLUMNS, tuple(counts.items()))


def parameters(**changes: Any) -> ParameterSet:
    """The set of the market, with a value of information that no later epoch changes."""
    published = epoch_at(DAY).parameters
    worth = replace(published.price, value_fen=dict.fromkeys(published.price.value_fen, 2_000_000))
    return replace(published, **{"price": worth, **changes})


def facts(records: int = RECORDS, age_days: int = AGE_DAYS, **changes: Any) -> PricedFacts:
    measures = ComponentMeasures(
        "aggregate", records, Z, entropy().bits, component_hash="c1" * 32, snapshot_hash="d2" * 32
    )
    found = PricedFacts(
        measures=measures,
        domain="governance",
        ecosystem="governance",
        regime="market",
        field_costs=FIELD_COSTS,
        model_cost_fen=152_000,
        factors=Factors(0.5, timeliness(age_days, 31, 180), records, coverage(Z["completeness"], 0.85)),
    )
    return replace(found, **changes)


def valuation(
    name: str = NAME,
    of: PricedFacts | None = None,
    by: ParameterSet | None = None,
    at: datetime = NOON,
    age_days: int = AGE_DAYS,
    is_published: bool = False,
    **changes: Any,
) -> Valuation:
    """A valuation that is not recorded yet; changes: of its document."""
    of, by = of or facts(age_days=age_days), by or parameters()
    document: dict[str, Any] = {
        **document_of(of, by, priced(of, by)),
        "measures": {**measures_told(entropy()), "target": None},
        "sources": [
            {"table": "base/taxi_trips", "rows": max(0, of.measures.records - ZONES), "batches": 2},
            {"table": "base/taxi_zones", "rows": ZONES, "batches": 1},
        ],
        "age": {
            "newest": str(at.date() - timedelta(age_days)),
            "age_days": age_days,
            "update_period_days": 31,
            "half_life_days": 180,
        },
        "population_share": 0.85,
        "completeness": Z["completeness"],
        "epoch": {"name": "2026q4", "approved_by": "the data office", "is_carried_over": False},
        "lint": [],
        "flags": [],
    }
    return Valuation(name, "run-7", at, "2026q4", {**document, **changes}, is_published)


def measures_told(found: RecordEntropy) -> dict[str, Any]:
    columns = [
        {"name": each.name, "bits": each.bits, "null_rate": each.null_rate, "distinct_values": 60, "method": "distinct",
         "non_finite": 0}
        for each in found.columns
    ]  # fmt: skip
    return {
        "rows": 3000,
        "measured_rows": 3000,
        "basis": "population",
        "sample_seed": None,
        "columns": columns,
        "left_out": [{"name": "zone_name", "reason": "identifier"}],
        "entropy": plain(found),
    }


def sale(price_fen: int, buyer: str, age_days: float = 20.0) -> Comparable:
    return Comparable(price_fen, age_days, buyer, factors=Factors(0.5, 0.9, 20_000, 0.9))


TRADED = Trading(tuple(sale(fen, buyer) for fen, buyer in ((700_000, "a"), (800_000, "b"), (950_000, "c"))), 1.02)


def history(count: int, **changes: Any) -> tuple[Valuation, ...]:
    """A component valued again and again, its source growing and its data ageing."""
    found = []
    for number in range(count):
        age_days = AGE_DAYS - number % 30
        grown = facts(RECORDS + 9_000 * number, age_days)
        made = valuation(of=grown, age_days=age_days, at=NOON + timedelta(days=number), **changes)
        found.append(replace(made, valuation_id=number + 1))
    return tuple(found)
