"""An action and its entries stand together or not at all, whoever else writes and whenever a process dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.builders import NOON, PROJECT
from tests.vault.black_box.logs import (
    empty_vault,
    found,
    log_checks,
    new_process,
    query,
    tamper,
    vault_with,
    witness_of,
)
from vault.black_box.entries import Event
from vault.black_box.log import last_at, last_entries
from vault.black_box.reading import reading
from vault.black_box.recording import Record, recording
from vault.black_box.verification import verify_home
from vault.black_box.witness import PAGE_BYTES
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import registry_path

Step = Callable[[Record], object]


def with_actions(root: Path) -> Vault:
    """A vault whose registry has a table for actions to be done in."""
    vault = empty_vault(root)
    act(vault, partial(sql, "create table action (what text)"))
    return vault


def act(vault: Vault, *steps: Step) -> None:
    with recording(vault, NOON) as record:
        for step in steps:
            step(record)


def sql(statement: str, record: Record) -> None:
    record.connection.exec_driver_sql(statement)


def grant(record: Record) -> None:
    sql("insert into action (what) values ('granted')", record)


def log(record: Record) -> None:
    record.log("grant", "trips", {}, "jinku")


def kept(vault: Vault) -> tuple[int, int]:
    """How many actions and entries stand."""
    ((actions, entries),) = query(
        vault.home, "select (select count(*) from action), (select count(*) from black_box_entries)"
    )
    return actions, entries


def test_what_is_logged_is_read_back(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    with recording(vault, NOON) as record:
        assert record.log("grant", "components/trips", {"purpose": "planning", "until": None}, "person:li.wei") == 0
        assert record.log("check", "components/trips", {"k": 11}, "jinku") == 1
    with reading(vault.home) as connection:
        first, second = last_entries(connection, 10)
        assert last_entries(connection, 1) == (second,)
        assert last_entries(connection, 10, kind="grant") == (first,) == last_entries(connection, 1, "grant")
        assert last_entries(connection, 10, subject="components/trips", kind="release") == ()
        assert last_at(connection) == NOON
    assert (first.entry.kind, first.entry.actor, first.entry.subject) == ("grant", "person:li.wei", "components/trips")
    assert first.payload == '{"purpose":"planning","until":null}' and first.entry.index == 0


def test_an_action_stands_with_its_entry(tmp_path: Path) -> None:
    vault = with_actions(tmp_path)
    act(vault, grant, log)
    assert kept(vault) == (1, 1)


def test_an_action_that_logs_nothing_commits_and_makes_no_checkpoint(tmp_path: Path) -> None:
    vault = with_actions(tmp_path)
    act(vault, grant, lambda record: record.log_many([]))
    assert kept(vault) == (1, 0)
    assert witness_of(vault.home).read_text() == "" and found(vault.home) == []


def test_where_the_action_fails_nothing_is_logged(tmp_path: Path) -> None:
    vault = with_actions(tmp_path)
    with pytest.raises(ZeroDivisionError):
        act(vault, grant, log, lambda _: 1 / 0)
    assert kept(vault) == (0, 0)
    log_checks(vault, 1)
    assert found(vault.home) == []


@pytest.mark.parametrize("table", ["entries", "payloads", "nodes", "checkpoints"])
def test_where_the_log_cannot_be_written_nothing_is_done(tmp_path: Path, table: str) -> None:
    vault = with_actions(tmp_path)
    broken = f"before insert on black_box_{table} begin select raise(abort, 'broken'); end"
    tamper(vault.home, f"create trigger broken {broken}")
    with pytest.raises(JinkuError, match=r"black_box_unusable: .*nothing was done: broken"):
        act(vault, grant, log)
    assert kept(vault) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "payload"), [("gossip", {}), ("grant", {"rate": float("nan")}), ("grant", {1: 2}), ("grant", {"at": NOON})]
)
def test_whoever_goes_on_after_a_failed_log_write_is_refused(tmp_path: Path, kind: str, payload: Any) -> None:
    def fail(record: Record) -> None:
        with pytest.raises(ValueError, match=r"kind|representable|strings|unsupported"):
            record.log(kind, "trips", payload, "jinku")

    vault = with_actions(tmp_path)
    with pytest.raises(JinkuError, match="not all of the action could be logged"):
        act(vault, grant, fail, log)
    assert kept(vault) == (0, 0)


def test_entries_lost_with_a_savepoint_refuse_the_whole_action(tmp_path: Path) -> None:
    def log_and_take_back(record: Record) -> None:
        savepoint = record.connection.begin_nested()
        log(record)
        savepoint.rollback()

    vault = with_actions(tmp_path)
    with pytest.raises(JinkuError, match="not all of the action could be logged"):
        act(vault, grant, log_and_take_back)
    with pytest.raises(JinkuError, match="not all of the action could be logged"):
        act(vault, grant, log_and_take_back, log)
    assert kept(vault) == (0, 0)


def test_a_recording_inside_another_is_refused_at_once(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 1)
    with recording(vault, NOON) as record:
        with pytest.raises(RuntimeError, match="a recording is open"), recording(vault, NOON):
            pass
        record.log("grant", "trips", {}, "jinku")
    assert verify_home(vault.home).entries == 2


@pytest.mark.parametrize("table", ["entries", "nodes", "checkpoints", "payloads"])
def test_rows_refuse_every_change(tmp_path: Path, table: str) -> None:
    vault = vault_with(tmp_path, 3)
    name, key = f"black_box_{table}", query(vault.home, f"select * from pragma_table_info('black_box_{table}')")[0][1]
    changes = [f"update {name} set {key} = {key} + 1", f"insert or replace into {name} select * from {name}"]
    if table != "payloads":
        changes.append(f"delete from {name}")
    for change in changes:
        with pytest.raises(sa.exc.IntegrityError, match="the black box is never changed"):
            act(vault, partial(sql, change))
    assert found(vault.home) == []


def test_a_payload_can_be_erased_and_the_log_stays_whole(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 3)
    with recording(vault, NOON) as record:
        secret = record.log("consent", "pseudonym:1f", {"note": "erase-me-entirely"}, "jinku")
    with recording(vault, NOON) as record:
        assert record.erase_payload(secret, "person:li.wei") == 4
    verified = verify_home(vault.home)
    assert verified.is_whole and verified.erased == 1
    with reading(vault.home) as connection:
        erased, erasure = last_entries(connection, 2)
    assert erased.payload is None and erasure.entry.subject == "entry:3" and erasure.entry.actor == "person:li.wei"
    with pytest.raises(JinkuError, match="unknown_entry"):
        act(vault, lambda record: record.erase_payload(secret, "person:li.wei"))
    new_process()
    assert b"erase-me-entirely" not in registry_path(vault.home).read_bytes(), "its bytes are overwritten"


def test_each_recording_adds_one_line_to_the_witness(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 3)
    with recording(vault, NOON) as record:
        record.log_many([Event("check", f"part {number}", {}, "jinku") for number in range(5)])
    lines = witness_of(vault.home).read_text().splitlines()
    assert [json.loads(line)["size"] for line in lines] == [1, 2, 3, 8]
    assert [(line,) for line in lines] == query(vault.home, "select line from black_box_checkpoints order by size")


def test_no_page_of_the_witness_is_left_to_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, durable_bytes = vault_with(tmp_path, 1), []
    path, really = witness_of(vault.home), os.fdatasync

    def noted(descriptor: int) -> None:
        really(descriptor)
        durable_bytes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", noted)
    new_process()
    for _ in range(25):
        log_checks(vault, 1)
        assert path.stat().st_size - durable_bytes[-1] < PAGE_BYTES
    assert path.read_bytes()[: durable_bytes[0]].count(b"\n") == 2, "the first line of a process is durable at once"
    assert len(durable_bytes) < 6


def test_what_a_killed_process_did_not_witness_the_next_one_does(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 3)
    whole = witness_of(vault.home).read_bytes()
    for torn in (whole[:-1], whole[: whole.rindex(b'{"at"')], whole[: whole.rindex(b'{"at"') + 40]):
        witness_of(vault.home).write_bytes(torn)
        assert found(vault.home) == [], "a process may be killed between its commit and its line"
        with recording(vault, NOON):
            pass
        assert witness_of(vault.home).read_bytes() == whole


def test_a_witness_that_is_far_behind_is_caught_up(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 4)
    whole = witness_of(vault.home).read_bytes()
    witness_of(vault.home).write_bytes(whole[: whole.index(b"\n") + 1])
    ((kind, told),) = found(vault.home)
    assert kind == "witness" and told.startswith("the witness lacks the last 3 checkpoints: it is older")
    log_checks(vault, 1)
    assert witness_of(vault.home).read_bytes().startswith(whole) and found(vault.home) == []


def test_a_missing_witness_refuses_until_a_person_acts(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 2)
    whole = witness_of(vault.home).read_bytes()
    witness_of(vault.home).unlink()
    with pytest.raises(JinkuError, match=r"witness_missing: .*nothing was done .*make an empty one"):
        log_checks(vault, 1)
    assert not witness_of(vault.home).exists() and verify_home(vault.home).entries == 2
    witness_of(vault.home).touch()
    log_checks(vault, 1)
    assert witness_of(vault.home).read_bytes().startswith(whole) and found(vault.home) == []


@pytest.mark.parametrize("end", [b"gossip", b"gossip\n", b"\xff\xff\n", b"x" * 9000, b'{"size":1}\n'])
def test_a_witness_whose_end_is_no_checkpoint_refuses(tmp_path: Path, end: bytes) -> None:
    vault = vault_with(tmp_path, 2)
    with witness_of(vault.home).open("ab") as file:
        file.write(end)
    with pytest.raises(JinkuError, match=r"witness_damaged: .*nothing was done"):
        log_checks(vault, 1)
    assert verify_home(vault.home).entries == 2


def test_a_witness_that_cannot_be_written_refuses_before_anything_is_done(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 1)
    witness_of(vault.home).unlink()
    witness_of(vault.home).mkdir()
    with pytest.raises(JinkuError, match=r"witness_unwritable: .*so nothing was done: Is a directory"):
        log_checks(vault, 1)
    assert query(vault.home, "select count(*) from black_box_entries") == [(1,)]


def test_a_full_disk_after_the_commit_is_told_and_made_good(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    witness_of(vault.home).symlink_to("/dev/full")
    with pytest.raises(JinkuError, match=r"witness_unwritable: .*, though the action stands: No space left"):
        log_checks(vault, 1)
    with pytest.raises(JinkuError, match=r"witness_unwritable: .*, so nothing was done: No space left"):
        log_checks(vault, 1)
    assert verify_home(vault.home).entries == 1
    witness_of(vault.home).unlink()
    witness_of(vault.home).touch()
    log_checks(vault, 1)
    assert found(vault.home) == [] and len(witness_of(vault.home).read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("delete from black_box_entries where leaf_index = 2", "another size than"),
        ("delete from black_box_checkpoints", "holds entries but no checkpoint"),
        ("delete from black_box_checkpoints where size = 3", "another size than"),
        ("delete from black_box_nodes where position = 3", "lacks node 2 of level 0"),
        ("update black_box_nodes set hash = zeroblob(32) where position = 3", "another log than"),
        ("update black_box_checkpoints set line = replace(line, 'a', 'b')", "cannot be read|did not sign"),
        ("update black_box_checkpoints set line = 'gossip'", "cannot be read"),
        ("insert into black_box_entries values (3, '', 'check', 'a', 'b', '')", "another size than"),
    ],
)
def test_nothing_is_done_over_a_log_that_was_changed(tmp_path: Path, change: str, told: str) -> None:
    vault = vault_with(tmp_path, 3)
    new_process()
    tamper(vault.home, change)
    with pytest.raises(JinkuError, match=rf"black_box_broken: .*({told}).*; nothing was done"):
        log_checks(vault, 1)
    assert found(vault.home), "verification finds it as well"


def test_nothing_is_done_over_a_database_that_was_rolled_back(tmp_path: Path) -> None:
    vault = vault_with(tmp_path / "home", 2)
    new_process()
    shutil.copytree(vault.home.registry, tmp_path / "old")
    log_checks(vault, 2)
    new_process()
    shutil.rmtree(vault.home.registry)
    shutil.copytree(tmp_path / "old", vault.home.registry)
    with pytest.raises(JinkuError, match=r"black_box_broken: .*it was rolled back"):
        log_checks(vault, 1)
    registry_path(vault.home).unlink()
    with pytest.raises(JinkuError, match=r"black_box_broken: .*it was rolled back"):
        log_checks(vault, 1)


def test_another_vault_s_signature_is_not_built_upon(tmp_path: Path) -> None:
    vault, other = vault_with(tmp_path / "home", 2), empty_vault(tmp_path / "other")
    log_checks(other, 2)
    new_process()
    for name in ("registry", "witness"):
        shutil.rmtree(vault.home.root / name)
        shutil.copytree(other.home.root / name, vault.home.root / name)
    with pytest.raises(JinkuError, match=r"black_box_broken: .*did not sign"):
        log_checks(vault, 1)


def test_threads_make_one_log(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 1)
    threads = [threading.Thread(target=log_checks, args=(vault, 15)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_home(vault.home).entries == 61 and found(vault.home) == []


def test_a_process_that_is_forked_off_records_over_a_connection_of_its_own(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 1)
    log_checks(vault, 1)
    child = os.fork()
    if child == 0:
        try:
            log_checks(vault, 5)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    log_checks(vault, 1)
    assert verify_home(vault.home).entries == 8 and found(vault.home) == []


WRITER = """
import sys
from functools import partial
from pathlib import Path
from tests.builders import NOON
from tests.vault.black_box.logs import empty_vault, log_checks
vault = empty_vault(Path(sys.argv[1]))
log_checks(vault, 1)
print("ready", flush=True)
log_checks(vault, int(sys.argv[2]))
"""


def writer(home: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(home), str(count)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_processes_make_one_log(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, 1)
    writers = [writer(tmp_path, 40) for _ in range(2)]
    assert [each.wait(timeout=60) for each in writers] == [0, 0]
    assert verify_home(vault.home).entries == 83 and found(vault.home) == []
    sizes = [json.loads(line)["size"] for line in witness_of(vault.home).read_text().splitlines()]
    assert sizes == list(range(1, 84)), "and one witness, in its order"


def test_a_process_that_is_killed_leaves_a_log_that_is_whole(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    for _ in range(2):
        with writer(tmp_path, 1_000_000) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            threading.Event().wait(0.15)
            process.send_signal(signal.SIGKILL)
        verified = verify_home(vault.home)
        assert verified.is_whole and verified.entries > 1, verified.problems
    log_checks(vault, 1)
    assert found(vault.home) == []
    assert len(witness_of(vault.home).read_text().splitlines()) == verify_home(vault.home).entries
