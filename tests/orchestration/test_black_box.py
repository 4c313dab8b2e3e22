"""`jinku blackbox`: what the person at the terminal reads of the log."""

import hashlib
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rich.console import Console

from orchestration.commands import black_box as command
from tests.builders import NOON, jinku
from tests.vault.black_box.logs import empty_vault, log_checks, tamper, witness_of
from vault.black_box.proofs import proves_consistency, proves_inclusion
from vault.black_box.recording import recording
from vault.errors import JinkuError
from vault.home import Home
from vault.layers import Vault
from vault.signing import public_folder, public_keys

PERSONAL = "note [red]kept[/] apart"


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A log of six entries, the payload of one of them erased."""
    monkeypatch.setenv("JINKU_HOME", str(tmp_path / "home"))
    vault = empty_vault(tmp_path / "home")
    log_checks(vault, 3)
    with recording(vault, NOON) as record:
        record.log("grant", "components/zone_hourly_mobility", {"purpose": PERSONAL}, "person:li.wei")
        record.log("refusal", "components/[bold]resident_health_features[/]", {"S": 0}, "jinku")
    with recording(vault, NOON) as record:
        record.erase_payload(0, "person:li.wei")
    return vault


def console(width: int = 80) -> Console:
    return Console(file=StringIO(), width=width)


def said(on: Console) -> str:
    return on.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_whole_log_is_told_in_one_line(vault: Vault) -> None:
    on = console()
    assert command.verify_black_box(on, None, None) == 0
    key = next(iter(public_keys(vault.home)))
    assert said(on).startswith("whole: 6 entries read, 1 with its payload erased; root ") and key in said(on)
    assert said(on).count("\n") == 1


def test_each_problem_is_a_line_and_the_status_tells(vault: Vault) -> None:
    tamper(
        vault.home,
        "update black_box_entries set actor = 'x' where leaf_index = 3",
        "delete from black_box_payloads where leaf_index = 4",
    )
    on = console()
    assert command.verify_black_box(on, None, None) == 1
    assert said(on).splitlines()[:2] == [
        "changed: entry 3 is not what was logged",
        "removed: the payload of entry 4 is gone, and no erasure is on record",
    ]
    assert said(on).splitlines()[2].startswith("not whole: 6 entries read")


def test_a_witness_and_keys_of_elsewhere_are_asked(vault: Vault, tmp_path: Path) -> None:
    witness = Path(shutil.copy(witness_of(vault.home), tmp_path / "copy.jsonl"))
    keys = Path(shutil.copytree(public_folder(vault.home), tmp_path / "keys"))
    assert command.verify_black_box(console(), witness, keys) == 0
    shutil.rmtree(public_folder(vault.home))
    assert command.verify_black_box(console(), witness, keys) == 0
    assert command.verify_black_box(console(), witness, None) == 1
    assert command.verify_black_box(console(), tmp_path / "none", keys) == 1


def test_a_proof_is_json_that_proves_itself(vault: Vault) -> None:
    on = console()
    assert command.prove_entry(on, 3) == 0
    proof = json.loads(said(on))
    assert proof["entry"]["subject"] == "components/zone_hourly_mobility"
    assert proves_inclusion(proof, public_keys(vault.home)) and PERSONAL not in said(on)


def test_a_proof_that_fails_is_told(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(vault.home, "update black_box_entries set actor = 'x' where leaf_index = 3")
    assert command.prove_entry(console(), 3) == 1
    assert "not proved" in capsys.readouterr().err


def growing(vault: Vault) -> dict[str, Any]:
    """The proof that the log of six entries begins with that of three, as the command prints it."""
    on = console()
    assert command.prove_since(on, 3) == 0
    proof: dict[str, Any] = json.loads(said(on))
    return proof


def test_a_log_is_proved_to_have_only_grown(vault: Vault) -> None:
    proof = growing(vault)
    assert (proof["old"]["size"], proof["new"]["size"]) == (3, 6)
    assert proves_consistency(proof, public_keys(vault.home))


@pytest.mark.parametrize("size", [0, 4, 7, -1])
def test_a_size_that_was_never_signed_is_told(vault: Vault, size: int) -> None:
    with pytest.raises(JinkuError, match="unknown_entry: the black box holds no checkpoint of that size"):
        command.prove_since(console(), size)


def test_a_log_that_did_not_only_grow_is_not_proved(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(vault.home, "update black_box_nodes set hash = zeroblob(32) where position = 4")
    assert command.prove_since(console(), 3) == 1
    assert "not proved" in capsys.readouterr().err


def checked(proof: dict[str, Any], root: Path, keys: Path, witness: Path | None = None) -> tuple[int, str]:
    """What a stranger is told of a proof."""
    file, on = root / "proof.json", console(200)
    file.write_text(json.dumps(proof))
    return command.check_proof(on, file, keys, witness), said(on)


def test_a_stranger_checks_both_proofs_with_a_public_key_alone(vault: Vault, tmp_path: Path) -> None:
    on, keys = console(), public_folder(vault.home)
    assert command.prove_entry(on, 3) == 0
    status, told = checked(json.loads(said(on)), tmp_path, keys)
    assert status == 0
    assert told.startswith(
        "proved: entry 3 (grant of components/zone_hourly_mobility, 2026-11-24 12:00Z) is in the log"
    )
    status, told = checked(growing(vault), tmp_path, keys, witness_of(vault.home))
    assert status == 0 and "the log of 6 entries" in told and "begins with the log of 3 entries" in told


def test_a_proof_that_was_altered_or_signed_by_somebody_else_is_refused(vault: Vault, tmp_path: Path) -> None:
    proof, keys = growing(vault), public_folder(vault.home)
    altered = [
        {**proof, "path": proof["path"][:-1]},
        {**proof, "path": ["00" * 32, *proof["path"][1:]]},
        {**proof, "old": {**proof["old"], "size": 2}},
        {**proof, "new": {**proof["new"], "root": "00" * 32}},
        {**proof, "old": proof["new"], "new": proof["old"]},
        {},
    ]
    for each in altered:
        assert checked(each, tmp_path, keys)[0] == 1
    others = public_folder(empty_vault(tmp_path / "other").home)
    log_checks(empty_vault(tmp_path / "third"), 1)
    with pytest.raises(JinkuError, match="no_public_key"):
        checked(proof, tmp_path, others)
    assert checked(proof, tmp_path, public_folder(Home(tmp_path / "third")))[0] == 1


def test_a_proof_from_a_checkpoint_that_the_stranger_never_saw_is_refused(vault: Vault, tmp_path: Path) -> None:
    """A log with two pasts can prove each of them: what was kept elsewhere tells which one was shown before."""
    kept = tmp_path / "kept.jsonl"
    lines = witness_of(vault.home).read_text().splitlines(keepends=True)
    kept.write_text("".join(line for line in lines if '"size":3,' not in line))
    status, told = checked(growing(vault), tmp_path, public_folder(vault.home), kept)
    assert status == 1 and "not proved: the log of 3 entries" in told and "does not stand in" in told
    assert checked(growing(vault), tmp_path, public_folder(vault.home), tmp_path / "none")[0] == 1


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_what_is_no_proof_is_told(vault: Vault, tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text)
    for name in ("proof.json", "none.json"):
        with pytest.raises(JinkuError, match="proof_unreadable"):
            command.check_proof(console(), tmp_path / name, public_folder(vault.home), None)


def test_the_command_line_proves_to_who_has_nothing_of_ours(vault: Vault, tmp_path: Path) -> None:
    """Two proofs over a pipe, checked by what RFC 6962 says and nothing of this project, and by `jinku` elsewhere."""
    keys = Path(shutil.copytree(public_folder(vault.home), tmp_path / "keys"))
    elsewhere = tmp_path / "elsewhere"
    for arguments in (["3"], ["--since", "3"]):
        proved = jinku(vault.home.root, "blackbox", "prove", *arguments)
        assert proved.returncode == 0, proved.stderr
        proof = json.loads(proved.stdout)
        (tmp_path / "proof.json").write_text(proved.stdout)
        assert proves_by_the_rfc(proof, keys)
        checked = jinku(elsewhere, "blackbox", "check", str(tmp_path / "proof.json"), "--keys", str(keys))
        assert checked.returncode == 0 and checked.stdout.startswith("proved: "), checked.stderr
        (tmp_path / "proof.json").write_text(proved.stdout.replace('"path": [', '"path": ["00", '))
        refused = jinku(elsewhere, "blackbox", "check", str(tmp_path / "proof.json"), "--keys", str(keys))
        assert refused.returncode == 1 and refused.stdout.startswith("not proved: ")
    assert not elsewhere.exists(), "a stranger has no home, and gets none"


@pytest.mark.parametrize("arguments", [[], ["3", "--since", "3"]])
def test_what_is_to_be_proved_is_said_once(vault: Vault, arguments: list[str]) -> None:
    asked = jinku(vault.home.root, "blackbox", "prove", *arguments)
    assert asked.returncode == 2 and "give the number of an entry, or --since" in asked.stderr


def proves_by_the_rfc(proof: dict[str, Any], keys: Path) -> bool:
    """RFC 9162 §2.1.3.2 and §2.1.4.2, the algorithms for verifiers, over the JSON that was printed."""

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\1" + left + right).digest()

    def plain(document: dict[str, Any]) -> bytes:
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def is_signed(checkpoint: dict[str, Any]) -> bool:
        signature = bytes.fromhex(checkpoint["signature"]["value"])
        told = plain({name: value for name, value in checkpoint.items() if name != "signature"})
        key = load_pem_public_key((keys / f"{checkpoint['signature']['key_id']}.pem").read_bytes())
        assert isinstance(key, Ed25519PublicKey)
        key.verify(signature, told)
        return True

    path = [bytes.fromhex(each) for each in proof["path"]]
    if "entry" in proof:
        index, last = proof["entry"]["index"], proof["checkpoint"]["size"] - 1
        found = hashlib.sha256(b"\0" + plain(proof["entry"])).digest()
        for each in path:
            if index & 1 or index == last:
                found = node(each, found)
                while not index & 1 and index:
                    index, last = index >> 1, last >> 1
            else:
                found = node(found, each)
            index, last = index >> 1, last >> 1
        return last == 0 and found.hex() == proof["checkpoint"]["root"] and is_signed(proof["checkpoint"])
    old, new = proof["old"], proof["new"]
    if old["size"] & (old["size"] - 1) == 0:
        path.insert(0, bytes.fromhex(old["root"]))
    index, last = old["size"] - 1, new["size"] - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    earlier = later = path[0]
    for each in path[1:]:
        if index & 1 or index == last:
            earlier, later = node(each, earlier), node(each, later)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            later = node(later, each)
        index, last = index >> 1, last >> 1
    is_right = (earlier.hex(), later.hex(), last) == (old["root"], new["root"], 0)
    return is_right and is_signed(old) and is_signed(new)


def test_entries_are_shown_without_their_payloads(vault: Vault) -> None:
    on = console()
    command.show_black_box(on, None, None, 20, False)
    lines = said(on).splitlines()
    assert lines[0].split() == ["entry", "at", "(UTC)", "kind", "subject", "actor"]
    assert lines[4].split() == [
        "3",
        "2026-11-24",
        "12:00",
        "grant",
        "components/zone_hourly_mobility",
        "person:li.wei",
    ]
    assert lines[-1] == "6 of 6 entries" and PERSONAL not in said(on)
    assert "components/[bold]resident_health_features[/]" in said(console_of(width=120))
    assert max(len(line) for line in lines) <= 80


def console_of(width: int) -> Console:
    on = console(width)
    command.show_black_box(on, None, None, 20, False)
    return on


def test_entries_are_chosen_by_kind_and_subject(vault: Vault) -> None:
    for kind, subject, last, count in ((None, None, 2, 2), ("check", None, 20, 3), ("check", "component_1", 20, 1)):
        on = console()
        command.show_black_box(on, kind, subject, last, False)
        assert said(on).splitlines()[-1] == f"{count} of 6 entries"
    on = console()
    command.show_black_box(on, "trade", None, 20, False)
    assert said(on) == "0 of 6 entries\n"


def test_payloads_are_shown_to_who_asks_for_them(vault: Vault) -> None:
    on = console(160)
    command.show_black_box(on, None, None, 20, True)
    assert PERSONAL in said(on) and "payload erased" in said(on)


def test_a_kind_that_is_none_is_told(vault: Vault) -> None:
    with pytest.raises(JinkuError, match=r"unknown_name: .*'checks'; did you mean 'check'\?"):
        command.show_black_box(console(), "checks", None, 20, False)


def test_before_anything_was_recorded_looking_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    for look in (
        lambda: command.verify_black_box(console(), None, None),
        lambda: command.prove_entry(console(), 0),
        lambda: command.prove_since(console(), 1),
        lambda: command.show_black_box(console(), None, None, 20, False),
    ):
        with pytest.raises(JinkuError, match="nothing_recorded"):
            look()
    assert list(Home(tmp_path).root.iterdir()) == []
