"""The market reads releases from their folder alone; `jinku verify` says of each whether it is what was signed."""

import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.commands.verify import verify_releases
from tests.vault.releases.builds import NAME, NOON, build, release
from tests.vault.releases.conftest import Ready
from vault.errors import JinkuError
from vault.home import Home
from vault.layers import Vault
from vault.releases.datasheet import DATASHEET
from vault.releases.reading import delta_table, find_release, read_datasheet, releases_in, table_files
from vault.signing import public_folder


def said(monkeypatch: pytest.MonkeyPatch, home: Path, name: str | None, keys: Path | None = None) -> tuple[int, str]:
    monkeypatch.setenv("JINKU_HOME", str(home))
    told = StringIO()
    status = verify_releases(Console(file=told, width=400), name, keys)
    return status, told.getvalue()


def test_releases_are_found_by_component_and_number(released: Vault) -> None:
    folder = released.home.releases
    build(released, "select * from components.components.zone_hours where pickup_hour < 6")
    release(released, at=NOON)
    assert [each.release_id for each in releases_in(folder)] == [f"{NAME}@1", f"{NAME}@2"]
    assert find_release(folder, NAME).number == find_release(folder, f"components/{NAME}").number == 2
    assert find_release(folder, f"{NAME}@1").path == folder / NAME / "1"
    assert read_datasheet(folder / NAME / "2")["table"]["rows"] == 360
    assert delta_table(folder / NAME / "2").to_pyarrow_table().num_rows == 360


def test_drafts_locks_and_strangers_are_no_releases(released: Vault) -> None:
    for name in (f"{NAME}/.draft", f"{NAME}/007", f"{NAME}/latest", ".hidden/1", "Upper/1"):
        (released.home.releases / name).mkdir(parents=True)
    (released.home.releases / "notes.txt").write_text("")
    assert [each.release_id for each in releases_in(released.home.releases)] == [f"{NAME}@1"]
    assert releases_in(released.home.root / "nowhere") == ()


@pytest.mark.parametrize(("name", "known"), [(f"{NAME}@2", f"Known: {NAME}@1."), ("zones", f"Known: {NAME}.")])
def test_a_release_that_is_not_there_names_those_that_are(ready: Ready, name: str, known: str) -> None:
    with pytest.raises(JinkuError, match="unknown_release") as unknown:
        find_release(ready.released / "releases", name)
    assert unknown.value.action == known


def test_reading_needs_no_key_and_nothing_else_of_the_vault(ready: Ready, tmp_path: Path) -> None:
    shutil.copytree(ready.released / "releases", tmp_path / "releases")
    (only,) = releases_in(tmp_path / "releases")
    assert read_datasheet(only.path)["component"] == NAME and len(table_files(only.path)) == 1


@pytest.mark.parametrize("name", [None, NAME, f"{NAME}@1"])
def test_a_home_verifies_its_releases_with_the_vaults_records(
    ready: Ready, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    status, told = said(monkeypatch, ready.released, name)
    assert status == 0 and told.startswith(f"right {NAME}@1: 1,440 rows in 3 files, signed by ")
    assert told.endswith("S = 1; the vault's review and price agree\n")


def test_another_machine_verifies_with_the_release_and_the_public_keys(
    ready: Ready, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bought, nowhere = tmp_path / "bought", tmp_path / "nowhere"
    shutil.copytree(ready.released / "releases" / NAME / "1", bought)
    keys = public_folder(Home(ready.released))
    for name in (str(bought), str(bought / DATASHEET)):
        status, told = said(monkeypatch, nowhere, name, keys)
        assert status == 0 and told.endswith("the vault's records were not asked\n")
    assert not nowhere.exists(), "verifying makes no home"
    (bought / "table" / "more.parquet").write_bytes(b"")
    status, told = said(monkeypatch, nowhere, str(bought), keys)
    assert (status, told) == (
        1,
        f"wrong {bought}: the datasheet does not know this file (table/more.parquet)\n",
    )


def test_every_release_that_is_wrong_is_told_and_no_key_is_no_proof(
    released: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(released.home.releases / NAME / "1", released.home.releases / NAME / "2")
    status, told = said(monkeypatch, released.home.root, None)
    assert status == 1 and told.count("right ") == 1
    assert f"wrong {NAME}@2: it is the datasheet of {NAME}@1, not of {NAME}@2" in told
    with pytest.raises(JinkuError, match="no_public_key"):
        said(monkeypatch, released.home.root, NAME, tmp_path / "no_keys")
    with pytest.raises(JinkuError, match="unknown_release"):
        said(monkeypatch, released.home.root, "elsewhere")
