"""A person is found wherever they stand: by the number, by the pseudonym, and by that of a component."""

from pathlib import Path

from tests.builders import NOON, rows
from tests.vault.rights.people import ANN, BOB, IDS, LATER, bare_vault, collected, people, pseudonym
from vault.contract import SubjectKey
from vault.layers import Vault, connect
from vault.registry.database import open_registry
from vault.rights.holdings import Place, batches_of, lines_of, rows_of
from vault.rights.pseudonyms import KEY, pseudonym_of, pseudonym_sql
from vault.rights.staleness import mark_stale, stale_components
from vault.rights.withholding import load_subjects

SUBJECT = SubjectKey(kind="person", column="id_number")
ASKED = "(select pseudonym from temp.asked)"


def found(vault: Vault, identifier: str, place: Place) -> int:
    principal = pseudonym(vault, identifier)
    with connect(vault, read=("raw", "warehouse", "components")) as connection:
        load_subjects(connection, "asked", ("pseudonym",), [(principal,)])
        return rows_of(connection, place, SUBJECT, ASKED)


def built(vault: Vault) -> None:
    """A base table with the number, a resource table with the pseudonym, a component with one of its own."""
    person = pseudonym_sql("person", "id_number")
    feature = f"sha256({KEY} || sha256({KEY} || 'features|' || {person}))"
    with connect(vault, write="warehouse", read=("raw",)) as connection:
        connection.execute("create schema warehouse.base")
        connection.execute("create schema warehouse.resource")
        connection.execute("create table warehouse.base.people as select id_number, _batch from raw.raw.people")
        connection.execute(
            f"create table warehouse.resource.person as select {person} as person_id from raw.raw.people"
        )
    with connect(vault, write="components", read=("raw",)) as connection:
        connection.execute("create schema components.components")
        made = f"select {feature} as feature_id from raw.raw.people"
        connection.execute(f"create table components.components.features as {made}")


def test_one_person_is_found_in_every_layer(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    built(vault)
    for place in (
        Place("raw", "raw", "people"),
        Place("warehouse", "base", "people"),
        Place("warehouse", "resource", "person"),
        Place("components", "components", "features"),
    ):
        assert [found(vault, each, place) for each in IDS] == [1] * len(IDS), place.asset
        assert found(vault, "440304199912121234", place) == 0


def test_a_table_that_tells_no_subject_holds_none(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    built(vault)
    assert found(vault, ANN, Place("warehouse", "base", "not_built")) == 0


def test_batches_and_quarantined_lines_are_told(tmp_path: Path) -> None:
    vault = collected(tmp_path, people(), (BOB,), f"{ANN},1985-01-01")
    with connect(vault, read=("raw",)) as connection:
        load_subjects(connection, "asked", ("pseudonym",), [(pseudonym_of(connection, "person", ANN),)])
        assert lines_of(connection, "people", SUBJECT, ASKED) == 1
        load_subjects(connection, "asked", ("pseudonym",), [(pseudonym_of(connection, "person", BOB),)])
        assert lines_of(connection, "people", SUBJECT, ASKED) == 0
        (batch,) = batches_of(connection, Place("raw", "raw", "people"), SUBJECT, ASKED)
    assert rows(vault, "select batch from raw.vault.batches") == [(batch,)]


def test_a_stale_mark_tells_why_and_since_when(tmp_path: Path) -> None:
    vault = bare_vault(tmp_path / "home")
    with open_registry(vault.home).begin() as connection:
        assert stale_components(connection) == {}
        mark_stale(connection, "features", "a subject withdrew", NOON)
        mark_stale(connection, "features", "a subject withdrew again", LATER)
        (mark,) = stale_components(connection).values()
    assert (mark.component, mark.reason, mark.marked_at) == ("features", "a subject withdrew again", LATER)
