"""`jinku blackbox`: what the person at the terminal reads of the log."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.commands import black_box as command
from tests.builders import NOON
from tests.vault.black_box.logs import empty_vault, log_checks, tamper, witness_of
from vault.black_box.proofs import proves_inclusion
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
        lambda: command.show_black_box(console(), None, None, 20, False),
    ):
        with pytest.raises(JinkuError, match="nothing_recorded"):
            look()
    assert list(Home(tmp_path).root.iterdir()) == []
