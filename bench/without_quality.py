"""`python -m bench.without_quality [tables]`: all that `jinku run` does over a home, but for judging the tables.

With `tables` components are not valued either, which leaves what a bare dbt build does as well.

Only for comparing: there is no such setting, since a table that was not judged must not go on.
"""

import os
import sys

import dagster as dg

from orchestration.city import found_city
from orchestration.declarations import declarations
from orchestration.definitions import defs
from orchestration.freshness import EXPECTATION, assets_to_run
from orchestration.layers import VALUATION
from orchestration.running import instance, run_job
from vault.home import home_from, prepare


def main() -> None:
    """Run the job `everything` without the checks that have an expectation behind them."""
    prepare(home_from(os.environ))
    vault = found_city()
    definitions, storage = defs(), instance(vault.home)
    graph = definitions.resolve_asset_graph()
    chosen = set(assets_to_run(definitions, storage, vault, declarations()))
    if "tables" in sys.argv[1:]:
        chosen = {key for key in chosen if key.path[0] != VALUATION}
    checks = {
        key for key in graph.get_check_keys_for_assets(chosen) if EXPECTATION not in graph.get_check_spec(key).metadata
    }
    everything = definitions.resolve_job_def("everything")
    job: dg.JobDefinition = everything.get_subset(asset_selection=chosen, asset_check_selection=checks)
    report = run_job(job, storage, lambda name, is_finished: None)
    assert report.success, report.failures


if __name__ == "__main__":
    main()
