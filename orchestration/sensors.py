"""Sensors: new files in the landing zone, and tables whose inputs changed."""

import hashlib
import os
import time

import dagster as dg

from orchestration.city import City
from orchestration.jobs import DERIVED, collect
from vault.home import settings_from
from vault.landing import LandedFile, scan, settled
from vault.ledger import tables_of

SECONDS_BETWEEN_LOOKS = 30


@dg.sensor(
    name="new_sources",
    job=collect,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the landing zone; asks for one collection per source that has complete new files.",
)
def new_sources(context: dg.SensorEvaluationContext, city: City) -> dg.SensorResult | dg.SkipReason:
    """A run key is the state of the files, so that one file asks once and a replaced file asks again."""
    settle_seconds = settings_from(os.environ).settle_seconds
    files = scan(city.home, city.sources)
    complete = [file for file in files if settled(file, time.time_ns(), settle_seconds)]
    requests = [
        dg.RunRequest(
            run_key=f"{source}:{_state(of_source)}",
            asset_selection=[dg.AssetKey(["raw", table]) for table in tables_of(source, city.sources[source])],
            tags={"source": source},
        )
        for source, of_source in _by_source(complete).items()
    ]
    if requests:
        return dg.SensorResult(run_requests=requests)
    unknown = sum(file.source is None for file in files)
    arriving = len(files) - unknown
    return dg.SkipReason(f"no complete new file ({arriving} still arriving, {unknown} of no known source)")


def _by_source(files: list[LandedFile]) -> dict[str, list[LandedFile]]:
    by_source: dict[str, list[LandedFile]] = {}
    for file in files:
        if file.source is not None:
            by_source.setdefault(file.source, []).append(file)
    return by_source


def _state(files: list[LandedFile]) -> str:
    text = "\n".join(f"{file.path}:{file.size_bytes}:{file.modified_ns}" for file in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


build_what_changed = dg.AutomationConditionSensorDefinition(
    name="build_what_changed",
    target=DERIVED,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    description="Builds base, resource, components and products when their inputs changed and passed.",
)
