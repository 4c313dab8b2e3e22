"""`python -m bench.partial_run [samples] [quality] [valuation]`: what `jinku run` does, in parts.

Raw tables and all layers above are built in any case; with `samples` the sample city is landed first, with `quality`
the tables are judged, with `valuation` the components valued. Nothing is released. Only for comparing: there is no
such setting, since a table that was not judged must not go on.
"""

import os
import sys
import time
from importlib import import_module

import dagster as dg

from expectations.dialect import prepare_great_expectations
from orchestration.city import found_city
from orchestration.commands.landing import land_samples
from orchestration.dbt import parsing_ahead
from orchestration.declarations import declarations
from orchestration.freshness import EXPECTATION, assets_to_run
from orchestration.layers import RELEASES, VALUATION
from orchestration.running import instance, run_job
from vault.home import home_from, prepare
from vault.layers import Vault

SEED = 20180601


def main() -> None:
    """Run the job `everything` without what was not asked for."""
    parts = sys.argv[1:]
    prepare(home_from(os.environ))
    vault = found_city()
    _prepare(vault, parts)
    from orchestration.definitions import defs

    definitions, storage = defs(), instance(vault.home)
    graph = definitions.resolve_asset_graph()
    left_out = {RELEASES} | ({VALUATION} - set(parts))
    chosen = {key for key in assets_to_run(definitions, storage, vault, declarations()) if key.path[0] not in left_out}
    checks = {
        key
        for key in graph.get_check_keys_for_assets(chosen)
        if "quality" in parts or EXPECTATION not in graph.get_check_spec(key).metadata
    }
    everything = definitions.resolve_job_def("everything")
    job: dg.JobDefinition = everything.get_subset(asset_selection=chosen, asset_check_selection=checks)
    report = run_job(job, storage, lambda name, is_finished: None)
    assert report.success, report.failures


def _prepare(vault: Vault, parts: list[str]) -> None:
    """What `jinku run` does while another process parses the models."""
    with parsing_ahead(vault.home) as is_first:
        if "samples" in parts:
            land_samples(vault, 1.0, SEED)
            time.sleep(vault.settings.settle_seconds)
        if is_first:
            import_module("orchestration.definitions")
            if "quality" in parts:
                prepare_great_expectations()


if __name__ == "__main__":
    main()
