"""What Dagster's daemon does at night: a new batch is followed to the products, and a failed check stops it."""

from pathlib import Path

import dagster as dg
import pytest

from tests.builders import copy_of

NEW_BASE = "base_number,base_name,dba,dba_category\nB99999,NEW BASE LLC,,\n"
RAW = dg.AssetKey(["raw", "hire_bases"])


class Night:
    """The ticks of the automation sensor over a city, one after the other."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions, self.instance = definitions, instance
        self.cursor = dg.evaluate_automation_conditions(definitions, instance).cursor

    def tick(self) -> set[dg.AssetKey]:
        """What is asked for now."""
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {entry.key for entry in result.results if entry.true_subset.size and isinstance(entry.key, dg.AssetKey)}

    def run(self, job: str, keys: set[dg.AssetKey]) -> bool:
        subset = self.definitions.resolve_job_def(job).get_subset(asset_selection=keys)
        return subset.execute_in_process(instance=self.instance, raise_on_error=False).success

    def follow(self) -> set[str]:
        """Every asset that is asked for, tick by tick, until none is."""
        asked: set[str] = set()
        while keys := self.tick():
            asked |= {key.to_user_string() for key in keys}
            assert self.run("refresh", keys)
        return asked


@pytest.fixture
def home(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = copy_of(city, tmp_path)
    monkeypatch.setenv("JINKU_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    monkeypatch.setenv("JINKU_SETTLE_SECONDS", "0")
    return home


def night_of(home: Path) -> Night:
    from orchestration.definitions import defs

    return Night(defs(), dg.DagsterInstance.get())


@pytest.mark.faults  # for its length
def test_a_new_batch_is_followed_to_what_is_made_of_it_and_no_further(home: Path) -> None:
    night = night_of(home)
    assert night.tick() == set()
    (home / "landing" / "hire_bases" / "fhv_bases_night.csv").write_text(NEW_BASE)
    assert night.run("collect", {RAW})
    assert night.follow() == {
        "base/hire_bases",
        "resource/enterprise",
        "components/hire_base_profile",
        "valuation/hire_base_profile",
        "releases/hire_base_profile",
    }


def test_nothing_follows_from_a_batch_whose_rows_are_not_accounted_for(home: Path) -> None:
    night = night_of(home)
    with night.instance as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(RAW))
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=RAW, check_name="rows_accounted", passed=False)
        )
        assert night.follow() == set()
