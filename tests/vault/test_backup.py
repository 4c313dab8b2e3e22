"""A backup is the whole home or nothing; what is put back is what was saved, or nothing is put back."""

import io
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON, PROJECT, collect_all, drop, fresh_vault, opened, rows, source_contract
from vault.backup.archive import MANIFEST
from vault.backup.restoring import restore_home, verify_backup
from vault.backup.saving import back_up, layers_held
from vault.errors import JinkuError
from vault.home import Home
from vault.keys import rotate_master
from vault.keys.master import MasterSource, master_path
from vault.keys.store import changing_keys
from vault.layers import Vault
from vault.received import received_path, restore, shred
from vault.received_keys import keys_path

GOOD = b"meter,day,litres\nPLANTED-7734,2026-01-01,5\n"
SOURCES = {"readings": source_contract()}
COUNT = "select count(*), min(meter) from raw.raw.readings"


def filled_vault(root: Path) -> Vault:
    vault = fresh_vault(root, SOURCES)
    drop(vault, "readings.csv", GOOD)
    collect_all(vault, SOURCES)
    drop(vault, "readings of tomorrow.db", b"no database of ours")
    with closing(sqlite3.connect(vault.home.quality / "history.sqlite")) as connection, connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table judged (z real)")
        connection.execute("insert into judged values (0.5)")
    (vault.home.witness / "checkpoints.jsonl").write_text("{}\n")
    (vault.home.landing / "empty folder").mkdir()
    (vault.home.work / "left over.part").write_text("of no use")
    return vault


def saved(vault: Vault, target: Path, *, with_master_key: bool = False) -> Path:
    back_up(vault, target, NOON, with_master_key=with_master_key)
    return target


def content(home: Home) -> dict[str, tuple[int, float, bytes]]:
    """Every file of a home with its mode and time; of SQLite files what is in them, as their pages may differ."""
    found = {}
    for path in sorted(home.root.rglob("*")):
        name, status = str(path.relative_to(home.root)), path.stat()
        if (
            path.is_file()
            and home.work not in path.parents
            and not name.endswith((".lock", "-wal", "-shm", "-journal"))
        ):
            found[name] = (stat.S_IMODE(status.st_mode), round(status.st_mtime, 3), _content(home, path))
    return found


def _content(home: Home, path: Path) -> bytes:
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as connection:
            return "\n".join(connection.iterdump()).encode()
    return path.read_bytes()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(JinkuError) as raised:
        act()
    return raised.value.code


