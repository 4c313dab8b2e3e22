"""Every asset as Dagster sees it: a snapshot, and the rules that no new asset may break."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.declarations import declarations
from tests.builders import PROJECT, jinku_environment

SNAPSHOT = Path(__file__).parent / "asset_snapshot.json"
LOADED = "import sys; from orchestration.definitions import defs; defs(); print('great_expectations' in sys.modules)"
LAYER_ORDER = ["vault", "landing", "raw", "base", "resource", "components", "valuation", "releases", "products"]
MAY_READ: dict[str, set[str]] = {
    "vault": set(),
    "landing": set(),
    "raw": {"landing"},
    "base": {"raw"},
    "resource": {"base", "resource", "vault"},
    "components": {"resource", "components", "vault"},  # the key: every component has pseudonyms of its own
    "valuation": {"components"},
    "releases": {"components", "valuation"},
    "products": {"components"},
}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """What Dagster loads, over a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JINKU_HOME", str(tmp_path_factory.mktemp("home")))
        from orchestration.definitions import defs

        return defs()


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def described(spec: dg.AssetSpec) -> dict[str, Any]:
    return {
        "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        "group": spec.group_name,
        "kinds": sorted(spec.kinds),
        "owners": sorted(spec.owners),
    }


def test_all_assets_are_as_in_the_snapshot(definitions: dg.Definitions) -> None:
    """After a wanted change run this file with JINKU_WRITE_SNAPSHOT=1, and read the diff."""
    found = {name: described(spec) for name, spec in sorted(specs(definitions).items())}
    if os.environ.get("JINKU_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(SNAPSHOT.read_text())


def test_every_asset_has_words_an_owner_and_a_kind(definitions: dg.Definitions) -> None:
    for name, spec in specs(definitions).items():
        assert spec.description and spec.owners and spec.kinds, name


def test_data_flows_one_way_through_the_layers(definitions: dg.Definitions) -> None:
    """So products read components only, and what a component reads has lost its identifiers."""
    for name, spec in specs(definitions).items():
        layer = name.split("/")[0]
        assert layer in LAYER_ORDER, name
        assert {dep.asset_key.path[0] for dep in spec.deps} <= MAY_READ[layer], name


def test_every_layer_has_checks_that_block(definitions: dg.Definitions) -> None:
    blocking = {
        key.asset_key.path[0]
        for checks in definitions.asset_checks or []
        for key in checks.check_keys
        if checks.get_spec_for_check_key(key).blocking
    }
    for assets in definitions.assets or []:
        if isinstance(assets, dg.AssetsDefinition):
            blocking |= {spec.asset_key.path[0] for spec in assets.check_specs if spec.blocking}
    stops_nothing = {"valuation", "releases"}  # inside the vault, that is: what is not released does not leave it
    assert set(LAYER_ORDER[2:]) - stops_nothing <= blocking


def test_what_has_a_promised_period_has_a_freshness_policy(definitions: dg.Definitions) -> None:
    found = specs(definitions)
    for layer, contracts in (("components", declarations().components), ("products", declarations().products)):
        for name, contract in contracts.items():
            promised = contract.refresh_period != "static"
            assert (found[f"{layer}/{name}"].freshness_policy is not None) == promised, name


def test_jobs_schedule_and_sensors_have_their_names(definitions: dg.Definitions) -> None:
    assert {job.name for job in definitions.jobs or []} == {"collect", "refresh", "everything", "propose_epoch"}
    assert {schedule.name for schedule in definitions.schedules or []} == {"daily_refresh", "quarterly_proposal"}
    assert {sensor.name for sensor in definitions.sensors or []} == {"new_sources", "build_what_changed"}


def test_loading_never_imports_great_expectations(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=PROJECT,
        env=jinku_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "False", loaded.stderr
