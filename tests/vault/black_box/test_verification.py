"""Whatever is changed, removed, moved, cut off or put back is found, by whoever it was done but the signer."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON
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
from vault.black_box.checkpoints import checkpoint_line
from vault.black_box.entries import Event, leaf_of
from vault.black_box.log import append, frontier_of
from vault.black_box.merkle import Frontier, leaf_hash
from vault.black_box.recording import recording
from vault.black_box.verification import PROBLEMS_TOLD, verify_home
from vault.errors import JinkuError
from vault.home import Home
from vault.registry.database import open_registry, registry_path
from vault.signing import public_folder, public_keys, signing_key

SIZE = 11


def entry_of(home: Home, index: int) -> dict[str, Any]:
    ((at, kind, actor, subject, hashed),) = query(
        home, f"select at, kind, actor, subject, payload_hash from black_box_entries where leaf_index = {index}"
    )
    return {"index": index, "at": at, "kind": kind, "actor": actor, "subject": subject, "payload_hash": hashed}


def rewrite(home: Home, index: int, **changes: str) -> None:
    """Change an entry, and every node and payload above and beside it, as one who knows the log would."""
    entry = {**entry_of(home, index), **changes}
    frontier = Frontier()
    nodes = []
    for place in range(SIZE):
        nodes += frontier.add(leaf_hash(leaf_of(**(entry if place == index else entry_of(home, place)))))
    for name, value in changes.items():
        tamper(home, f"update black_box_entries set {name} = ? where leaf_index = {index}", values=(value,))
    for position, node in nodes:
        tamper(home, f"update black_box_nodes set hash = ? where position = {position}", values=(node,))


def test_a_log_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    verified = verify_home(vault.home)
    assert verified.is_whole and (verified.entries, verified.erased) == (SIZE, 0)
    assert verified.checkpoint is not None and verified.checkpoint.size == SIZE


@pytest.mark.parametrize("column", ["at", "kind", "actor", "subject", "payload_hash"])
@pytest.mark.parametrize("index", [0, 6, SIZE - 1])
def test_an_entry_that_was_changed(tmp_path: Path, column: str, index: int) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, f"update black_box_entries set {column} = 'x' where leaf_index = {index}")
    assert ("changed", f"entry {index} is not what was logged") in found(vault.home)


def test_an_entry_that_was_changed_together_with_its_tree(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    rewrite(vault.home, 4, actor="person:nobody")
    assert found(vault.home) == [("checkpoint", "the log of 5 entries is not the one that its checkpoint states")]


def test_an_entry_that_was_changed_together_with_its_tree_and_checkpoints(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    rewrite(vault.home, 4, actor="person:nobody")
    tamper(vault.home, "delete from black_box_checkpoints where size > 4")
    assert ("added", "no checkpoint covers the end of the log: 7 entries") in found(vault.home)
    assert [kind for kind, _ in found(vault.home)].count("rolled_back") == 7


def test_an_entry_that_was_removed(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, "delete from black_box_entries where leaf_index = 4")
    assert found(vault.home) == [("removed", "entry 4 is gone")]
    tamper(vault.home, "delete from black_box_entries where leaf_index in (5, 6)")
    assert found(vault.home) == [("removed", "entries 4 to 6 are gone")]


def test_an_entry_that_was_removed_together_with_its_leaf(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(
        vault.home,
        "delete from black_box_entries where leaf_index = 4",
        "delete from black_box_nodes where position = 7",
    )
    assert found(vault.home) == [("removed", "entry 4 is gone, and nodes with it: what follows is unchecked")]


def test_entries_that_were_closed_up_after_one_was_removed(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(
        vault.home,
        "delete from black_box_entries where leaf_index = 4",
        "delete from black_box_payloads where leaf_index = 4",
        "update black_box_entries set leaf_index = leaf_index - 1 where leaf_index > 4",
        "update black_box_payloads set leaf_index = leaf_index - 1 where leaf_index > 4",
    )
    told = found(vault.home)
    assert ("changed", "entry 4 is not what was logged") in told
    assert ("removed", "the log ends after 10 entries, 1 short of its last checkpoint") in told


def test_two_entries_that_were_exchanged(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    for table in ("entries", "payloads"):
        tamper(
            vault.home,
            *(
                f"update black_box_{table} set leaf_index = {to} where leaf_index = {of}"
                for of, to in ((3, 99), (4, 3), (99, 4))
            ),
        )
    assert found(vault.home) == [("changed", f"entry {index} is not what was logged") for index in (3, 4)]


@pytest.mark.parametrize("tables", [("entries",), ("entries", "nodes"), ("entries", "nodes", "checkpoints")])
def test_a_log_that_was_cut_off(tmp_path: Path, tables: tuple[str, ...]) -> None:
    vault = vault_with(tmp_path, SIZE)
    ends = {"entries": "leaf_index >= 8", "nodes": "position >= 15", "checkpoints": "size > 8"}
    tamper(vault.home, *(f"delete from black_box_{table} where {ends[table]}" for table in tables))
    kind = "rolled_back" if "checkpoints" in tables else "removed"
    assert kind in {each for each, _ in found(vault.home)}


def test_an_empty_database_in_place_of_the_log(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    new_process()
    shutil.rmtree(vault.home.registry)
    open_registry(vault.home)
    assert [kind for kind, _ in found(vault.home)] == ["rolled_back"] * SIZE


def test_a_database_that_was_rolled_back_to_an_old_copy(tmp_path: Path) -> None:
    vault = vault_with(tmp_path / "home", 8)
    new_process()
    shutil.copytree(vault.home.registry, tmp_path / "old")
    log_checks(vault, 1)
    new_process()
    shutil.rmtree(vault.home.registry)
    shutil.copytree(tmp_path / "old", vault.home.registry)
    ((kind, told),) = found(vault.home)
    assert kind == "rolled_back" and told.startswith("the database lacks the checkpoint of 9 entries at 2026-11-24T12:")


def test_a_home_that_was_rolled_back_as_a_whole_is_found_with_a_copy_of_the_witness(tmp_path: Path) -> None:
    vault = vault_with(tmp_path / "home", 8)
    new_process()
    shutil.copytree(vault.home.root, tmp_path / "old")
    log_checks(vault, 2)
    copy = shutil.copy(witness_of(vault.home), tmp_path / "copy.jsonl")
    new_process()
    assert found(Home(tmp_path / "old")) == [], "the home alone cannot tell"
    told = found(Home(tmp_path / "old"), copy=copy)
    assert [kind for kind, _ in told] == ["rolled_back", "rolled_back"]


def test_a_copy_of_the_witness_may_be_older_but_not_another(tmp_path: Path) -> None:
    vault = vault_with(tmp_path / "home", 3)
    copy = shutil.copy(witness_of(vault.home), tmp_path / "copy.jsonl")
    log_checks(vault, 4)
    assert found(vault.home, copy=copy) == []
    stranger = empty_vault(tmp_path / "other")
    log_checks(stranger, 3)
    other = witness_of(stranger.home)
    assert "witness" in {kind for kind, _ in found(vault.home, copy=other)}
    assert found(vault.home, copy=tmp_path / "none") == [("witness", "the witness is missing or cannot be read")]


@pytest.mark.parametrize(
    "change",
    [
        "update black_box_payloads set payload = replace(payload, 'pass', 'fail') where leaf_index = 4",
        "update black_box_payloads set salt = zeroblob(32) where leaf_index = 4",
        "update black_box_payloads set payload = x'00' where leaf_index = 4",
    ],
)
def test_a_payload_that_was_changed(tmp_path: Path, change: str) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, change)
    assert found(vault.home) == [("changed", "the payload of entry 4 is not what was logged")]


def test_a_payload_that_was_removed_without_a_record(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, "delete from black_box_payloads where leaf_index = 4")
    assert found(vault.home) == [("removed", "the payload of entry 4 is gone, and no erasure is on record")]


def test_an_erased_payload_that_was_put_back(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    ((salt, payload),) = query(vault.home, "select salt, payload from black_box_payloads where leaf_index = 4")
    with recording(vault, NOON) as record:
        record.erase_payload(4, "jinku")
    assert found(vault.home) == []
    tamper(vault.home, "insert into black_box_payloads values (4, ?, ?)", values=(salt, payload))
    assert found(vault.home) == [("added", f"the payload of entry 4, erased by entry {SIZE}, is there again")]


@pytest.mark.parametrize("position", range(19))
def test_a_node_that_was_changed_or_removed(tmp_path: Path, position: int) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, f"update black_box_nodes set hash = zeroblob(32) where position = {position}")
    told = found(vault.home)
    assert told and {kind for kind, _ in told} <= {"changed", "tree", "checkpoint"}
    tamper(vault.home, f"delete from black_box_nodes where position = {position}")
    assert [kind for kind, _ in found(vault.home)] == ["tree"]


def test_a_node_too_many(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, "insert into black_box_nodes values (500, zeroblob(32))")
    assert found(vault.home) == [("tree", f"the tree holds nodes beyond those of {SIZE} entries")]


@pytest.mark.parametrize("index", [-1, SIZE, 2**40])
def test_an_entry_too_many(tmp_path: Path, index: int) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, f"insert into black_box_entries values ({index}, '', 'grant', 'jinku', 'trips', '')")
    assert {kind for kind, _ in found(vault.home)} & {"added", "removed"}


def test_entries_that_were_appended_without_the_key(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    with open_registry(vault.home).begin() as connection:
        append(connection, frontier_of(connection, SIZE), [Event("grant", "trips", {}, "person:mallory")], NOON)
    assert found(vault.home) == [("added", "no checkpoint covers the end of the log: 1 entry")]


def test_a_checkpoint_forged_with_another_key(tmp_path: Path) -> None:
    vault, other = vault_with(tmp_path / "home", SIZE), empty_vault(tmp_path / "other")
    lines = witness_of(vault.home).read_text().splitlines()
    with open_registry(vault.home).begin() as connection:
        frontier = frontier_of(connection, SIZE)
        append(connection, frontier, [Event("grant", "trips", {}, "person:mallory")], NOON)
    forged = checkpoint_line(signing_key(other), SIZE + 1, frontier.root, NOON, lines[-1])
    tamper(vault.home, "insert into black_box_checkpoints values (12, ?)", values=(forged,))
    with witness_of(vault.home).open("a") as file:
        file.write(f"{forged}\n")
    unsigned = ("checkpoint", "the checkpoint of 12 entries is not signed by a key that is known")
    assert found(vault.home) == [unsigned]
    assert found(vault.home, keys={}) == [unsigned], "no key, no trust"


@pytest.mark.parametrize("size", [1, 5, SIZE])
def test_a_checkpoint_that_was_changed_in_both_places(tmp_path: Path, size: int) -> None:
    vault = vault_with(tmp_path, SIZE)
    lines = witness_of(vault.home).read_text().splitlines()
    changed = lines[size - 1].replace("2026-11-24", "2026-11-25")
    witness_of(vault.home).write_text("".join(f"{changed if line == lines[size - 1] else line}\n" for line in lines))
    tamper(vault.home, f"update black_box_checkpoints set line = ? where size = {size}", values=(changed,))
    assert "checkpoint" in {kind for kind, _ in found(vault.home)}


@pytest.mark.parametrize("size", [1, 5])
def test_a_checkpoint_that_was_removed_from_both_places(tmp_path: Path, size: int) -> None:
    vault = vault_with(tmp_path, SIZE)
    lines = witness_of(vault.home).read_text().splitlines()
    del lines[size - 1]
    witness_of(vault.home).write_text("".join(f"{line}\n" for line in lines))
    tamper(vault.home, f"delete from black_box_checkpoints where size = {size}")
    assert found(vault.home) == [("checkpoint", f"the checkpoint of {size + 1} entries does not follow the last one")]


@pytest.mark.parametrize("line", ["gossip", "[]", '{"type":"jinku black box checkpoint"}', "{}"])
def test_a_checkpoint_that_cannot_be_read(tmp_path: Path, line: str) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, "update black_box_checkpoints set line = ? where size = 5", values=(line,))
    assert ("checkpoint", "the checkpoint of 5 entries cannot be read") in found(vault.home)


def test_a_witness_that_is_missing_or_lacks_a_line(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    lines = witness_of(vault.home).read_text().splitlines(keepends=True)
    witness_of(vault.home).write_text("".join(lines[:4] + lines[5:]))
    assert found(vault.home) == [("witness", "the witness lacks the checkpoint of 5 entries")]
    witness_of(vault.home).write_text("".join(lines[:4]) + "gossip\n" + "".join(lines[4:]))
    gossip = ("witness", "the witness holds a line that is no checkpoint signed by a key that is known")
    assert found(vault.home) == [gossip]
    witness_of(vault.home).write_text("".join(lines) + "{}\n")
    assert found(vault.home) == [gossip]
    witness_of(vault.home).unlink()
    assert found(vault.home) == [("witness", "the witness is missing or cannot be read")]


def test_public_keys_that_are_gone_vouch_for_nothing(tmp_path: Path) -> None:
    vault = vault_with(tmp_path, SIZE)
    trusted = public_keys(vault.home)
    shutil.rmtree(public_folder(vault.home))
    assert [kind for kind, _ in found(vault.home)] == ["checkpoint"]
    assert found(vault.home, keys=trusted) == []


def test_a_log_that_was_written_anew_has_more_problems_than_are_told(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    with recording(vault, NOON) as record:
        record.log_many([Event("check", f"part {number}", {}, "jinku") for number in range(PROBLEMS_TOLD * 2)])
    tamper(vault.home, "update black_box_entries set actor = 'person:nobody'")
    verified = verify_home(vault.home)
    assert (len(verified.problems), verified.more_problems) == (PROBLEMS_TOLD, PROBLEMS_TOLD)


@pytest.mark.parametrize(
    "change",
    [
        "update black_box_nodes set hash = 'text' where position = 3",
        "update black_box_entries set actor = x'00' where leaf_index = 3",
        "update black_box_payloads set salt = 'text' where leaf_index = 3",
    ],
)
def test_a_value_of_another_type(tmp_path: Path, change: str) -> None:
    vault = vault_with(tmp_path, SIZE)
    tamper(vault.home, change)
    assert ("changed" in {kind for kind, _ in found(vault.home)}) and not verify_home(vault.home).is_whole


def test_what_is_no_registry_is_an_error_and_no_pass(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(JinkuError, match="nothing_recorded"):
        verify_home(home)
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    vault = vault_with(tmp_path, 1)
    new_process()
    registry_path(vault.home).write_bytes(b"no database" * 500)
    with pytest.raises(JinkuError, match=r"registry_unusable: .*not a database"):
        verify_home(vault.home)


def test_checkpoints_chain_to_the_first(tmp_path: Path) -> None:
    lines = witness_of(vault_with(tmp_path, 2).home).read_text().splitlines()
    first, second = (json.loads(line) for line in lines)
    assert first["previous"] == "" and len(second["previous"]) == 64
