"""The rows of a release are taken only as they were signed."""

import shutil
from pathlib import Path

import pytest

from market_api.catalogue.clearance import Signed, signed_datasheet
from market_api.delivery.sources import taken
from market_api.problems import Problem
from tests.market_api.builders import market_settings
from tests.market_api.delivery.releases import NAME, copied_releases


@pytest.fixture
def signed(tmp_path: Path, pulled_home: Path) -> Signed:
    copied_releases(pulled_home, tmp_path)
    return signed_datasheet(market_settings(tmp_path), f"{NAME}@1")


def rows_of(signed: Signed) -> Path:
    """The Parquet file of the release, made writable."""
    (path,) = (signed.folder / "table").glob("*.parquet")
    path.chmod(0o644)
    return path


def refusal(signed: Signed, folder: Path) -> str:
    with pytest.raises(Problem) as caught:
        taken(signed, folder)
    assert caught.value.code == "not_cleared"
    return caught.value.detail


def test_the_files_are_copied_as_they_are(signed: Signed, tmp_path: Path) -> None:
    (path,) = taken(signed, tmp_path / "taken")
    assert path.read_bytes() == rows_of(signed).read_bytes()


def test_one_altered_byte_is_refused(signed: Signed, tmp_path: Path) -> None:
    path = rows_of(signed)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert "was altered" in refusal(signed, tmp_path / "taken")


@pytest.mark.parametrize("change", [b"", b"more"])
def test_a_file_of_another_length_is_refused(signed: Signed, tmp_path: Path, change: bytes) -> None:
    path = rows_of(signed)
    path.write_bytes(path.read_bytes() + change if change else path.read_bytes()[:-1])
    assert "was altered" in refusal(signed, tmp_path / "taken")


def test_a_file_that_is_gone_is_refused(signed: Signed, tmp_path: Path) -> None:
    rows_of(signed).unlink()
    assert "cannot be read" in refusal(signed, tmp_path / "taken")


def test_a_folder_in_its_place_is_refused(signed: Signed, tmp_path: Path) -> None:
    path = rows_of(signed)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in refusal(signed, tmp_path / "taken")


def test_a_link_in_its_place_is_refused_whatever_it_leads_to(signed: Signed, tmp_path: Path) -> None:
    path = rows_of(signed)
    shutil.move(path, tmp_path / "same.parquet")
    path.symlink_to(tmp_path / "same.parquet")
    assert "a link" in refusal(signed, tmp_path / "taken")


def test_a_file_that_the_datasheet_does_not_state_is_not_taken(signed: Signed, tmp_path: Path) -> None:
    path = rows_of(signed)
    shutil.copy(path, path.with_name("part-00001-more.parquet"))
    assert len(taken(signed, tmp_path / "taken")) == 1


def test_what_is_altered_after_it_was_taken_alters_nothing(signed: Signed, tmp_path: Path) -> None:
    (path,) = taken(signed, tmp_path / "taken")
    content = path.read_bytes()
    rows_of(signed).write_bytes(b"altered")
    assert path.read_bytes() == content and not path.samefile(rows_of(signed))
