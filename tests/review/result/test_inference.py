"""What a component leaves out is given away by nothing that it publishes; what nobody could look at is refused."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.findings import Finding
from review.result.facts import Held, HeldColumn, ResultFacts
from review.result.inference import Guesses, guesses_of
from tests.builders import column
from tests.review.result.builders import columns_of, component, reviewed, tables

PERSONAL = frozenset({"personal"})
FEATURES = component(
    column("id", role="identifier"), column("region", role="quasi_identifier"), column("age", role="quasi_identifier")
)
"""A component that shows where somebody lives and how old they are, and leaves the diagnosis out."""

People = Sequence[tuple[str, str, Sequence[Any]]]
"""Of each person the region, the age band and the diagnoses, which only the vault knows."""


def pseudonym(person: int) -> str:
    return hashlib.sha256(str(person).encode()).hexdigest()


def judged(people: People, **changes: Any) -> Finding:
    """What the check says of people; `changes` are of the held column, `known` says whose pseudonyms the vault has."""
    with _facts(people, **changes) as facts:
        return reviewed(facts)["R6_inference"]


def measured(people: People, **changes: Any) -> Guesses:
    with _facts(people, **changes) as facts:
        assert facts.held is not None
        return guesses_of(facts, facts.held)["base.visits.diagnosis"]


class _facts:
    """The facts of people for as long as the engine has their tables."""

    def __init__(self, people: People, known: Sequence[str] | None = None, **changes: Any) -> None:
        rows = [(pseudonym(place), region, age) for place, (region, age, _) in enumerate(people)]
        pairs = [(pseudonym(place), value) for place, (_, _, values) in enumerate(people) for value in values]
        keys = [key for key, _, _ in rows] if known is None else known
        self.changes = {"is_filled": True, **changes}
        self.open = tables(
            component=columns_of(rows, "id", "region", "age"),
            people={"key": [*keys, "p none of these"]},
            held=columns_of(pairs or [("p none of these", None)], "key", "value"),
        )

    def __enter__(self) -> ResultFacts:
        found = self.open.__enter__()
        held = HeldColumn("base.visits.diagnosis", found["held"], **self.changes)
        return ResultFacts(
            "features", FEATURES, PERSONAL, found["component"], held=Held((held,), "id", found["people"])
        )

    def __exit__(self, *error: Any) -> None:
        self.open.__exit__(*error)


def a_class(region: str, age: str, *diagnoses: Any) -> list[tuple[str, str, tuple[Any, ...]]]:
    """People of one class, each with one diagnosis, or with none where it is None."""
    return [(region, age, () if each is None else (each,)) for each in diagnoses]


MIXED = [
    *a_class("north", "18-34", *["flu", "gout", "cold", "none"] * 5),
    *a_class("south", "65+", *["flu", "gout", "cold", "none"] * 5),
]


def test_a_left_out_diagnosis_that_region_and_age_say_nothing_of_passes() -> None:
    found = judged(MIXED)
    assert found.outcome == "pass" and found.evidence["linked_by"] == "id"
    assert found.evidence["left_out"] == {
        "base.visits.diagnosis": {"advantage": 0.0, "values": 4, "rows_without": 0, "rows_given_away": 0}
    }


def test_a_left_out_diagnosis_that_everybody_of_a_class_has_is_refused_by_the_name_of_its_column() -> None:
    found = judged([*MIXED, *a_class("north", "65+", *["cancer"] * 20), *a_class("south", "18-34", *["asthma"] * 20)])
    assert found.outcome == "fail"
    assert found.reason == (
        "the classes take away more than 20% of the doubt about base.visits.diagnosis: make them larger"
    )
    assert "cancer" not in repr(found)


def test_a_class_is_given_away_however_small_it_is_among_all_rows() -> None:
    found = judged([*MIXED * 30, *a_class("west", "65+", *["cancer"] * 11)])
    assert found.outcome == "fail" and found.evidence["left_out"]["base.visits.diagnosis"]["rows_given_away"] == 11
    assert found.reason.startswith("everybody in some class has the same of base.visits.diagnosis")
    assert judged([*MIXED * 30, *a_class("west", "65+", *["cancer"] * 10, "flu")]).outcome == "pass"


def test_what_most_have_anyway_is_not_given_away_by_a_class_that_all_have_it() -> None:
    assert (
        judged([*a_class("west", "65+", *[None] * 11), *a_class("east", "65+", *["flu", None, None] * 9)]).outcome
        == "pass"
    )


def test_a_value_that_all_have_does_not_hide_the_others() -> None:
    """Everybody was once at a check-up; beside it nine of ten have cancer in the north, and asthma in the south."""
    north = [("north", "65+", ("check-up", "cancer" if place % 10 else "gout")) for place in range(40)]
    south = [("south", "65+", ("check-up", "asthma" if place % 10 else "gout")) for place in range(40)]
    found = judged([*north, *south])
    assert found.outcome == "fail" and "base.visits.diagnosis" in found.reason
    assert measured([*north, *south]).of_all.advantage(80) == 0


def test_a_guess_is_right_where_somebody_has_the_value_among_others() -> None:
    """Whoever has many visits does not thin out what all of the class have."""
    ill = [("north", "65+", ["cancer", *(f"a{place} {visit}" for visit in range(9))]) for place in range(20)]
    found = measured([*MIXED, *ill])
    assert (found.of_all.by_class, found.given_away) == (20 + 10, 20)


def test_records_without_a_value_are_no_value_where_there_is_another() -> None:
    assert measured([("north", "65+", (None, "flu"))] * 3 + [("north", "65+", (None,))]).found == 3


def test_people_of_whom_nothing_is_held_have_nothing_which_is_a_value_too() -> None:
    found = measured([*a_class("north", "65+", *[None] * 12), *a_class("south", "65+", *["flu", "gout", "cold"] * 8)])
    assert (found.rows, found.found, found.values, found.given_away) == (36, 24, 3, 12)


def test_values_that_are_spread_by_chance_alone_take_no_doubt_away() -> None:
    """Classes of 11 have a most frequent value by chance; whoever does not know the one asked about gains nothing."""
    people = [(f"r{place // 11}", "65+", (f"d{place * 7919 % 23}",)) for place in range(1100)]
    assert measured(people).advantage < Fraction(1, 50)


def test_quantities_are_guessed_by_bins() -> None:
    """No two have the same bill, and all of the north have about the same."""
    bills = [("north", "65+", (9000 + place / 7,)) for place in range(20)]
    others = [("south", "65+", (float(place * 731 % 9000),)) for place in range(60)]
    assert judged([*bills, *others]).outcome == "fail"
    assert judged([("all", "65+", each[2]) for each in [*bills, *others]]).outcome == "pass"


def test_whole_numbers_are_amounts_where_the_source_says_so_and_codes_where_not() -> None:
    people = [*[("north", "65+", (900 + place,)) for place in range(20)], *a_class("south", "65+", *range(60))]
    assert judged(people, is_quantity=True).outcome == "fail"
    assert measured(people).values == 80 and measured(people, is_quantity=True, resolution=1000).values == 1


def test_a_column_that_cannot_be_linked_is_refused_with_the_cause() -> None:
    held = Held((HeldColumn("raw.visits.diagnosis", None, "no column is its own pseudonym"),))
    with tables(component=columns_of([("p", "north", "65+")] * 20, "id", "region", "age")) as found:
        told = reviewed(ResultFacts("features", FEATURES, PERSONAL, found["component"], held=held))["R6_inference"]
    assert (told.outcome, told.reason) == (
        "fail",
        "raw.visits.diagnosis cannot be linked with the rows, though they are made from it: "
        "no column is its own pseudonym",
    )


def test_rows_of_somebody_whom_the_vault_does_not_know_are_refused() -> None:
    found = judged(MIXED, known=[pseudonym(place) for place in range(1, 40)])
    assert found.outcome == "fail" and found.reason.startswith("of 1 row the vault does not know whose id it is")


def test_a_row_without_a_pseudonym_is_of_nobody_whom_the_vault_knows() -> None:
    rows = [(None, "north", "65+"), *[(pseudonym(place), "north", "65+") for place in range(20)]]
    with tables(
        component=columns_of(rows, "id", "region", "age"),
        people={"key": [pseudonym(place) for place in range(20)]},
        held=columns_of([(pseudonym(place), "flu") for place in range(20)], "key", "value"),
    ) as found:
        held = Held((HeldColumn("base.visits.diagnosis", found["held"], "", True),), "id", found["people"])
        told = reviewed(ResultFacts("features", FEATURES, PERSONAL, found["component"], held=held))["R6_inference"]
    assert told.outcome == "fail" and told.reason.startswith("of 1 row the vault does not know")


@pytest.mark.parametrize(("is_filled", "outcome"), [(True, "fail"), (False, "pass")])
def test_a_link_that_leads_to_no_record_is_refused_unless_there_is_none_at_all(is_filled: bool, outcome: str) -> None:
    found = judged([(region, age, ()) for region, age, _ in MIXED], is_filled=is_filled)
    assert found.outcome == outcome
    assert ("no row finds its person in base.visits.diagnosis" in found.reason) is is_filled


def test_where_nobody_looked_it_is_refused() -> None:
    with tables(component=columns_of([("p", "north", "65+")] * 20, "id", "region", "age")) as known:
        found = reviewed(ResultFacts("features", FEATURES, PERSONAL, known["component"]))["R6_inference"]
    assert found.outcome == "fail" and found.reason.startswith("nobody looked")


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.frozensets(st.integers(0, 3), max_size=3)), min_size=1, max_size=25))
def test_the_guess_is_what_it_is_by_hand(people: list[tuple[int, frozenset[int]]]) -> None:
    found = measured([(f"r{place}", "65+", sorted(values)) for place, values in people])
    of_class = [Counter(value for own, has in people if own == place for value in has or {-1}) for place in range(3)]
    assert found.of_all.by_class == sum(max(times.values(), default=0) for times in of_class)
    assert found.of_all.blindly == max(sum(of_class, Counter()).values())
    assert found.of_all.blindly <= found.of_all.by_chance <= len(people)
    assert 0 <= found.advantage <= 1
