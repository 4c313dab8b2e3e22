"""The security review of all components of the sample city."""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.homes import environment_of, run_city
from bench.measuring import measured

TARGET_SECONDS = 10.0

REVIEWED = """
import json, time
from dataclasses import replace
from datetime import UTC, datetime
from orchestration.city import City, found_city
from orchestration.dbt_assets import parsed_models
from orchestration.declarations import declarations
from orchestration.layers import COMPONENTS
from orchestration.running import instance
vault = found_city()
storage, models, now = instance(vault.home), parsed_models(vault.home, declarations()), datetime.now(UTC)
started = time.perf_counter()
from orchestration.security.reviewing import review_component
imported = time.perf_counter()
policy = replace(City().policy(), content_hash="of another text, so that no finding is taken over")
names, facts = models.names(COMPONENTS), {}
for name in names:
    review_component(storage, vault, models, name, policy, facts, "bench", now)
print(json.dumps([len(names), imported - started, time.perf_counter() - imported]))
"""


def review_figures(repeats: int) -> list[Figure]:
    """Seconds to review every component of the default sample, none of it taken from an earlier review."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="jinku-bench-") as folder:
            home = Path(folder) / "home"
            run_city(home, None)
            run = measured((sys.executable, "-c", REVIEWED), environment_of(home))
            found.append(json.loads(run.output.splitlines()[-1]))
    (components,) = {number for number, _, _ in found}
    imported, reviewed = (statistics.median(each[place] for each in found) for place in (1, 2))
    details = (
        f"median of {repeats}; {components} components, O, M and R, every received byte read again; "
        f"{imported:.2f} s of imports apart"
    )
    return [Figure("review", "all sample components", reviewed, "s", TARGET_SECONDS, details)]
