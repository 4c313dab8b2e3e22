"""The functions of DuckDB that a model may call, by what they do to a value; one that is not listed is refused.

The list stands in functions.yaml, where a person reviews it.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml

LIST = Path(__file__).parent / "functions.yaml"

Kind = Literal[
    "keeping",
    "reversible",
    "coarsening",
    "predicate",
    "statistic",
    "quantile",
    "individual",
    "rank",
    "series",
    "volatile",
    "session",
    "outside",
]
AGGREGATING: frozenset[str] = frozenset({"statistic", "quantile", "individual"})

OUTSIDE_PREFIXES = ("duckdb_", "pragma_", "pg_", "read_", "sql_auto_", "test_")
"""Names that begin so look at files or at the engine, whether listed or not."""

EXTREME_QUANTILE = "quantile near an end"
"""What a quantile is called that is the value of one record."""


@lru_cache(maxsize=1)
def _listed() -> dict[str, frozenset[str]]:
    document = yaml.safe_load(LIST.read_text("utf-8"))
    return {kind: frozenset(entry["names"]) for kind, entry in document.items()}


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind | None:
    """What a function does, by the engine's name for it; None for one that nobody has looked at."""
    for kind in get_args(Kind):
        if name in _listed()[kind]:
            return kind  # type: ignore[no-any-return]
    return "outside" if name.startswith(OUTSIDE_PREFIXES) else None


def of_kind(*kinds: Kind) -> frozenset[str]:
    """All functions of these kinds."""
    return frozenset().union(*(_listed()[kind] for kind in kinds))


def rests_on_order(name: str) -> bool:
    """Whether a function gives another result for the same rows in another order."""
    return name in _listed()["order_dependent"]
