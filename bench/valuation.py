"""Valuation: all components of the sample city measured, priced and recorded, and a hundred thousand what-ifs."""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, gibibytes
from bench.homes import environment_of, run_city
from bench.measuring import measured, peak_bytes

ALL_TARGET_SECONDS, WHAT_IF_TARGET_SECONDS = 5.0, 1.0
DRAWS = 100_000

VALUED = """
import json, os, time
from datetime import UTC, datetime
from orchestration.city import found_city
from orchestration.dbt_assets import parsed_models
from orchestration.declarations import declarations
from orchestration.layers import COMPONENTS
from orchestration.running import instance
vault = found_city()
storage, models, now = instance(vault.home), parsed_models(vault.home, declarations()), datetime.now(UTC)
started = time.perf_counter()
from orchestration.valuation.rates import rates_of
from orchestration.valuation.valuing import value_component
imported = time.perf_counter()
rates = rates_of(vault.home, declarations(), now)
names = models.names(COMPONENTS)
for name in names:
    value_component(storage, vault, models, name, rates, "bench", now)
print(json.dumps([len(names), imported - started, time.perf_counter() - imported]))
"""

WHAT_IFS = """
import json, sys, time
import numpy as np
from dataclasses import replace
from pricing.comparables import Factors
from pricing.params import STANDARD, PriceParameters
from pricing.quality import DIMENSIONS
from pricing.what_if import Component, draws_of, what_if
count, random = int(sys.argv[1]), np.random.default_rng(1)
set_ = replace(STANDARD, price=PriceParameters(value_fen={"innovation": 400_000}))
component = Component(records=2e6, z=dict.fromkeys(DIMENSIONS, 0.9), entropy_bits=24.5, cost_price_fen=398_005,
    factors=Factors(0.6, 0.9, 2e6, 0.98), comparable_fen=600_000, trades=5, demand=12, supply=4)
draws = replace(draws_of(set_, "aggregate", "innovation", "innovation"),
    reference_records=random.uniform(1e5, 1e7, count), half_value_bits=random.uniform(4, 40, count),
    beta=0.05 + 0.7 * random.dirichlet([1] * 6, count), value_fen=random.uniform(0, 1e6, count),
    margin=random.uniform(0, 0.5, count), exponents=random.dirichlet([1] * 4, count))
started = time.perf_counter()
what_if(component, draws)
print(json.dumps(time.perf_counter() - started))
"""


def valuation_figures(repeats: int) -> list[Figure]:
    """Seconds to value every component of the default sample, its imports told beside, and to price many draws."""
    with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
        home = Path(folder) / "home"
        run_city(home, None)
        runs = [measured((sys.executable, "-c", VALUED), environment_of(home)) for _ in range(repeats)]
    found = [json.loads(run.output.splitlines()[-1]) for run in runs]
    (components,) = {number for number, _, _ in found}
    imported, valued = (statistics.median(each[place] for each in found) for place in (1, 2))
    details = f"median of {repeats}; {components} components, cost report included; {imported:.2f} s of imports apart"
    draws = [measured((sys.executable, "-c", WHAT_IFS, str(DRAWS)), {}) for _ in range(repeats)]
    drawn = statistics.median(json.loads(run.output.splitlines()[-1]) for run in draws)
    return [
        Figure("valuation", "all sample components", valued, "s", ALL_TARGET_SECONDS, details),
        Figure(
            "valuation",
            f"{DRAWS:,} parameter draws",
            drawn,
            "s",
            WHAT_IF_TARGET_SECONDS,
            f"median of {repeats}; both prices of one component; {gibibytes(peak_bytes(draws))}",
        ),
    ]
