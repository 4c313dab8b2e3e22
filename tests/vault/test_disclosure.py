"""Released sets are compared as keyed hashes, no combination of releases tells of a few, no budget is exceeded."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOON, PROJECT, column, fresh_vault, rows
from vault.contract import ComponentContract
from vault.disclosure import linear_queries
from vault.disclosure.budgets import Loss, Query, commit, give_back, reserve, spends_of, spent
from vault.disclosure.entities import NEW, CloseCells, Comparison, EntityQuery, compare, keep_entities
from vault.disclosure.ledger import (
    DisclosedSet,
    EntitySet,
    earlier_sets,
    record_release,
    related_sets,
    scope_as,
    scope_of,
    sets_of_kind,
    sets_of_other_kinds,
)
from vault.disclosure.linear_queries import Atom, TooLarge, blocks, isolates
from vault.disclosure.noise import Cells, Range, noisy_counts, noisy_means, noisy_sums
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.registry.database import open_registry

SCOPE = "rows of person"
SOURCES = ("residents", "visits")
LIMIT = Loss(Decimal(4), Decimal("0.000001"))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return fresh_vault(tmp_path, {})


def of(people: Iterable[int], kind: str = "person") -> EntityQuery:
    """The query of these people, without cells."""
    values = ", ".join(f"('p{number}')" for number in people)
    return EntityQuery(f"select * from (values {values}) as people (entity)", (), kind)


def in_cells(cells: dict[str, Iterable[int]]) -> EntityQuery:
    values = ", ".join(f"('{cell}', 'p{number}')" for cell, people in cells.items() for number in people)
    return EntityQuery(f"select * from (values {values}) as people (cell, entity)", (), "person", has_cells=True)


def earlier(
    vault: Vault, sources: Sequence[str] = SOURCES, scope: str = SCOPE, component: str = "features"
) -> tuple[DisclosedSet, ...]:
    with open_registry(vault.home).begin() as connection:
        return earlier_sets(connection, sources, scope, component)


def release(vault: Vault, release_id: str, query: EntityQuery, sources: Sequence[str] = SOURCES) -> None:
    """Release a set as it is done: compared, kept, recorded."""
    known = earlier(vault, sources)
    kept = keep_entities(vault, release_id, SCOPE, query)
    with open_registry(vault.home).begin() as connection:
        disclosed = DisclosedSet(release_id, SCOPE, "features", kept)
        record_release(connection, disclosed, sources, [each.release_id for each in known], NOON)


def compared(vault: Vault, query: EntityQuery, below: int = 11) -> Comparison:
    return compare(vault, query, earlier(vault), below)


def test_a_first_release_is_compared_with_nothing(vault: Vault) -> None:
    assert compared(vault, of(range(20))) == Comparison(20, 11, (), ())
    assert not vault.home.layer("entities").exists(), "looking writes nothing"


def test_differences_are_counted_both_ways(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    (found,) = compared(vault, of(range(1, 32))).differences
    assert (found.release_id, found.component) == ("r1", "features")
    assert (found.only_new, found.only_earlier, found.smallest_in_cell) == (12, 1, 1)
    (same,) = compared(vault, of(range(20))).differences
    assert (same.only_new, same.only_earlier, same.smallest_in_cell) == (0, 0, 0)


def test_the_fewest_entities_of_a_cell_are_counted(vault: Vault) -> None:
    found = compared(vault, in_cells({"north": range(15), "south": [*range(10, 20), 10]}))
    assert (found.entities, found.cells, found.smallest_cell, found.memberships) == (20, 2, 10, 25)


def test_a_cell_may_differ_by_one_where_the_whole_does_not(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(15), "south": range(15, 30)}))
    (moved,) = compared(vault, in_cells({"north": range(14), "south": range(14, 30)})).differences
    assert (moved.only_new, moved.only_earlier, moved.smallest_in_cell) == (0, 0, 1)


def test_repeats_and_the_type_of_an_entity_do_not_matter(vault: Vault) -> None:
    release(vault, "r1", EntityQuery("select range as entity from range(20)", (), "person"))
    again = EntityQuery("select cast(range % 20 as varchar) as entity from range(90)", (), "person")
    (same,) = compared(vault, again).differences
    assert (same.only_new, same.only_earlier) == (0, 0)


def test_an_entity_query_reads_layers(vault: Vault) -> None:
    with connect(vault, write="components") as connection:
        connection.execute("create table components.people as select 'p' || range as person from range(20)")
    release(vault, "r1", EntityQuery("select person as entity from components.people", ("components",), "person"))
    (same,) = compared(vault, of(range(20))).differences
    assert (same.only_new, same.only_earlier) == (0, 0)


def test_only_releases_of_the_same_sources_and_scope_are_earlier_ones(vault: Vault) -> None:
    release(vault, "r1", of(range(20)), ["residents"])
    release(vault, "r2", of(range(20)), ["taxis"])
    assert [each.release_id for each in earlier(vault, ["residents", "visits"])] == ["r1"]
    assert earlier(vault, ["residents"], "patients by district", "another") == ()
    assert [each.release_id for each in earlier(vault, ["residents", "taxis"])] == ["r1", "r2"]


def test_a_component_whose_columns_were_renamed_is_compared_with_its_own_releases_all_the_same(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(20)}))
    renamed = earlier(vault, scope="cases by quarter", component="features")
    (found,) = compare(vault, in_cells({"north": range(19)}), renamed, 11).differences
    assert (found.release_id, found.only_earlier) == ("r1", 1)
    kept = keep_entities(vault, "r2", "cases by quarter", in_cells({"north": range(19)}))
    disclosed = DisclosedSet("r2", "cases by quarter", "features", kept)
    with open_registry(vault.home).begin() as connection, pytest.raises(JinkuError, match="release_not_compared"):
        record_release(connection, disclosed, SOURCES, [], NOON)


def beside_others(vault: Vault, query: EntityQuery, lineage: str = "") -> tuple[CloseCells, ...]:
    """What cells tell beside those of every release of the sources, whatever it counts by."""
    with open_registry(vault.home).begin() as connection:
        others = sets_of_kind(connection, SOURCES, "person")
    return compare(vault, replace(query, lineage=lineage), (), 11, others).close


def test_cells_under_other_names_are_compared_as_the_sets_they_are(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(20), "south": range(20, 40)}))
    assert beside_others(vault, in_cells({"a": range(20), "b": range(20, 40)})) == ()
    (found,) = beside_others(vault, in_cells({"a": range(19), "b": range(20, 40)}))
    assert (found.release_id, found.component, found.fewest) == ("r1", "features", 1)
    (swapped,) = beside_others(vault, in_cells({"south": range(19), "north": range(19, 40)}))
    assert swapped.fewest == 1
    assert beside_others(vault, in_cells({"a": range(100, 120), "b": range(9)})) == (), "nobody is in both"


def test_a_cell_is_compared_with_those_that_make_it_up(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(20), "south": range(20, 40)}))
    assert beside_others(vault, in_cells({"city": range(40)})) == ()
    for city in (range(41), range(39), range(1, 40)):
        (found,) = beside_others(vault, in_cells({"city": city}))
        assert found.fewest == 1
    assert beside_others(vault, in_cells({"city": range(51)})) == ()


def test_cells_that_make_up_an_earlier_one_are_compared_with_it(vault: Vault) -> None:
    release(vault, "r1", in_cells({"city": range(40)}))
    assert beside_others(vault, in_cells({"north": range(20), "south": range(20, 40)})) == ()
    assert beside_others(vault, in_cells({"north": range(20), "south": range(20, 39)}))[0].fewest == 1


def test_parts_that_share_somebody_add_up_to_nothing(vault: Vault) -> None:
    release(vault, "r1", in_cells({"april": range(25), "may": range(15, 39)}))
    assert beside_others(vault, in_cells({"spring": range(40)})) == ()


def test_the_names_of_cells_are_relied_on_where_the_lineage_is_the_same(vault: Vault) -> None:
    days = in_cells({"monday": range(20)})
    kept = keep_entities(vault, "r1", "patients by day", days)
    with open_registry(vault.home).begin() as connection:
        disclosed = DisclosedSet("r1", "patients by day", "days", kept, "count by day")
        record_release(connection, disclosed, SOURCES, [], NOON)
        found = earlier_sets(connection, SOURCES, "people by date", "others", "count by day")
        assert [each.release_id for each in found] == ["r1"]
        assert earlier_sets(connection, SOURCES, "people by date", "others") == ()
    tuesday = in_cells({"tuesday": range(1, 21)})
    assert beside_others(vault, tuesday, "count by day") == ()
    assert beside_others(vault, tuesday, "count by another") != ()


def test_too_many_cells_are_refused_and_not_skipped(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    release(vault, "r1", in_cells({"north": range(20), "south": range(20, 40)}))
    monkeypatch.setattr("vault.disclosure.entities.PAIRS_MAX", 39)
    with pytest.raises(JinkuError, match=r"entities_unusable: .* meet in more than 39 memberships"):
        beside_others(vault, in_cells({"city": range(40)}))


def test_a_release_of_another_scope_that_came_after_the_review_refuses_the_record(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(20)}))
    kept = keep_entities(vault, "r2", "people by place", in_cells({"a": range(19)}))
    with open_registry(vault.home).begin() as connection, pytest.raises(JinkuError, match="release_not_compared"):
        record_release(connection, DisclosedSet("r2", "people by place", "other", kept), SOURCES, [], NOON)


def test_a_release_of_another_kind_that_came_after_the_review_refuses_the_record_too(vault: Vault) -> None:
    release(vault, "r1", of(range(20), "enterprise"))
    kept = keep_entities(vault, "r2", SCOPE, of(range(20)))
    disclosed = DisclosedSet("r2", SCOPE, "others", kept)
    with open_registry(vault.home).begin() as connection, pytest.raises(JinkuError, match="release_not_compared"):
        record_release(connection, disclosed, SOURCES, [], NOON)


def test_one_release_is_on_record_under_several_kinds_and_compared_by_any_of_them(vault: Vault) -> None:
    scopes = {"visit": SCOPE, "person": scope_as(SCOPE, "person")}
    with open_registry(vault.home).begin() as connection:
        for kind, scope in scopes.items():
            kept = keep_entities(vault, "r1", scope, of(range(20), kind))
            record_release(connection, DisclosedSet("r1", scope, "features", kept), SOURCES, [], NOON)
        assert [each.scope for each in sets_of_kind(connection, SOURCES, "person")] == [scopes["person"]]
        assert sets_of_other_kinds(connection, SOURCES, ["person"]) == ()
        assert len(sets_of_other_kinds(connection, SOURCES, ["enterprise"])) == 2
        assert sets_of_other_kinds(connection, ["taxis"], ["enterprise"]) == ()


def test_a_scope_told_as_another_kind_counts_the_same_by_the_same(vault: Vault) -> None:
    with open_registry(vault.home).begin() as connection:
        kept = keep_entities(vault, "r1", "k", of(range(20)))
        scope = scope_as("patients by clinic", "person")
        record_release(connection, DisclosedSet("r1", scope, "weekly", kept), SOURCES, [], NOON)
        (found,) = related_sets(connection, SOURCES, contract("aggregate", countColumns=["patients"]))
    assert found.scope == "patients by clinic as person"


def test_no_entity_lies_in_the_clear_or_as_a_hash_that_others_can_make(vault: Vault, tmp_path: Path) -> None:
    release(vault, "r1", of([7734]))
    found = rows(vault, "select cell || entity from entities.membership", "entities")
    other = fresh_vault(tmp_path / "other", {})
    release(other, "r1", of([7734]))
    assert found != rows(other, "select cell || entity from entities.membership", "entities"), "another key"
    for file in (vault.home.layer("entities"), vault.home.registry / "registry.sqlite"):
        assert b"p7734" not in file.read_bytes()


def test_keeping_a_set_again_replaces_it(vault: Vault) -> None:
    first = keep_entities(vault, "r1", SCOPE, of(range(20)))
    assert keep_entities(vault, "r1", SCOPE, of(range(30))).memberships == 30
    assert keep_entities(vault, "r1", SCOPE, of(reversed(range(20)))) == first, "whatever the order"


LAST = "where entity = (select max(entity) from entities.membership)"


@pytest.mark.parametrize(
    "change",
    [
        f"delete from entities.membership {LAST}",
        f"update entities.membership set entity = 'x'::blob {LAST}",
        "delete from entities.membership",
    ],
)
def test_a_set_that_is_not_as_recorded_refuses(vault: Vault, change: str) -> None:
    release(vault, "r1", of(range(20)))
    with connect(vault, write="entities") as connection:
        connection.execute(change)
    with pytest.raises(JinkuError, match=r"entities_unusable: .*r1 is not as it was recorded"):
        compared(vault, of(range(20)))


def test_a_layer_of_entities_that_is_gone_refuses(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    with connect(vault, write="entities") as connection:
        connection.execute("drop table entities.membership")
    with pytest.raises(JinkuError, match=r"entities_unusable: .*the sets of earlier releases are gone"):
        compared(vault, of(range(20)))
    vault.home.layer("entities").unlink()
    with pytest.raises(JinkuError, match=r"entities_unusable: .*the layer of entities is gone"):
        compared(vault, of(range(20)))


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        (of(range(20), kind="features pseudonym"), "names entities as 'person', not 'features pseudonym'"),
        (EntityQuery("select nothing from nowhere", (), "person"), "the query of entities failed"),
        (EntityQuery("select 'x' as somebody", (), "person"), "the query of entities failed"),
        (EntityQuery("select * from (values ('p1'), (null)) as t (entity)", (), "person"), "1 rows .* name nobody"),
    ],
)
def test_a_query_that_does_not_tell_who_refuses(vault: Vault, query: EntityQuery, cause: str) -> None:
    release(vault, "r1", of(range(20)))
    with pytest.raises(JinkuError, match=f"entities_unusable: .*{cause}"):
        compared(vault, query)


def test_a_release_that_came_after_the_review_refuses_the_record(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    kept = keep_entities(vault, "r2", SCOPE, of(range(21)))
    disclosed = DisclosedSet("r2", SCOPE, "features", kept)
    with (
        pytest.raises(JinkuError, match="release_not_compared: 1 releases"),
        open_registry(vault.home).begin() as connection,
    ):
        record_release(connection, disclosed, SOURCES, [], NOON)
    assert [each.release_id for each in earlier(vault)] == ["r1"]


def test_a_record_without_sources_or_zone_makes_no_sense(vault: Vault) -> None:
    disclosed = DisclosedSet("r1", SCOPE, "features", EntitySet("person", 1, "0"))
    with open_registry(vault.home).begin() as connection:
        with pytest.raises(ValueError, match="at least one source"):
            record_release(connection, disclosed, [], [], NOON)
        with pytest.raises(ValueError, match="a time without a zone"):
            record_release(connection, disclosed, SOURCES, [], datetime(2026, 11, 24))


@pytest.mark.parametrize(
    "statement",
    ["update disclosed_set set memberships = 0", "delete from disclosed_set", "delete from disclosed_source"],
)
def test_nothing_on_record_can_be_changed(vault: Vault, statement: str) -> None:
    release(vault, "r1", of(range(20)))
    with (
        open_registry(vault.home).begin() as connection,
        pytest.raises(sa.exc.IntegrityError, match="is never changed"),
    ):
        connection.exec_driver_sql(statement)


def contract(subject: str, **changes: Any) -> ComponentContract:
    counted = column("patients", logicalType="integer", role="measure")
    return ComponentContract.model_validate(
        {
            "title": {"en": "a", "zh": "b"},
            "description": "c",
            "applicationField": "livelihood",
            "form": "custom",
            "subject": subject,
            "grain": ["week", "clinic"],
            "columns": [column("clinic"), column("week"), counted],
            "purpose": "d",
            "permittedUses": ["e"],
            "refreshPeriod": "yearly",
            "cost": {"developmentFen": 1},
            "pricing": {},
            "owner": "team:health",
            "provider": "f",
            "rights": {"holding": "g", "processing": "h"},
            **changes,
        }
    )


def test_the_scope_is_what_is_counted_by_what() -> None:
    assert scope_of(contract("person")) == scope_of(contract("person", grain=["clinic"])) == SCOPE
    assert scope_of(contract("aggregate", countColumns=["patients"])) == "patients by clinic, week"
    assert scope_of(contract("aggregate")) == "rows by clinic, week"


def test_totals_and_their_cells_are_related_whichever_came_first(vault: Vault) -> None:
    cells = contract("aggregate", countColumns=["patients"])
    totals = contract("aggregate", countColumns=["patients"], grain=["week"])
    kept, seen = EntitySet("person", 1, "0"), ["r1", "r2"]
    with open_registry(vault.home).begin() as connection:
        for name, of_contract in (("r1", cells), ("r2", totals), ("r3", contract("person"))):
            record_release(connection, DisclosedSet(name, scope_of(of_contract), name, kept), SOURCES, seen, NOON)
        found = [
            [each.release_id for each in related_sets(connection, SOURCES, asked)]
            for asked in (cells, totals, contract("person"), contract("aggregate", grain=["week"]))
        ]
        assert found == [["r2"], ["r1"], [], []]
        assert related_sets(connection, ["taxis"], cells) == ()


def test_totals_under_other_names_are_related_by_their_lineage(vault: Vault) -> None:
    cells, kept = contract("aggregate", countColumns=["patients"]), EntitySet("person", 1, "0")
    with open_registry(vault.home).begin() as connection:
        totals = DisclosedSet("r1", "people by date", "totals", kept, "c1 by g1 as q1")
        record_release(connection, totals, SOURCES, [], NOON)
        found = [
            len(related_sets(connection, SOURCES, cells, lineage))
            for lineage in ("c1 by g1, g2 as q2", "c1 by g1 as q2", "c2 by g1, g2 as q1", "c1 by g2, g3 as q1", "")
        ]
    assert found == [1, 0, 0, 0, 0]


def test_three_releases_tell_what_no_two_do(vault: Vault) -> None:
    """20 and 20 others, then both and one more: the third less the two others is one person."""
    release(vault, "r1", of(range(20)))
    release(vault, "r2", of(range(20, 40)))
    found = compared(vault, of(range(41)))
    assert all(each.only_new >= 11 and each.only_earlier == 0 for each in found.differences)
    assert any(isolates(atoms, 11, NEW) for atoms in found.atoms)
    assert not any(isolates(atoms, 11, NEW) for atoms in compared(vault, of(range(40))).atoms)


def test_atoms_are_told_of_the_whole_and_of_each_cell_with_a_small_one(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(15), "south": range(15, 30)}))
    found = compared(vault, in_cells({"north": range(15), "south": range(15, 31)})).atoms
    both = Atom(frozenset({NEW, 0}), 30)
    assert [set(cell) for cell in found] == [
        {both, Atom(frozenset({NEW}), 1)},
        {replace(both, entities=15), Atom(frozenset({NEW}), 1)},
    ]
    assert compared(vault, in_cells({"north": range(15), "south": range(15, 30)})).atoms == ()


def rank(vectors: Sequence[Sequence[int]]) -> int:
    left, found = [list(map(Fraction, each)) for each in vectors], 0
    for place in range(len(left[0]) if left else 0):
        pivot = next((each for each in left if each[place]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        found += 1
        left = [
            [value - each[place] / pivot[place] * other for value, other in zip(each, pivot, strict=True)]
            for each in left
        ]
    return found


def isolates_by_hand(atoms: Sequence[Atom], group_minimum: int) -> bool:
    """Every group of atoms with few entities: does the rank fall when they are taken out?"""
    queries = sorted({query for atom in atoms for query in atom.queries})
    matrix = [[int(query in atom.queries) for atom in atoms] for query in queries]
    for size in range(1, len(atoms) + 1):
        for chosen in itertools.combinations(range(len(atoms)), size):
            if sum(atoms[place].entities for place in chosen) < group_minimum:
                outside = [[v for place, v in enumerate(row) if place not in chosen] for row in matrix]
                if rank(outside) < rank(matrix):
                    return True
    return False


patterns = st.frozensets(st.integers(0, 4), min_size=1)
partitions = st.dictionaries(patterns, st.integers(1, 8), min_size=1, max_size=7)


@settings(deadline=None, max_examples=150)
@given(partitions, st.integers(2, 12))
def test_a_combination_is_found_where_there_is_one(sizes: dict[frozenset[int], int], group_minimum: int) -> None:
    atoms = [Atom(queries, entities) for queries, entities in sizes.items()]
    assert isolates(atoms, group_minimum) == isolates_by_hand(atoms, group_minimum)
    assert any(isolates(block, group_minimum) for block in blocks(atoms)) == isolates(atoms, group_minimum)


@settings(deadline=None, max_examples=50)
@given(partitions, st.integers(2, 12))
def test_what_adds_nothing_new_is_no_disclosure(sizes: dict[frozenset[int], int], group_minimum: int) -> None:
    copied = [Atom(queries | ({9} if 0 in queries else set()), entities) for queries, entities in sizes.items()]
    assert not isolates(copied, group_minimum, new=9), "9 is the same total as 0"


def test_too_many_totals_or_groups_are_refused_and_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="65 totals over 65 groups"):
        isolates([Atom(frozenset({query}), 20) for query in range(65)], 11)
    ring = [Atom(frozenset({place, (place + 1) % 60, (place + 2) % 60}), 1) for place in range(60)]
    monkeypatch.setattr(linear_queries, "SUBSETS_MAX", 10)
    with pytest.raises(TooLarge, match="more than 10 groups of few"):
        isolates(ring, 2)


def query(epsilon: str = "1", query_id: str = "q1", sources: Sequence[str] = ("visits",), **changes: Any) -> Query:
    loss = Loss(Decimal(epsilon), changes.pop("delta", Decimal(0)))
    return Query(query_id, changes.pop("component", "burden"), tuple(sources), changes.pop("unit", "person"), loss)


def test_a_budget_is_reserved_and_then_committed(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query(sources=SOURCES), LIMIT, NOON)
    with registry.begin() as connection:
        assert spent(connection, "visits", "person", 2026) == (1, 0)
        assert [each.state for each in spends_of(connection, ["q1"])] == ["reserved", "reserved"]
        commit(connection, "q1")
    with registry.begin() as connection:
        assert [(each.source, each.state, each.loss.epsilon) for each in spends_of(connection, ["q1"])] == [
            ("residents", "committed", 1),
            ("visits", "committed", 1),
        ]
        assert spent(connection, "residents", "person", 2026) == (1, 0)


def test_a_budget_is_given_back_once_where_the_query_failed(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query(), LIMIT, NOON)
    with registry.begin() as connection:
        assert spent(connection, "visits", "person", 2026) == (1, 0)
        give_back(connection, "q1")
        assert spent(connection, "visits", "person", 2026) == (0, 0)
        for settle in (give_back, commit):
            with pytest.raises(JinkuError, match="privacy_query_known: the query has nothing reserved"):
                settle(connection, "q1")
        assert spent(connection, "visits", "person", 2026) == (0, 0)


def test_a_budget_that_was_spent_is_never_given_back(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query(), LIMIT, NOON)
        commit(connection, "q1")
    with registry.begin() as connection, pytest.raises(JinkuError, match="privacy_query_known"):
        give_back(connection, "q1")
    with (
        registry.begin() as connection,
        pytest.raises(sa.exc.IntegrityError, match="a row of privacy_spend is never changed"),
    ):
        connection.exec_driver_sql("update privacy_spend set state = 'released'")
    with registry.begin() as connection:
        assert spent(connection, "visits", "person", 2026) == (1, 0)


def test_a_query_runs_once(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query(), LIMIT, NOON)
        commit(connection, "q1")
    with pytest.raises(JinkuError, match="privacy_query_known: the query was run before"), registry.begin() as again:
        reserve(again, query(), LIMIT, NOON)


def test_the_last_part_of_a_budget_can_be_spent_and_nothing_beyond(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query("3.9"), LIMIT, NOON)
    for more, told in (("0.100001", True), ("0.1", False), ("0.000001", True)):
        with registry.begin() as connection:
            if told:
                with pytest.raises(JinkuError, match=r"privacy_budget_spent: .* are too much"):
                    reserve(connection, query(more, f"too much {more}"), LIMIT, NOON)
            else:
                reserve(connection, query(more, "last"), LIMIT, NOON)
    with registry.begin() as connection:
        assert spent(connection, "visits", "person", 2026)[0] == 4


def test_losses_are_rounded_up(vault: Vault) -> None:
    assert Loss(Decimal("0.0000001")).epsilon_micro == 1
    assert Loss(Decimal(1), Decimal("1e-13")).delta_pico == 1


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "inf"])
def test_a_loss_that_is_none_is_refused(epsilon: str) -> None:
    with pytest.raises(ValueError, match="no privacy loss"):
        query(epsilon)


def test_delta_has_a_budget_too(vault: Vault) -> None:
    with open_registry(vault.home).begin() as connection:
        reserve(connection, query(delta=Decimal("0.0000006")), LIMIT, NOON)
        with pytest.raises(JinkuError, match="privacy_budget_spent"):
            reserve(connection, query(query_id="q2", delta=Decimal("0.0000006")), LIMIT, NOON)


def test_each_source_unit_and_year_has_its_own_budget(vault: Vault) -> None:
    with open_registry(vault.home).begin() as connection:
        reserve(connection, query("4"), LIMIT, NOON)
        reserve(connection, query("4", "q2", ["trips"]), LIMIT, NOON)
        reserve(connection, query("4", "q3", unit="enterprise"), LIMIT, NOON)
        reserve(connection, query("4", "q4"), LIMIT, NOON + timedelta(days=60))
        eastern = datetime(2027, 1, 1, 7, tzinfo=UTC).astimezone()
        assert spent(connection, "visits", "person", eastern.astimezone(UTC).year)[0] == 4


def test_one_source_without_budget_refuses_all(vault: Vault) -> None:
    registry = open_registry(vault.home)
    with registry.begin() as connection:
        reserve(connection, query("4"), LIMIT, NOON)
    with pytest.raises(JinkuError, match="privacy_budget_spent"), registry.begin() as connection:
        reserve(connection, query("1", "q2", SOURCES), LIMIT, NOON)
    with registry.begin() as connection:
        assert spent(connection, "residents", "person", 2026) == (0, 0)
        assert spends_of(connection, ["q2"]) == ()


SPENDER = """
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from vault.disclosure.budgets import Loss, Query, commit, reserve
from vault.errors import JinkuError
from vault.home import Home
from vault.registry.database import open_registry
registry, at, done = open_registry(Home(Path(sys.argv[1]))), datetime(2026, 11, 24, tzinfo=UTC), 0
for number in range(12):
    query = Query(f"{sys.argv[2]} {number}", "burden", ("visits",), "person", Loss(Decimal("0.3")))
    try:
        with registry.begin() as connection:
            reserve(connection, query, Loss(Decimal(4)), at)
        done += 1
        if sys.argv[2] == "crash" and done == 3:
            print("inside", flush=True)
            sys.stdin.read()
        with registry.begin() as connection:
            commit(connection, query.query_id)
    except JinkuError as error:
        assert error.code == "privacy_budget_spent"
