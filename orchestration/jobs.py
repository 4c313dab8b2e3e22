"""The named jobs: collect what landed, refresh what follows from it, or both."""

import dagster as dg

from orchestration.layers import LAYERS, RELEASES, VALUATION

COLLECTED = dg.AssetSelection.groups("raw")
DERIVED = dg.AssetSelection.groups(*(layer.name for layer in LAYERS), VALUATION, RELEASES)

collect = dg.define_asset_job("collect", selection=COLLECTED, description="Landed files into the raw layer.")
refresh = dg.define_asset_job(
    "refresh", selection=DERIVED, description="Base, resource, components with valuations and releases, and products."
)
everything = dg.define_asset_job(
    "everything", selection=COLLECTED | DERIVED, description="From landed files to prices, releases and products."
)

daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=everything,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    description="The full refresh, once a night.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
