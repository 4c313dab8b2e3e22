"""Small tables, contracts and facts for the result review."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import ibis.expr.types as ir
import pyarrow as pa

from review.findings import Finding
from review.result.facts import ResultFacts
from review.result.review import review_result
from review.result.thresholds import Tier, thresholds_for
from tests.builders import column
from vault.contract import ComponentContract
from vault.ibis_tables import ibis_table

SECTION: Mapping[str, Any] = {
    "tiers": {
        "sandbox": {"k": 5, "riskOneIn": 5, "lDistinct": 2, "lEntropy": 1, "t": 1},
        "market": {"k": 11, "riskOneIn": 11, "lDistinct": 3, "lEntropy": 2, "t": 0.30},
        "public": {"k": 20, "riskOneIn": 20, "lDistinct": 3, "lEntropy": 2, "t": 0.20},
    },
    "groups": {"persons": 11, "organisations": 5},
    "dominance": {"largest": 2, "sharePercent": 85, "pPercent": 10},
    "presenceMax": 0.33,
    "inferenceAdvantageMax": 0.20,
    "differentialPrivacy": {"epsilonPerComponent": 1, "epsilonPerSourceYear": 4, "deltaMax": 0.000001},
}
"""The thresholds of models §7."""

Columns = Mapping[str, Sequence[Any]]


@contextmanager
def tables(**columns_of: Columns) -> Iterator[dict[str, ir.Table]]:
    """Tables of one engine by their names, from their columns."""
    with duckdb.connect(config={"threads": 2}) as connection:
        found = {}
        for name, columns in columns_of.items():
            connection.register("received", pa.table({key: pa.array(values) for key, values in columns.items()}))
            connection.execute(f"create table {name} as from received")
            connection.unregister("received")
            found[name] = ibis_table(connection, "memory", "main", name)
        yield found


def component(*columns: Mapping[str, Any], **changes: Any) -> ComponentContract:
    attributes = {
        "title": {"en": "Features", "zh": "特征"},
        "description": "Features of someone.",
        "applicationField": "livelihood",
        "form": "custom",
        "subject": "person",
        "grain": [columns[0]["name"]],
        "columns": list(columns),
        "purpose": "Models of need",
        "permittedUses": ["public_health"],
        "refreshPeriod": "yearly",
        "cost": {"developmentFen": 1},
        "pricing": {},
        "owner": "team:health",
        "provider": "City data vault",
        "rights": {"holding": "a", "processing": "b"},
        "minimumGroup": 1,
    }
    return ComponentContract.model_validate({**attributes, **changes})


def person(*columns: Mapping[str, Any], **changes: Any) -> ComponentContract:
    """A component of persons: an age and a district to be found by, an illness, and what else is given."""
    return component(
        column("age", role="quasi_identifier"),
        column("district", role="quasi_identifier"),
        column("illness", role="sensitive"),
        *columns,
        **changes,
    )


def aggregate(*columns: Mapping[str, Any], **changes: Any) -> ComponentContract:
    """A component of cells by district and quarter, with the patients counted, and what else is given."""
    how = {"subject": "aggregate", "grain": ["district", "quarter"], "countColumns": ["patients"], **changes}
    counted = column("patients", logicalType="integer", role="measure")
    return component(column("district"), column("quarter"), counted, *columns, **how)


def reviewed(facts: ResultFacts, tier: Tier = "market", **changes: Any) -> dict[str, Finding]:
    """The findings by their checks."""
    return {each.check: each for each in review_result(facts, thresholds_for({**SECTION, **changes}, tier))}


def alike(size: int, age: str = "35", district: str | None = "north") -> list[tuple[str, str | None, str]]:
    """So many persons who are alike, with three illnesses in turn."""
    return [(age, district, ("none", "cold", "gout")[number % 3]) for number in range(size)]


def columns_of(rows: Sequence[tuple[Any, ...]], *names: str) -> Columns:
    """Rows as columns."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}


def people(rows: Sequence[tuple[Any, ...]]) -> Columns:
    return columns_of(rows, "age", "district", "illness")