def test_what_is_put_back_is_what_was_saved(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    before = content(vault.home)
    made = back_up(vault, tmp_path / "saved", NOON, with_master_key=True)
    assert content(vault.home) == before, "saving changes nothing"
    again = Home(tmp_path / "again")
    assert restore_home(tmp_path / "saved", again) == made == verify_backup(tmp_path / "saved")
    assert content(again) == before
    assert (again.landing / "empty folder").is_dir() and not again.work.exists()
    assert stat.S_IMODE(again.keys.stat().st_mode) == stat.S_IMODE((again.root / "vault").stat().st_mode) == 0o700
    found = opened(again.root)
    assert rows(found, COUNT) == [(1, "PLANTED-7734")]
    (sha256,) = rows(found, "select sha256 from raw.vault.batches")[0]
    again.work.mkdir()
    restore(again, found.received_key, sha256, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == GOOD


def test_without_the_master_key_a_backup_is_as_closed_as_the_home(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    shutil.rmtree(vault.home.landing / "readings")  # what nobody has collected lies as it was dropped
    made = back_up(vault, tmp_path / "saved", NOON, with_master_key=False)
    held = (tmp_path / "saved").read_bytes()
    key = master_path(vault.home).read_bytes()
    assert not made.has_master_key and "keys/master.key" not in made.files
    assert key not in held and bytes.fromhex(key.decode()) not in held and b"PLANTED-7734" not in held
    assert stat.S_IMODE((tmp_path / "saved").stat().st_mode) == 0o600
    again = Home(tmp_path / "again")
    restore_home(tmp_path / "saved", again)
    assert code_of(lambda: opened(again.root)) == "key_lost"
    shutil.copy(master_path(vault.home), master_path(again))
    assert rows(opened(again.root), COUNT) == [(1, "PLANTED-7734")]


def test_a_backup_opens_with_the_master_key_of_its_day(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    key = master_path(vault.home).read_text()
    saved(vault, tmp_path / "saved")
    rotate_master(vault.home, vault.source)
    again = Home(tmp_path / "again")
    made = restore_home(tmp_path / "saved", again)
    shutil.copy(master_path(vault.home), master_path(again))
    assert code_of(lambda: opened(again.root)) == "key_wrong"
    master_path(again).write_text(key)
    assert rows(opened(again.root), COUNT) == [(1, "PLANTED-7734")] and len(made.master_id) == 16


def test_a_home_is_saved_while_others_write_its_databases(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    with closing(sqlite3.connect(vault.home.quality / "history.sqlite")) as writer:
        writer.execute("pragma wal_autocheckpoint = 0")
        with writer:
            writer.execute("insert into judged values (0.6)")  # committed, and in the log alone
        writer.execute("begin immediate")
        writer.execute("insert into judged values (0.7)")  # not committed
        saved(vault, tmp_path / "saved")
    restore_home(tmp_path / "saved", Home(tmp_path / "again"))
    with closing(sqlite3.connect(tmp_path / "again" / "quality" / "history.sqlite")) as connection:
        assert connection.execute("select z from judged order by z").fetchall() == [(0.5,), (0.6,)]


def test_the_witness_is_saved_before_the_log_and_never_ahead_of_it(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    with tarfile.open(saved(vault, tmp_path / "saved")) as archive:
        names = archive.getnames()
    witness = names.index("home/witness/checkpoints.jsonl")
    assert all(name.startswith("home/witness") for name in names[1 : witness + 1]) and names[-1] == MANIFEST


# What is refused


def held_by_another(vault: Vault, code: str) -> subprocess.Popen[str]:
    """A process that runs a line with the vault opened, and then waits."""
    script = f"""
import sys
from pathlib import Path
from tests.builders import opened
from vault.layers import connect
vault = opened(Path(sys.argv[1]))
with {code}:
    print("held", flush=True)
    sys.stdin.readline()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(vault.home.root)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_no_layer_is_saved_while_it_is_written_and_none_written_while_it_is_saved(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    writer = held_by_another(vault, "connect(vault, write='raw')")
    assert code_of(lambda: saved(vault, tmp_path / "saved")) == "layer_busy"
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]
    writer.communicate()
    with layers_held(vault.home):
        reader = held_by_another(vault, "connect(vault, read=('raw',))")
        with pytest.raises(AssertionError):
            held_by_another(vault, "connect(vault, write='raw')")
        reader.communicate()
    saved(vault, tmp_path / "saved")


def test_no_backup_while_keys_change(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    with changing_keys(vault.home):
        assert code_of(lambda: saved(vault, tmp_path / "saved")) == "keys_busy"


def test_a_backup_is_not_overwritten_nor_put_where_it_would_save_itself(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    before = saved(vault, tmp_path / "saved").read_bytes()
    assert code_of(lambda: saved(vault, tmp_path / "saved")) == "backup_refused"
    assert (tmp_path / "saved").read_bytes() == before
    assert code_of(lambda: saved(vault, vault.home.root / "saved")) == "backup_refused"
    assert code_of(lambda: saved(vault, tmp_path / "nowhere" / "saved")) == "backup_refused"


def test_a_master_key_that_is_in_no_file_cannot_be_saved(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    elsewhere = Vault(
        vault.home, vault.settings, vault.master, MasterSource("environment", master_path(vault.home).read_text())
    )
    assert code_of(lambda: saved(elsewhere, tmp_path / "saved", with_master_key=True)) == "backup_refused"
    saved(elsewhere, tmp_path / "saved")


def test_nothing_is_put_back_over_what_is_there(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    saved(vault, tmp_path / "saved")
    before = content(vault.home)
    assert code_of(lambda: restore_home(tmp_path / "saved", vault.home)) == "restore_refused"
    (tmp_path / "file").write_text("x")
    assert code_of(lambda: restore_home(tmp_path / "saved", Home(tmp_path / "file"))) == "restore_refused"
    assert content(vault.home) == before
    (tmp_path / "empty").mkdir()
    restore_home(tmp_path / "saved", Home(tmp_path / "empty"))
    assert (tmp_path / "empty" / "keys" / "keys.json").exists()


def test_a_backup_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert code_of(lambda: verify_backup(tmp_path / "none")) == "file_missing"
    assert code_of(lambda: restore_home(tmp_path / "none", Home(tmp_path / "home"))) == "file_missing"
    assert list(tmp_path.iterdir()) == []


def rewritten(path: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> None:
    """The archive with every member changed, its own sums in order."""
    with tarfile.open(path) as archive:
        members = [(each, archive.extractfile(each).read() if each.isreg() else b"") for each in archive]  # type: ignore[union-attr]
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for entry, held in members:
            changed = change(entry, held)
            if changed is not None:
                changed[0].size = len(changed[1])
                archive.addfile(changed[0], io.BytesIO(changed[1]))


def of_member(name: str, change: Callable[[tarfile.TarInfo, bytes], Any]) -> Callable[[Path], None]:
    return lambda path: rewritten(
        path, lambda entry, held: change(entry, held) if entry.name == name else (entry, held)
    )


def renamed(name: str) -> Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes]]:
    def change(entry: tarfile.TarInfo, held: bytes) -> tuple[tarfile.TarInfo, bytes]:
        entry.name = name
        return entry, held

    return change


def linked(entry: tarfile.TarInfo, held: bytes) -> tuple[tarfile.TarInfo, bytes]:
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return entry, b""


WITNESS = "home/witness/checkpoints.jsonl"
SPOILERS: dict[str, Callable[[Path], object]] = {
    "cut off in the middle": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut off before the manifest": of_member(MANIFEST, lambda entry, held: None),
    "cut off within the manifest": of_member(MANIFEST, lambda entry, held: (entry, held[:-9])),
    "one byte of a file": of_member(WITNESS, lambda entry, held: (entry, b"[" + held[1:])),
    "a file shortened": of_member(WITNESS, lambda entry, held: (entry, held[:-1])),
    "a file left out": of_member(WITNESS, lambda entry, held: None),
    "a file renamed": of_member(WITNESS, renamed("home/witness/other")),
    "a file that leads out of the home": of_member(WITNESS, renamed("home/../../stolen")),
    "a file beside the home": of_member(WITNESS, renamed("elsewhere")),
    "a file with the whole path": of_member(WITNESS, renamed("/tmp/stolen")),
    "a link": of_member(WITNESS, linked),
    "two files of one name": of_member("home/keys/keys.json", renamed(WITNESS)),
    "no archive": lambda path: path.write_bytes(b"PK" * 5000),
    "nothing": lambda path: path.write_bytes(b""),
}


@pytest.fixture(scope="module")
def whole_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("backup")
    return saved(filled_vault(root / "home"), root / "saved")


@pytest.mark.parametrize("spoiled", SPOILERS)
def test_of_a_backup_that_is_not_whole_nothing_is_put_back(whole_backup: Path, tmp_path: Path, spoiled: str) -> None:
    path = Path(shutil.copy(whole_backup, tmp_path / "saved"))
    SPOILERS[spoiled](path)
    assert code_of(lambda: verify_backup(path)) == "backup_damaged"
    assert code_of(lambda: restore_home(path, Home(tmp_path / "home"))) == "backup_damaged"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", range(1, 20))
def test_no_altered_byte_of_a_file_goes_unnoticed(whole_backup: Path, tmp_path: Path, place: int) -> None:
    with tarfile.open(whole_backup) as archive:
        files = [each for each in archive if each.isreg() and each.size]
    entry = files[place % len(files)]
    content = bytearray(whole_backup.read_bytes())
    content[entry.offset_data + place * 97 % entry.size] ^= 1 << place % 8
    (tmp_path / "saved").write_bytes(content)
    assert code_of(lambda: verify_backup(tmp_path / "saved")) == "backup_damaged"


# Killed, or out of space

ACT = """
import os, resource, signal, sys
from pathlib import Path
from tests.builders import NOON, opened
from vault.backup.restoring import restore_home
from vault.backup.saving import back_up, layers_held
from vault.home import Home
home, saved, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
vault = opened(home) if sys.argv[4] == "back_up" else None
def counted(original):
    def or_die(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    return or_die
for name in ("fsync", "replace", "rename", "open", "utime", "chmod"):
    setattr(os, name, counted(getattr(os, name)))
back_up(vault, saved, NOON, with_master_key=True) if vault else restore_home(saved, Home(home))
"""


def acted(home: Path, target: Path, calls: int, act: str) -> int:
    command = [sys.executable, "-c", ACT, str(home), str(target), str(calls), act]
    return subprocess.run(command, cwd=PROJECT, capture_output=True).returncode


@pytest.mark.faults
def test_a_killed_backup_leaves_the_whole_or_nothing_and_the_next_one_is_made(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    before, calls = content(vault.home), 0
    while True:
        calls += 1
        target = tmp_path / f"saved{calls}"
        status = acted(vault.home.root, target, calls, "back_up")
        assert status in (0, -signal.SIGKILL)
        assert content(vault.home) == before
        if target.exists():
            verify_backup(target)
        else:
            saved(vault, target)
        if status == 0:
            break
    assert calls > 5 and not list(tmp_path.glob("*.part"))


@pytest.mark.faults
def test_a_killed_restore_leaves_the_whole_or_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    before = content(vault.home)
    path, calls = saved(vault, tmp_path / "saved", with_master_key=True), 0
    while True:
        calls += 3
        again = Home(tmp_path / f"again{calls}")
        status = acted(again.root, path, calls, "restore")
        assert status in (0, -signal.SIGKILL)
        if not again.root.exists():
            restore_home(path, again)
        assert content(again) == before
        shutil.rmtree(again.root)
        if status == 0:
            break
    assert calls > 20 and sorted(tmp_path.iterdir()) == [tmp_path / "home", path]


def test_where_there_is_no_room_one_line_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    path = saved(vault, tmp_path / "saved")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))  # more than the registry's, which SQLite copies
        assert code_of(lambda: saved(vault, tmp_path / "second")) == "disk_full"
        assert code_of(lambda: restore_home(path, Home(tmp_path / "again"))) == "disk_full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "home", path]


def test_shredded_bytes_are_not_in_a_later_backup(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "home")
    (sha256,) = rows(vault, "select sha256 from raw.vault.batches")[0]
    shred(vault.home, vault, sha256)
    made = back_up(vault, tmp_path / "saved", NOON, with_master_key=False)
    assert str(received_path(vault.home, sha256).relative_to(vault.home.root)) not in made.files
    assert str(keys_path(vault.home).relative_to(vault.home.root)) in made.files
