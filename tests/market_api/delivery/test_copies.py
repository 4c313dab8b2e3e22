"""A buyer's copy: made once, whole or not at all, with his marks, and served only while it is what was signed."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from market_api.catalogue.clearance import signed_datasheet
from market_api.delivery import copies
from market_api.delivery.copies import HeldCopy, copy_folder, form_copy, held_copy, parts_copy
from market_api.delivery.manifests import MANIFEST
from market_api.delivery.parts import marked_copy
from market_api.entitlements.usable import Permit, usable
from market_api.fingerprint.detecting import detect
from market_api.fingerprint.engine import engine
from market_api.fingerprint.keys import fingerprint_key
from market_api.fingerprint.planning import plan
from market_api.market import Market
from market_api.problems import Problem
from tests.builders import PROJECT
from tests.market_api.delivery.pulls import Bought, bought, sold
from tests.market_api.delivery.releases import NAME
from vault.errors import JinkuError


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path) -> Bought:
    return bought(tmp_path, pulled_home)


def permit(of: Bought) -> Permit:
    market, holder = of.market, of.buyer.participant_id
    return market.read(lambda connection: usable(connection, market.settings, holder, NAME, of.clock()))


def rows_of(copy: HeldCopy) -> Any:
    return pq.ParquetDataset([copy.path(each) for each in copy.manifest.files]).read()


def released_rows(market: Market) -> Any:
    return pq.ParquetDataset(sorted((market.settings.releases / NAME / "1" / "table").glob("*.parquet"))).read()


def files_below(folder: Path) -> list[str]:
    """What there is, but for locks."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in found if path.parts[0] != ".locks")


def test_a_copy_lies_below_its_entitlement_and_release_with_a_signed_manifest(own: Bought) -> None:
    copy = parts_copy(own.market, permit(own))
    assert files_below(own.market.settings.copies) == [
        f"{own.entitlement_id}/1/parts/manifest.json",
        f"{own.entitlement_id}/1/parts/part-00000.parquet",
    ]
    told = copy.manifest
    assert (told.entitlement, told.participant) == (own.entitlement_id, own.buyer.participant_id)
    assert (told.release, told.rows, told.not_traceable) == (f"{NAME}@1", 1_440, None)
    assert told.datasheet == signed_datasheet(own.market.settings, f"{NAME}@1").hash
    assert {oct(path.stat().st_mode & 0o777) for path in copy.folder.iterdir()} == {"0o600"}


def test_a_copy_carries_its_buyers_marks_and_nothing_else_is_changed(own: Bought, tmp_path: Path) -> None:
    other = sold(own.market, own.clock, own.listing_id)
    mine, theirs = (rows_of(parts_copy(own.market, permit(each))) for each in (own, other))
    original = released_rows(own.market)
    assert mine.schema.equals(original.schema, check_metadata=False)
    for name in original.column_names:
        assert mine[name].equals(original[name]) == (name != "distance_km_mean"), name
    changed = np.abs(mine["distance_km_mean"].to_numpy() - original["distance_km_mean"].to_numpy())
    assert 0 < (changed > 0).sum() < 200 and changed.max() <= 0.1
    assert not mine.equals(theirs)


def test_a_leaked_copy_is_traced_to_its_buyer(own: Bought, tmp_path: Path) -> None:
    other = sold(own.market, own.clock, own.listing_id)
    leak = form_copy(own.market, permit(own), "parquet")
    parts_copy(own.market, permit(other))
    document = signed_datasheet(own.market.settings, f"{NAME}@1").document
    key, buyers = fingerprint_key(own.market.keys.root, NAME), [own.buyer.participant_id, other.buyer.participant_id]
    with engine(tmp_path / "scratch") as connection:
        verdict = detect(connection, leak.path(leak.manifest.files[0]), plan(document), key, buyers)
    assert [each.buyer for each in verdict.accused] == [own.buyer.participant_id]


