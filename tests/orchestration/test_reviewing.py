"""A review is of exactly what there is: what it rests on is looked at again when it changed, and is refused when it
cannot be shown."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.city import City
from orchestration.dbt_assets import Models, parsed_models
from orchestration.declarations import declarations
from orchestration.security import reviewing
from orchestration.security.compiled import compiled_statements
from orchestration.security.entities import common_kinds, entity_query, followed_entity_query
from review.findings import Finding
from review.policy import Policy
from review.records import Review
from tests.builders import column, copy_of, opened
from tests.orchestration.noisy import contract, models_with
from vault.contract import Entities
from vault.disclosure.entities import EntityQuery, compare, keep_entities
from vault.disclosure.ledger import DisclosedSet, record_release
from vault.errors import JinkuError
from vault.home import Home
from vault.layers import connect
from vault.registry.database import open_registry
from vault.rights.pseudonyms import component_pseudonym_sql

NAME = "zone_hourly_mobility"
PATIENTS = "clinic_load_weekly"


@pytest.fixture
def home(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = copy_of(city, tmp_path)
    monkeypatch.setenv("JINKU_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    return home


def models_of(home: Path) -> Models:
    return parsed_models(Home(home), declarations())


def reviewed(home: Path, policy: Policy, name: str = NAME) -> Review:
    with dg.DagsterInstance.get() as storage:
        return reviewing.review_component(
            storage, opened(home), models_of(home), name, policy, {}, "run", datetime.now(UTC)
        ).review


def test_what_did_not_change_is_not_analysed_again_and_another_policy_asks_for_all(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        raise AssertionError("analysed again")

    monkeypatch.setattr(reviewing, "review_model", fails)
    monkeypatch.setattr(reviewing, "review_result", fails)
    policy = City().policy()
    assert reviewed(home, policy).security == 1
    with pytest.raises(AssertionError, match="analysed again"):
        reviewed(home, replace(policy, content_hash="another"))


def test_other_people_behind_the_same_rows_are_looked_at_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(reviewing, "review_result", lambda *given: asked.append(given) or ())
    policy = City().policy()
    reviewed(home, policy, PATIENTS)
    assert not asked
    counted = entity_query(models_of(home), PATIENTS, declarations().components[PATIENTS])
    assert counted is not None
    with connect(opened(home), write="warehouse", read=("components",)) as connection:
        one = f"(select min(entity) from ({counted.statement}))"
        connection.execute(f"update warehouse.resource.visit set person_id = repeat('0', 64) where person_id = {one}")
    reviewed(home, policy, PATIENTS)
    assert len(asked) == 1


@pytest.mark.parametrize(("left_out", "outcome"), [(1, "fail"), (0, "pass")])
def test_one_person_less_under_other_names_of_columns_and_cells_is_refused(
    home: Path, left_out: int, outcome: str
) -> None:
    """Another component of the same visits, released before: its columns and cells are called otherwise."""
    vault, query = opened(home), entity_query(models_of(home), PATIENTS, declarations().components[PATIENTS])
    assert query is not None
    biggest = f"(select cell from ({query.statement}) group by cell order by count(*) desc, cell limit 1)"
    victim = f"(select min(entity) from ({query.statement}) where cell = {biggest})"
    less = f"select entity, 'no. ' || md5(cell) as cell from ({query.statement}) as told"
    if left_out:
        less += f" where not (cell = {biggest} and entity = {victim})"
    kept = keep_entities(vault, "spells@1", "people by place, span", replace(query, statement=less))
    with open_registry(vault.home).begin() as registry:
        disclosed = DisclosedSet("spells@1", "people by place, span", "spells", kept, "c by g as q")
        record_release(registry, disclosed, ["clinic_visits"], [], datetime.now(UTC))
    (found,) = [each for each in reviewed(home, City().policy(), PATIENTS).findings if each.check == "R9_differencing"]
    assert found.outcome == outcome, found.reason
    if left_out:
        assert found.evidence["close_cells"]["spells@1"]["fewest"] == 1


HEALTH = "resident_health_features"


def release_before(home: Path, query: EntityQuery, source: str = "clinic_visits") -> None:
    """Put on record what another component of the same source released before."""
    vault = opened(home)
    kept = keep_entities(vault, "spells@1", "people by place, span", query)
    with open_registry(vault.home).begin() as registry:
        disclosed = DisclosedSet("spells@1", "people by place, span", "spells", kept, "c by g as q")
        record_release(registry, disclosed, [source], [], datetime.now(UTC))


def differencing(home: Path, name: str) -> Finding:
    (found,) = [each for each in reviewed(home, City().policy(), name).findings if each.check == "R9_differencing"]
    return found


@pytest.mark.parametrize(("left_out", "outcome"), [(1, "fail"), (0, "pass")])
def test_pseudonyms_of_ones_own_are_held_against_the_same_people_under_the_vaults(
    home: Path, left_out: int, outcome: str
) -> None:
    """The component counts its own pseudonyms, the earlier release persons: they differ by one person."""
    with dg.DagsterInstance.get() as storage:
        statements = compiled_statements(Home(home), storage, models_of(home), HEALTH)
    query = followed_entity_query(models_of(home), HEALTH, declarations().components[HEALTH], statements)
    assert query is not None and query.kind == HEALTH
    (persons,) = common_kinds(models_of(home), HEALTH, statements, query)
    assert persons.kind == "person"
    less = f"select entity from ({persons.statement}) order by entity offset {left_out}"
    release_before(home, replace(persons, statement=less))
    found = differencing(home, HEALTH)
    assert found.outcome == outcome, found.reason
    if left_out:
        assert found.reason.startswith("told as persons, cells subtracted from those of spells@1")
        assert (found.evidence["kind"], found.evidence["close_cells"]["spells@1"]["fewest"]) == ("person", 1)
    else:
        assert set(found.evidence["other_kinds"]) == {"person"} and not found.evidence["uncompared"]


@pytest.mark.parametrize(("kind", "outcome"), [("enterprise", "pass"), ("spells", "fail")])
def test_entities_of_a_kind_that_lineage_does_not_link_are_told_and_refused_where_they_may_be_anybody(
    home: Path, kind: str, outcome: str
) -> None:
    release_before(home, EntityQuery("select 'e' || range as entity from range(50)", (), kind))
    found = differencing(home, PATIENTS)
    assert found.outcome == outcome and found.evidence["uncompared"] == {"spells@1": kind}
    assert f"no table says how its persons are those of spells@1 ({kind}), so they are not compared" in found.reason


def test_visits_under_pseudonyms_of_ones_own_are_told_as_the_persons_behind_them(home: Path) -> None:
    """Two releases of the same source: one of rows that are visits, one of persons, who differ by one."""
    name = "visit_features"
    own = f"select {component_pseudonym_sql(name, 'visit_id')} as spell_id, visit_kind from warehouse.resource.visit"
    asked = {
        "subject": "event",
        "grain": ["spell_id"],
        "columns": [column("spell_id", role="identifier"), column("visit_kind", role="quasi_identifier")],
        "entities": {"kind": name, "query": "select spell_id as entity from {rows}"},
        "contributions": {},
        "differentialPrivacy": None,
    }
    of = contract(**asked)
    models = models_with(models_of(home), of, name, below=("visit",))
    with dg.DagsterInstance.get() as storage:
        below = compiled_statements(Home(home), storage, models_of(home), PATIENTS)
    statements = {**below, ("components", name): own}
    vault = opened(home)
    with connect(vault, write="components", read=("raw", "warehouse")) as connection:
        connection.execute(f"create table components.components.{name} as {own} where is_plausible")
    query = followed_entity_query(models, name, of, statements)
    assert query is not None
    (persons,) = common_kinds(models, name, statements, query)
    visited = "select distinct person_id as entity from warehouse.resource.visit where is_plausible"
    for left_out, fewest in ((0, []), (1, [1])):
        less = f"select entity from ({visited}) where entity is not null order by 1 offset {left_out}"
        kept = EntityQuery(less, ("warehouse",), "person")
        entities = keep_entities(vault, f"patients@{left_out}", "rows of person", kept)
        earlier = DisclosedSet(f"patients@{left_out}", "rows of person", "patients", entities)
        close = compare(vault, persons, (), 11, (earlier,)).close
        assert [each.fewest for each in close] == fewest


def test_a_release_is_on_record_under_every_common_kind(city: Path) -> None:
    with open_registry(opened(city).home).begin() as registry:
        found = registry.exec_driver_sql(
            "select scope, entity_kind, memberships from disclosed_set where component = 'hire_base_profile'"
        ).all()
    own, enterprises = sorted(map(tuple, found))
    assert own[:2] == ("rows of enterprise", "hire_base_profile")
    assert enterprises[:2] == ("rows of enterprise as enterprise", "enterprise") and own[2] == enterprises[2]


def test_entities_that_are_no_pseudonyms_are_an_error_of_the_checks_that_compare_them(home: Path) -> None:
    known = declarations()
    contract = known.components[PATIENTS]
    days = Entities(kind="person", query="select distinct calendar_day as entity, 'all' as cell from {calendar}")
    asked = {**known.components, PATIENTS: contract.model_copy(update={"entities": days})}
    models = parsed_models(Home(home), replace(known, components=asked))
    with dg.DagsterInstance.get() as storage:
        found = reviewing.review_component(
            storage, opened(home), models, PATIENTS, City().policy(), {}, "run", datetime.now(UTC)
        ).review.findings
    told = {each.check: each for each in found}
    for check in ("R9_differencing", "R12_linear_queries"):
        assert told[check].outcome == "error"
        assert "its entity is not the pseudonym of 'person'" in told[check].reason


def test_sql_that_is_not_that_of_the_build_is_no_evidence(home: Path) -> None:
    path = home / "dbt" / "target" / "compiled" / "jinku" / "models" / "components" / f"{NAME}.sql"
    path.write_text(path.read_text() + "\n-- looked at by nobody")
    review = reviewed(home, City().policy())
    assert review.security == 0
    (first, *_) = [each for each in review.obstacles if each.part == "model"]
    assert first.outcome == "error" and "is not that of its last build" in first.reason


def test_whose_data_cannot_be_told_is_an_error_of_the_check_that_needs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(*arguments: object) -> None:
        raise JinkuError("entities_unusable", "the query failed", NAME, "Correct it.")

    monkeypatch.setattr(reviewing, "followed_entity_query", unusable)
    review = reviewed(home, replace(City().policy(), content_hash="another"))
    assert review.security == 0
    assert {each.check for each in review.obstacles} == {"R9_differencing", "R12_linear_queries"}
    assert all(each.outcome == "error" and "the query failed" in each.reason for each in review.obstacles)


def test_an_emptied_policy_releases_nothing(home: Path) -> None:
    review = reviewed(home, replace(City().policy(), blocking=frozenset()))
    assert review.security == 0


def test_a_query_of_entities_reads_the_resource_layer_and_its_own_rows_only(home: Path) -> None:
    models = models_of(home)
    contract = declarations().components[NAME]
    asked = contract.model_copy(update={"entities": Entities(kind="person", query="select 1 as entity from {rows}")})
    query = entity_query(models, NAME, asked)
    assert query is not None
    assert query.statement == f"select 1 as entity from components.components.{NAME}" and query.layers == (
        "components",
    )
    for smuggled in (
        "select id_number as entity from {residents}",
        "select 1 as entity from {no_such_table}",
        "select 1 as entity from {air_exposure_index}",
        "select content as entity from read_text('/etc/passwd')",
        "select 1 as entity from raw.raw.residents",
        "select 1 as entity from {rows}; drop table components.components.x",
    ):
        other = contract.model_copy(update={"entities": Entities(kind="person", query=smuggled)})
        with pytest.raises(JinkuError, match="entities_unusable"):
            entity_query(models, NAME, other)
    assert entity_query(models, NAME, contract) is None
