"""Everything Dagster knows of the city: declarations, dbt layers, checks, jobs, schedule and sensors."""

import gc
import os
from datetime import UTC, datetime

import dagster as dg

from orchestration.city import City
from orchestration.dbt_assets import layer_assets, parsed_models
from orchestration.declarations import PROJECT, declarations, refuse_faulty
from orchestration.epoch_proposal import propose_epoch, quarterly_proposal
from orchestration.jobs import collect, daily_refresh, everything, refresh
from orchestration.judged_tables import JUDGED_LAYERS
from orchestration.layers import COMPONENTS, LAYERS
from orchestration.quality_checks import quality_checks
from orchestration.security.assets import release_asset
from orchestration.sensors import build_what_changed, new_sources
from orchestration.valuation.assets import valuation_asset
from vault.epochs import epoch_at
from vault.home import home_from

PSEUDONYM_KEY = dg.AssetSpec(
    ["vault", "pseudonym_key"],
    group_name="vault",
    kinds={"key"},
    owners=["team:vault"],
    description="The key of persons' and enterprises' pseudonyms. It is made once, lies encrypted and is never shown.",
)


@dg.definitions
def defs() -> dg.Definitions:
    """Declared assets merged with the dbt layers."""
    home, known = home_from(os.environ), declarations()
    refuse_faulty(known)
    models, epoch = parsed_models(home, known), epoch_at(datetime.now(UTC).date())
    merged = dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=PROJECT),
        dg.Definitions(
            assets=[
                PSEUDONYM_KEY,
                *(layer_assets(layer, models) for layer in LAYERS),
                *(valuation_asset(name, models, epoch) for name in models.names(COMPONENTS)),
                *(release_asset(name, models) for name in models.names(COMPONENTS)),
            ],
            asset_checks=[
                quality_checks(layer, name, models) for layer in JUDGED_LAYERS for name in models.names(layer)
            ],
            jobs=[collect, refresh, everything, propose_epoch],
            schedules=[daily_refresh, quarterly_proposal],
            sensors=[new_sources, build_what_changed],
            resources={"city": City()},
            executor=dg.in_process_executor,
        ),
    )
    gc.freeze()  # they stay as long as the process does: no search for garbage need look at them again
    return merged
