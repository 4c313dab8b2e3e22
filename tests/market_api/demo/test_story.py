"""The play, played over releases of the tests' own; and that it ends where something is not as it should be."""

import re
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market_api.demo.goods import chosen_goods
from market_api.demo.stage import Stage, a_stage
from market_api.demo.telling import must
from tests.builders import PROJECT, jinku_environment
from tests.market_api.builders import market_settings
from tests.market_api.delivery.releases import ALL_CHECKS, copied_releases, pulled_contract, rows
from tests.vault.releases.builds import NAME, NOON, build, evidence, grant_rights, release, vault_with_component
from vault.errors import JinkuError
from vault.home import Home
from vault.isolation import market_environment

OTHER = "zone_days"
START = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two released components of one owner, the first with rows enough to be marked."""
    root = tmp_path_factory.mktemp("home")
    vault = vault_with_component(root, rows(zones=200))
    release(vault, evidence(vault, contract=pulled_contract(), checks=ALL_CHECKS))
    grant_rights(vault, OTHER)
    build(vault, rows(zones=10), OTHER)
    release(vault, evidence(vault, OTHER, contract=pulled_contract(), checks=ALL_CHECKS), NOON + timedelta(hours=1))
    return root


def played(home: Path) -> subprocess.CompletedProcess[str]:
    """`jinku market demo` over the releases of a home."""
    environment = market_environment(jinku_environment(home), Home(home))
    return subprocess.run(
        [sys.executable, "-m", "market_api", "demo"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )


def test_it_is_played_to_its_end_and_every_figure_adds_up(home: Path) -> None:
    done = played(home)
    assert done.returncode == 0, done.stdout + done.stderr
    scenes = re.findall(r"^(\d)  ", done.stdout, re.MULTILINE)
    assert scenes == list("123456789")
    for scene in (done.stdout.split("\n3  ")[1].split("\n4  ")[0], done.stdout.split("\n8  ")[1].split("\n9  ")[0]):
        table = [line for line in scene.splitlines() if re.match(r"^  \S.*  +¥[\d,.]+ ", line)]
        *parts, whole = [
            round(float(re.findall(r"¥([\d,.]+\.\d\d)", line)[0].replace(",", "")) * 100) for line in table
        ]
        assert len(parts) == 4 and sum(parts) == whole and table[-1].startswith("  in all")
    assert re.search(r"Luwang Navigation .* p = \S+e-\d\d+: it is this copy", done.stdout)
    assert "all together are 0 fen" in done.stdout and "black box is whole" in done.stdout
    assert not (home / "market").exists() and "Traceback" not in done.stderr


def test_a_release_that_was_altered_ends_it_with_status_1(home: Path, tmp_path: Path) -> None:
    copied_releases(home, tmp_path)
    file = next((tmp_path / "releases" / NAME / "1" / "table").glob("*.parquet"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = played(tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error not_cleared: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("left", ["nothing", "one", "the small one twice"])
def test_without_two_components_that_fit_it_does_not_begin(home: Path, tmp_path: Path, left: str) -> None:
    copied_releases(home, tmp_path)
    if left != "one":
        shutil.rmtree(tmp_path / "releases" / NAME)
    if left != "the small one twice":
        shutil.rmtree(tmp_path / "releases" / OTHER)
        (tmp_path / "releases" / OTHER).mkdir()
    with stage_over(tmp_path) as stage, pytest.raises(JinkuError) as caught:
        chosen_goods(stage)
    assert caught.value.code == "releases_unfit"


def test_the_one_that_bears_marks_is_posted(home: Path) -> None:
    with stage_over(home) as stage:
        posted, on_request = chosen_goods(stage)
    assert (posted.component, on_request.component) == (NAME, OTHER)
    assert posted.owner == "team:mobility" and posted.holders == ("Taxi and Limousine Commission",)


def test_what_must_hold_and_does_not_is_an_error() -> None:
    must(True, "never said")
    with pytest.raises(JinkuError, match="demo_failed: the parts are not the whole"):
        must(False, "the parts are not the whole")


def test_time_passes_only_when_the_play_says_so(home: Path) -> None:
    with stage_over(home) as stage:
        assert stage.clock() == START
        stage.let_pass(days=2, minutes=1)
        assert stage.clock() == START + timedelta(days=2, minutes=1)
        folder = stage.folder
    assert not folder.exists()


def stage_over(home: Path) -> AbstractContextManager[Stage]:
    """A stage over the releases of a home."""
    return a_stage(market_settings(home), START)
