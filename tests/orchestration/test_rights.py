"""`jinku rights`: applications are read from a file, decided on by somebody else, and shown with their terms."""

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration.commands.rights import apply_for_right, decide_right, import_consents, lower_grade, show_rights
from orchestration.declarations import declarations
from tests.builders import NOON, fresh_vault
from tests.vault.rights.people import ANN, BOB, pseudonym
from vault.black_box.recording import recording
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.rights.consents import consents_in_force
from vault.rights.declared import confirm_declared

APPLICATION = """\
confirmation: processing
holder: Traffic laboratory
subject: night_rides
resources: [taxi_trips, taxi_zones]
purposes: [transport_planning]
basis: Request 2026/11
validFrom: 2026-11-01
validUntil: 2027-10-31
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path / "home"))
    return fresh_vault(tmp_path / "home", declarations().sources)


def told(command: Any, *arguments: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    command(console, *arguments)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def application(tmp_path: Path, text: str = APPLICATION) -> Path:
    path = tmp_path / "application.yaml"
    path.write_text(text, "utf-8")
    return path


def test_an_application_is_decided_by_somebody_else_and_shown(vault: Vault, tmp_path: Path) -> None:
    assert "no right is on record" in told(show_rights, None, NOON)
    said = told(apply_for_right, application(tmp_path), "person:ann", NOON)
    assert "application 1 on the terms of processing@1" in said
    assert "applied" in told(show_rights, None, NOON)
    with pytest.raises(JinkuError, match="right_self_granted"):
        decide_right(Console(file=io.StringIO()), "grant", 1, "fits", "person:ann", NOON)
    told(decide_right, "grant", 1, "fits", "person:bob", NOON)
    shown = told(show_rights, "night_rides", NOON)
    assert "granted" in shown and "taxi_trips, taxi_zones" in shown and "granted by person:bob" in shown
    told(decide_right, "revoke", 1, "misused", "person:bob", NOON)
    assert "revoked" in told(show_rights, None, NOON)


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        (APPLICATION.replace("holder", "holde"), "did you mean 'holder'"),
        (APPLICATION.replace("basis: Request 2026/11\n", ""), "missing key 'basis'"),
        ("[", "line 1"),
        ("", "line 1: the file is empty"),
    ],
)
def test_a_file_that_is_no_application_says_why(vault: Vault, tmp_path: Path, text: str, told_of: str) -> None:
    with pytest.raises(JinkuError, match=f"right_file: .*{told_of}"):
        apply_for_right(Console(file=io.StringIO()), application(tmp_path, text), "person:ann", NOON)


def test_declared_rights_fit_a_terminal(vault: Vault) -> None:
    known = declarations()
    with recording(vault, NOON) as record:
        confirm_declared(record, known.sources, known.components, NOON, known.products)
    shown = told(show_rights, None, NOON)
    assert max(map(len, shown.splitlines())) <= 80
    assert all(name in shown for name in ("taxi_trips", "hire_base_profile", "no end"))


def test_a_lower_grade_is_recorded_by_name(vault: Vault) -> None:
    said = told(lower_grade, "clinic_load_weekly", "counts of eleven and more", "person:li.wei", NOON, width=120)
    assert "clinic_load_weekly is general from now on, as long as it rests on clinic_visits alone" in said
    with pytest.raises(JinkuError, match="unknown_name: no component is called 'clinic_load'"):
        lower_grade(Console(file=io.StringIO()), "clinic_load", "counts", "person:li.wei", NOON)


def imported(file: Path, source: str = "residents", purposes: tuple[str, ...] = ()) -> str:
    by, until = "person:li.wei", date(2029, 1, 1)
    return told(import_consents, source, file, "7", until, by, purposes, True, False, NOON)


def test_consents_are_hashed_as_they_are_read(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    file.write_text(f"name,id_number\nx,{ANN}\ny,{BOB}\ny,{BOB.upper()}\nz,\n")
    assert "2 consents to residents on record until 2029-01-01" in imported(file)
    purposes = declarations().sources["residents"].permitted_purposes
    with open_registry(vault.home).connect() as registry:
        found = registry.execute(consents_in_force("residents", purposes, NOON + timedelta(days=1)))
        assert {row[0] for row in found} == {pseudonym(vault, ANN), pseudonym(vault, BOB)}
    assert ANN.encode() not in (vault.home.registry / "registry.sqlite").read_bytes()


@pytest.mark.parametrize(
    ("source", "content", "purposes", "code"),
    [
        ("residents", "number\n1\n", (), "consent_file"),
        ("resident", "id_number\n1\n", (), "unknown_name"),
        ("taxi_trips", "id_number\n1\n", (), "no_subject"),
        ("residents", "id_number\n1\n", ("trade",), "unknown_purpose"),
    ],
)
def test_a_file_of_consents_that_cannot_be_taken_says_why(
    vault: Vault, tmp_path: Path, source: str, content: str, purposes: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "consents.csv"
    file.write_text(content)
    with pytest.raises(JinkuError, match=code):
        imported(file, source, purposes)
