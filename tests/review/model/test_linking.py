"""Rows are linked with people by pseudonyms that lineage shows, and with nothing that only looks like one."""

from review.model.linking import (
    SensitiveForm,
    SubjectLink,
    own_pseudonyms,
    sensitive_forms,
    subject_links,
    tables_behind,
)
from review.model.tracing import traced
from review.model.under_review import ModelUnderReview
from tests.review.model.town import OWN, STATEMENTS, model, pseudonym

FEATURES = f"select {OWN} as sample_id, sex from resource.person"
WITH_VISITS = f"""select {OWN.replace("person_id", "p.person_id")} as sample_id, p.sex, count(*) as n
    from resource.person as p join resource.visit as v on p.person_id = v.person_id group by 1, 2"""
SUBJECTS = {("raw", "residents"): "id_number", ("raw", "visits"): "id_number"}
ILLNESS, DIAGNOSIS = ("raw", "residents", "illness"), ("raw", "visits", "diagnosis")


def forms(of: ModelUnderReview) -> dict[tuple[str, str, str], tuple[SensitiveForm, ...]]:
    return sensitive_forms(of, SUBJECTS)


def own(sql: str) -> list[str]:
    of = model(sql)
    relation = traced(of).relation
    assert relation is not None
    return list(own_pseudonyms(of, relation))


def with_statements(sql: str, **tables: str) -> ModelUnderReview:
    known = {**STATEMENTS, **{("resource", name): statement for name, statement in tables.items()}}
    return model(sql, statements={**known, ("components", "sample"): sql})


def test_the_own_pseudonym_is_the_one_column_that_is_whole() -> None:
    assert own(FEATURES) == ["sample_id"]
    assert own(f"select substr({OWN}, 1, 8) as short, person_id as bare, sex from resource.person") == []
    assert own(f"select {pseudonym('another', 'person_id')} as other_id from resource.person") == []
    assert own(f"select case when sex = 'male' then {OWN} end as some_id from resource.person") == []


def test_a_table_tells_whose_a_pseudonym_is_where_it_stands_beside_a_subjects() -> None:
    found = {(link.table, link.key, link.of, link.subject) for link in subject_links(model(FEATURES))}
    assert found == {
        (("resource", "person"), "person_id", "person", "person_id"),
        (("resource", "visit"), "person_id", "person", "person_id"),
        (("resource", "visit"), "visit_id", "visit", "person_id"),
    }


def test_a_link_says_from_which_columns_of_sources_its_key_is_made() -> None:
    (link,) = [each for each in subject_links(model(FEATURES)) if each.table == ("resource", "person")]
    assert link == SubjectLink(
        ("resource", "person"),
        "person_id",
        "person",
        "person_id",
        "person",
        frozenset({("raw", "residents", "id_number")}),
    )


def test_two_subjects_that_stand_beside_each_other_are_linked_both_ways() -> None:
    owner, firm = pseudonym("person", "id_number"), pseudonym("enterprise", "name")
    owners = f"select {owner} as owner, {firm} as firm from raw.raw.residents"
    found = subject_links(with_statements(FEATURES, owner=owners))
    assert {(link.key, link.kind) for link in found if link.table == ("resource", "owner")} == {
        ("owner", "person"),
        ("owner", "enterprise"),
        ("firm", "person"),
        ("firm", "enterprise"),
    }


def test_every_table_that_carries_a_sensitive_column_beside_its_person_is_a_form_of_it() -> None:
    found = forms(model(FEATURES))
    assert set(found) == {ILLNESS}, "nothing of the visits is behind these rows"
    assert set(found[ILLNESS]) == {
        SensitiveForm(ILLNESS, ("base", "residents"), "illness", "id_number", False),
        SensitiveForm(ILLNESS, ("resource", "person"), "illness", "person_id", True),
    }
    assert {(form.table[1], form.column) for form in forms(model(WITH_VISITS))[DIAGNOSIS]} == {
        ("visit", "diagnosis"),
        ("visit", "chapter"),
    }


def test_a_source_that_only_chooses_rows_is_behind_them_too() -> None:
    chosen = f"{FEATURES} where person_id in (select person_id from resource.visit)"
    assert ("raw", "visits") in tables_behind(model(chosen)) and DIAGNOSIS in forms(model(chosen))


def test_a_column_that_no_model_carries_is_looked_up_where_it_was_received() -> None:
    bare = f"select {pseudonym('person', 'id_number')} as person_id, sex from raw.raw.residents"
    found = forms(_without_base(bare))
    assert found[ILLNESS] == (SensitiveForm(ILLNESS, ("raw", "residents"), "illness", "id_number", False),)


def _without_base(person: str) -> ModelUnderReview:
    return model(FEATURES, statements={("resource", "person"): person, ("components", "sample"): FEATURES})


def test_where_nothing_says_of_whom_a_column_speaks_there_is_no_form() -> None:
    of = _without_base(f"select {pseudonym('person', 'id_number')} as person_id, sex from raw.raw.residents")
    assert sensitive_forms(of, {}) == {ILLNESS: ()}


def test_a_count_of_a_sensitive_column_is_no_form_of_it() -> None:
    counted = f"""select {pseudonym("person", "id_number")} as person_id, count(diagnosis) as visits
        from raw.raw.visits group by 1"""
    of = with_statements(WITH_VISITS, counted=counted)
    assert "counted" not in {form.table[1] for form in forms(of)[DIAGNOSIS]}