print(done)
"""


def spender(vault: Vault, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SPENDER, str(vault.home.root), name]
    return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_several_processes_never_exceed_one_budget(vault: Vault) -> None:
    open_registry(vault.home)
    outputs = [process.communicate(timeout=60)[0] for process in [spender(vault, "a"), spender(vault, "b")]]
    assert sum(int(output) for output in outputs) == 13, "13 times 0.3 are 3.9"
    with open_registry(vault.home).begin() as connection:
        assert spent(connection, "visits", "person", 2026)[0] == Decimal("3.9")


def test_what_a_killed_process_reserved_stays_spent(vault: Vault) -> None:
    open_registry(vault.home)
    process = spender(vault, "crash")
    assert process.stdout is not None and process.stdout.readline() == "inside\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    with open_registry(vault.home).begin() as connection:
        assert spent(connection, "visits", "person", 2026)[0] == Decimal("0.9")
        assert [each.state for each in spends_of(connection, ["crash 2"])] == ["reserved"]


VISITS = """
    create table visits as
    select 'p' || (range % 40) as person, ['north', 'south', null][1 + range % 3] as district, range % 7 as cost
    from range(400);
    create table known as from (values ('north'), ('south'), (null), ('west')) as t (district)
"""
EXACTLY = Decimal(10_000)
"""So little noise that whole numbers stay as they are, but for once in e^200."""


def with_visits(asked: Any, entity: str = "person") -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute(VISITS)
        table, known = (ibis_table(connection, "memory", "main", name) for name in ("visits", "known"))
        found: list[dict[str, Any]] = asked(table, lambda most: Cells(entity, ("district",), known, most)).to_pylist()
        return sorted(found, key=lambda row: row["district"] or "")


def test_every_known_cell_is_counted_by_its_entities() -> None:
    found = with_visits(lambda table, cells: noisy_counts(table, cells(3), EXACTLY))
    assert [(row["district"], row["count"]) for row in found] == [
        (None, 40), ("north", 40), ("south", 40), ("west", 0),
    ]  # fmt: skip


def test_an_entity_counts_in_no_more_cells_than_it_may() -> None:
    found = with_visits(lambda table, cells: noisy_counts(table, cells(1), EXACTLY))
    assert sum(row["count"] for row in found) == 40
    nobody = with_visits(lambda table, cells: noisy_counts(table.mutate(person=None), cells(1), EXACTLY))
    assert sum(row["count"] for row in nobody) == 0


def test_what_an_entity_adds_is_brought_into_the_range() -> None:
    wide = with_visits(lambda table, cells: noisy_sums(table, cells(3), "cost", Range(0, 100, 1), EXACTLY))
    narrow = with_visits(lambda table, cells: noisy_sums(table, cells(3), "cost", Range(0, 5, 0.5), EXACTLY))
    with duckdb.connect() as connection:
        connection.execute(VISITS)
        parts = "select district, least(sum(cost), ?) as part from visits group by district, person"
        for found, most in ((wide, 100), (narrow, 5)):
            exact = connection.execute(f"select district, sum(part) from ({parts}) group by 1", [most]).fetchall()
            assert {row["district"]: row["sum"] for row in found} == {**dict(exact), "west": 0}


def test_means_are_those_of_entities_and_none_where_there_is_nobody() -> None:
    found = with_visits(lambda table, cells: noisy_means(table, cells(3), "cost", Range(0, 5, 0.5), EXACTLY))
    assert found[3]["mean"] is None and found[3]["count"] == 0
    assert all(0 < row["mean"] <= 5 for row in found[:3])


def test_noise_is_of_the_size_that_epsilon_asks_for() -> None:
    """Scale most_of_entity / epsilon = 6: over 2,000 empty cells the mean of |noise| is within 10 standard errors."""
    with duckdb.connect() as connection:
        connection.execute("create table visits as select 'p' as person, -1 as cell where false")
        connection.execute("create table known as select range as cell from range(2000)")
        table, known = (ibis_table(connection, "memory", "main", name) for name in ("visits", "known"))
        noise = noisy_counts(table, Cells("person", ("cell",), known, 3), Decimal("0.5"))["count"].to_pylist()
    assert sum(map(abs, noise)) / 2000 == pytest.approx(6, abs=10 * 6 / 2000**0.5)
    assert min(noise) < 0 < max(noise)


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "inf"])
def test_noise_without_epsilon_is_refused(epsilon: str) -> None:
    with pytest.raises(ValueError, match="epsilon must be above 0"):
        with_visits(lambda table, cells: noisy_counts(table, cells(1), Decimal(epsilon)))


@pytest.mark.parametrize("bounds", [(1, 1, 1), (0, 1, 0), (0, float("inf"), 1), (float("nan"), 1, 1), (0, 1e18, 1e-3)])
def test_a_range_that_bounds_nothing_is_refused(bounds: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"no range|too many steps"):
        Range(*bounds)
    with pytest.raises(ValueError, match="1 cell or more"):
        with_visits(lambda table, cells: noisy_counts(table, cells(0), EXACTLY))
