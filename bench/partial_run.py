"""`python -m bench.partial_run [quality] [valuation]`: what `jinku run` does once files are collected, in parts.

Raw tables and all layers above are built in any case; with `quality` the tables are judged, with `valuation` the
components valued. Nothing is released. Only for comparing: there is no such setting, since a table that was not judged
must not go on.
"""

import os
import sys

import dagster as dg

from orchestration.city import found_city
from orchestration.declarations import declarations
from orchestration.definitions import defs
from orchestration.freshness import EXPECTATION, assets_to_run
from orchestration.layers import RELEASES, VALUATION
from orchestration.running import instance, run_job
from vault.home import home_from, prepare


def main() -> None:
    """Run the job `everything` without what was not asked for."""
    parts = sys.argv[1:]
    prepare(home_from(os.environ))
    vault = found_city()
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


if __name__ == "__main__":
    main()
