"""A withdrawal reaches the next run: the person's rows are gone from raw upwards, and a new file does not bring them
back."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration.commands.subject import correct_subject, erase_subject, explain_subject, show_subject
from orchestration.dbt import read_manifest
from orchestration.declarations import declarations
from orchestration.erasure import MadeTable, apply_withdrawals, tables_made_from, withdrawals_due
from orchestration.layers import COMPONENTS, LAYER_OF_SCHEMA
from tests.builders import NOON, SMALL, copy_of, jinku, opened, rows
from tests.vault.rights.people import ANN, IDS, collected, logged, people, withdraws
from vault.errors import JinkuError
from vault.layers import Vault, connect
from vault.registry.database import open_registry
from vault.rights.staleness import stale_components

PERSON = """
    select id_number from raw.raw.residents
    inner join (select id_number, count(*) as visits from raw.raw.clinic_visits group by 1) using (id_number)
    where length(id_number) = 18 and visits > 1
    order by id_number limit 1
"""
HEALTH = {"clinic_load_weekly", "district_health_burden", "resident_health_features"}
HELD = {
    "raw/residents",
    "raw/clinic_visits",
    "base/residents",
    "base/clinic_visits",
    "resource/person",
    "resource/visit",
}


def told(command: Any, *arguments: Any) -> str:
    """What a command of the door says."""
    console = Console(file=io.StringIO(), width=120, highlight=False)
    command(console, *arguments)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def at_the_door(monkeypatch: pytest.MonkeyPatch, home: Path, identifier: str) -> None:
    monkeypatch.setenv("JINKU_HOME", str(home))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{identifier}\n"))


def test_a_person_is_erased_from_raw_upwards(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_of(city, tmp_path)
    ((person,),) = rows(opened(home), PERSON)
    before = rows(opened(home), "select count(*) from raw.raw.residents")[0][0]
    at_the_door(monkeypatch, home, person)
    shown = told(show_subject, "residents")
    assert {name for name in HELD if name in shown} == HELD and person not in shown
    at_the_door(monkeypatch, home, person.lower())
    explained = told(explain_subject, "residents")
    assert {name for name in HEALTH if f"{name} " in explained} == HEALTH and "statutory" in explained

    at_the_door(monkeypatch, home, person)
    receipt = tmp_path / "receipt.json"
    told(erase_subject, "residents", True, receipt, datetime.now(UTC))
    assert json.loads(receipt.read_text())["event"]["event_state"] == "withdrawn" and person not in receipt.read_text()
    with open_registry(opened(home).home).connect() as registry:
        assert set(stale_components(registry)) >= HEALTH

    header = rows(opened(home), "select * exclude (_batch, _row, _collected_at) from raw.raw.residents limit 2")
    again = tmp_path / "residents_again.csv"
    lines = [",".join([person, *map(str, header[0][1:])]), ",".join(["440304199912121230", *map(str, header[1][1:])])]
    columns = rows(opened(home), "select column_name from duckdb_columns() where table_name = 'residents'")
    again.write_text("\n".join([",".join(name for (name,) in columns[:-3]), *lines]) + "\n", "gb18030")
    assert jinku(home, "land", str(again)).returncode == 0
    run = jinku(home, "run", *SMALL)
    assert run.returncode == 0, run.stdout + run.stderr

    at_the_door(monkeypatch, home, person)
    after = told(show_subject, "residents")
    assert "nothing is held about this person" in after and "erasure asked" in after
    vault = opened(home)
    gone = rows(vault, "select sum(withdrawn) from raw.vault.batch_tables")[0][0]
    assert gone > 3 and f"+ {gone:,} withdrawn" in jinku(home, "status").stdout
    own = rows(vault, "select sum(withdrawn) from raw.vault.batch_tables where table_name = 'residents'")[0][0]
    assert rows(vault, "select count(*) from raw.raw.residents") == [(before - own + 2,)]
    kept = "select sum(_copies) from warehouse.base.clinic_visits"
    assert rows(vault, kept, "warehouse") == rows(vault, "select count(*) from raw.raw.clinic_visits")
    with connect(vault, read=("raw",)) as connection:
        assert not withdrawals_due(vault, connection, declarations().sources, datetime.now(UTC))


def test_a_correction_goes_to_the_provider(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_of(city, tmp_path)
    at_the_door(monkeypatch, home, ANN)
    said = told(correct_subject, "residents", "phone", None, datetime.now(UTC))
    assert '"x_correction"' in said and "Civil affairs bureau is to deliver the corrected value" in said
    at_the_door(monkeypatch, home, ANN)
    assert "correction of residents.phone asked for on" in told(show_subject, "residents")
    at_the_door(monkeypatch, home, ANN)
    with pytest.raises(JinkuError, match=r"unknown_column: residents has no column 'phones'"):
        correct_subject(Console(file=io.StringIO()), "residents", "phones", None, datetime.now(UTC))


@pytest.mark.parametrize(
    ("source", "identifier", "code"),
    [("resident", ANN, "unknown_name"), ("taxi_trips", ANN, "no_subject"), ("residents", " ", "identifier_missing")],
)
def test_the_door_says_what_it_needs(
    city: Path, monkeypatch: pytest.MonkeyPatch, source: str, identifier: str, code: str
) -> None:
    at_the_door(monkeypatch, city, identifier)
    with pytest.raises(JinkuError, match=code):
        show_subject(Console(file=io.StringIO()), source)


def test_what_rests_on_a_source_follows_from_the_models(city: Path) -> None:
    made = tables_made_from(read_manifest(city / "dbt" / "target" / "manifest.json"), ["residents"])
    names = {(table.layer.name, table.name) for table in made}
    assert {("base", "residents"), ("resource", "person"), ("components", "resident_health_features")} <= names
    assert ("base", "taxi_trips") not in names and ("components", "hire_base_profile") not in names


BASE = MadeTable(LAYER_OF_SCHEMA["base"], "people")
COMPONENT = MadeTable(COMPONENTS, "illness_counts")


def built(vault: Vault) -> None:
    for table in (BASE, COMPONENT):
        database, schema = table.layer.database, table.layer.name
        with connect(vault, write=database, read=("raw",)) as connection:
            connection.execute(f"create schema {database}.{schema}")
            connection.execute(f"create table {database}.{schema}.{table.name} as select * from raw.raw.people")


def tables_above(vault: Vault) -> list[str]:
    found = rows(vault, "select table_name from duckdb_tables() order by 1", "warehouse", "components")
    return [name for (name,) in found]


def test_what_was_made_from_the_rows_is_dropped_and_marked(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    built(vault)
    withdraws(vault, ANN)
    apply_withdrawals(vault, "people", people(), lambda: [BASE, COMPONENT], NOON)
    assert tables_above(vault) == []
    with open_registry(vault.home).connect() as registry:
        assert list(stale_components(registry)) == ["illness_counts"]
    assert [each["subject"] for each in logged(vault, "consent")][1:] == ["people"]


def test_who_was_never_there_changes_nothing_above(tmp_path: Path) -> None:
    vault = collected(tmp_path, people(), IDS[1:])
    built(vault)
    withdraws(vault, ANN)
    assert apply_withdrawals(vault, "people", people(), lambda: [BASE, COMPONENT], NOON) == ()
    assert tables_above(vault) == ["illness_counts", "people"]


@pytest.mark.parametrize("step", ["_drop", "_mark", "shred_erased", "set_state"])
def test_a_kill_at_any_step_is_made_good_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    vault = collected(tmp_path, people())
    built(vault)
    withdraws(vault, ANN, is_erasure=True)

    def killed(*_: Any, **is_done: bool) -> None:
        if step != "set_state" or not is_done["is_pending"]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"orchestration.erasure.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_withdrawals(vault, "people", people(), lambda: [BASE, COMPONENT], NOON)
    with connect(vault, read=("raw",)) as connection:
        assert withdrawals_due(vault, connection, {"people": people()}, NOON) == {"people"}
    apply_withdrawals(vault, "people", people(), lambda: [BASE, COMPONENT], NOON)
    assert tables_above(vault) == []
    with open_registry(vault.home).connect() as registry:
        assert list(stale_components(registry)) == ["illness_counts"]
    with connect(vault, read=("raw",)) as connection:
        assert not withdrawals_due(vault, connection, {"people": people()}, NOON)
