"""Everything Dagster knows of the city: declarations, dbt layers, checks, jobs, schedule and sensors."""

import os

import dagster as dg

from orchestration.city import City
from orchestration.dbt import manifest, read_manifest
from orchestration.dbt_assets import layer_assets
from orchestration.declarations import PROJECT, declarations
from orchestration.jobs import collect, daily_refresh, everything, refresh
from orchestration.layers import LAYERS
from orchestration.sensors import build_what_changed, new_sources
from vault.home import home_from


@dg.definitions
def defs() -> dg.Definitions:
    """Declared assets merged with the dbt layers."""
    home, known = home_from(os.environ), declarations()
    manifest_path = manifest(home, known)
    parsed = read_manifest(manifest_path)
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=PROJECT),
        dg.Definitions(
            assets=[layer_assets(layer, manifest_path, parsed, known) for layer in LAYERS],
            jobs=[collect, refresh, everything],
            schedules=[daily_refresh],
            sensors=[new_sources, build_what_changed],
            resources={"city": City()},
            executor=dg.in_process_executor,
        ),
    )