def test_a_copy_is_made_once_whoever_asks_at_the_same_time(own: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(*arguments: Any) -> Any:
        made.append(arguments[-1])
        return marked_copy(*arguments)

    monkeypatch.setattr(copies, "marked_copy", noted)
    gate, asked = threading.Barrier(8), permit(own)

    def ask(_: int) -> str:
        gate.wait()
        return form_copy(own.market, asked, "csv").manifest.hash

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert made == [own.buyer.participant_id]
    parts_copy(own.market, asked)
    assert len(made) == 1


def test_too_many_who_wait_are_told_to_come_again(own: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_waiting", threading.BoundedSemaphore(1))
    with copies._turn(), pytest.raises(Problem, match=r"unavailable.*nothing was counted"):
        parts_copy(own.market, permit(own))
    assert parts_copy(own.market, permit(own))


def test_what_a_killed_process_left_is_removed(own: Bought) -> None:
    folder = copy_folder(own.market.settings.copies, own.entitlement_id, 1, "parts")
    draft = folder.with_name(".parts.draft")
    draft.mkdir(parents=True)
    (draft / "part-00000.parquet").write_bytes(b"half")
    assert parts_copy(own.market, permit(own)).manifest.rows == 1_440
    assert not draft.exists()


@pytest.mark.parametrize("damage", ["file", "manifest", "another"])
def test_a_copy_that_does_not_fit_its_manifest_is_made_anew(own: Bought, damage: str) -> None:
    copy = parts_copy(own.market, permit(own))
    (file,) = copy.manifest.files
    if damage == "file":
        copy.path(file).write_bytes(b"PAR1 and something else")
    elif damage == "manifest":
        (copy.folder / MANIFEST).write_text("{}")
    else:  # that of another buyer, signed by the market as it is
        other = parts_copy(own.market, permit(sold(own.market, own.clock, own.listing_id)))
        shutil.rmtree(copy.folder)
        shutil.copytree(other.folder, copy.folder)
    assert held_copy(own.market, permit(own), "parts") is None
    again = parts_copy(own.market, permit(own))
    assert rows_of(again).num_rows == 1_440 and again.manifest.participant == own.buyer.participant_id


def test_an_altered_release_makes_no_copy(own: Bought) -> None:
    (path,) = (own.market.settings.releases / NAME / "1" / "table").glob("*.parquet")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"2")
    with pytest.raises(Problem, match=r"not_cleared.*was altered.*nothing was delivered or counted"):
        parts_copy(own.market, permit(own))
    assert files_below(own.market.settings.copies) == []


def test_a_copy_that_does_not_pass_the_review_again_is_not_kept(own: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(*arguments: Any) -> Any:
        """Loses rows before the copy is reviewed."""
        connection, signed, sources, target, *_ = arguments
        connection.execute(f"copy (from read_parquet('{sources[0]}') limit 700) to '{target}' (format parquet)")
        from market_api.fingerprint.recheck import reviewed

        reviewed(connection, target, signed.document)
        raise AssertionError("it passed")

    monkeypatch.setattr(copies, "marked_copy", half)
    with pytest.raises(Problem, match=r"not_cleared.*does not pass the security review"):
        parts_copy(own.market, permit(own))
    assert files_below(own.market.settings.copies) == []


@pytest.mark.parametrize("limit_bytes", [1_000, 5_000])
def test_a_full_disk_is_told_and_nothing_is_left(own: Bought, limit_bytes: int) -> None:
    """While the files of the release are taken, and while the copy is written."""
    asked = permit(own)
    parts_copy(own.market, permit(sold(own.market, own.clock, own.listing_id)))  # everything is loaded
    before = files_below(own.market.settings.copies)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
        with pytest.raises(Problem, match=r"unavailable.*nothing was counted"):
            parts_copy(own.market, asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert files_below(own.market.settings.copies) == before
    assert parts_copy(own.market, asked)


def test_a_disk_without_room_is_named_as_the_cause(own: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise JinkuError("copy_unwritable", "the copy cannot be written: no space is left", "somewhere", "")

    monkeypatch.setattr(copies, "marked_copy", full)
    with pytest.raises(Problem, match="the market's disk is full") as caught:
        parts_copy(own.market, permit(own))
    assert caught.value.kind.status == 503 and caught.value.further["retry_after_seconds"]


KILLED = """
import os, signal, sys
from pathlib import Path
from market_api.delivery import copies
from market_api.entitlements.usable import usable
from tests.market_api.builders import NOON, a_market
market = a_market(Path(sys.argv[1]), lambda: NOON)
at, place = sys.argv[3], getattr(copies, sys.argv[3])
def killed(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(copies, at, killed)
permit = market.read(lambda connection: usable(connection, market.settings, sys.argv[2], sys.argv[4], NOON))
copies.parts_copy(market, permit)
"""


@pytest.mark.faults
@pytest.mark.parametrize("place", ["marked_copy", "cut", "write_private", "sync_folder"])
def test_a_process_that_is_killed_leaves_no_half_copy(own: Bought, tmp_path: Path, place: str) -> None:
    arguments = [str(tmp_path), own.buyer.participant_id, place, NAME]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, cwd=PROJECT, timeout=120)
    assert done.returncode == -signal.SIGKILL
    found = held_copy(own.market, permit(own), "parts")
    assert found is None or rows_of(found).num_rows == 1_440
    assert rows_of(parts_copy(own.market, permit(own))).num_rows == 1_440
    assert [each for each in files_below(own.market.settings.copies) if ".draft" in each] == []
