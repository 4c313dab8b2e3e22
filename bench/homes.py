"""Homes for the benchmarks: a city run once, and copies of it whose layers above raw are to be built anew."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.measuring import Measured, measured
from orchestration.dbt import DBT_PROJECT
from vault.home import Home, Settings, settings_from
from vault.layers import connect, dbt_environment, open_vault

JINKU = (sys.executable, "-m", "orchestration.command_line")
DERIVED_LAYERS = ("warehouse", "components")


def environment_of(home: Path) -> Mapping[str, str]:
    """The home, all else at its default."""
    return {"JINKU_HOME": str(home), "DO_NOT_TRACK": "1"}


def run_city(home: Path, data: Path | None) -> Measured:
    """`jinku run` over a home, with the files of a folder or with the sample city."""
    source = ("--data", str(data)) if data is not None else ()
    return measured((*JINKU, "run", *source), environment_of(home))


def run_parts(home: Path, *parts: str) -> Measured:
    """The layers of a home built by Dagster, with `quality` and `valuation` where they are asked for; no releases."""
    return measured((sys.executable, "-m", "bench.partial_run", *parts), environment_of(home))


def with_raw_alone(home: Path, copy: Path) -> Path:
    """A copy of a home in which nothing above raw was ever built, and Dagster has no record of it."""
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("work", "dagster", "landing"))
    for folder in (copy / "vault" / "work", copy / "dagster", copy / "landing"):
        folder.mkdir()
    vault = open_vault(Home(copy), _settings())
    for layer in DERIVED_LAYERS:
        Home(copy).layer(layer).unlink()
        with connect(vault, write=layer):
            pass
    return copy


def bare_dbt(home: Path) -> Measured:
    """dbt's own command over the same models and layers: `dbt build`, unit tests left out, as in a refresh."""
    vault = open_vault(Home(home), _settings())
    places = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
    output = ("--target-path", str(home / "bare" / "target"), "--log-path", str(home / "bare" / "logs"))
    command = (sys.executable, "-m", "dbt.cli.main", "build", "--exclude", "test_type:unit", *places, *output)
    return measured(command, {**environment_of(home), **dbt_environment(vault)})


def _settings() -> Settings:
    return settings_from({})
