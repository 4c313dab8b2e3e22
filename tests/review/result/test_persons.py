"""Rows that are persons pass where everyone is like enough others, and whoever tries to get through is refused."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from review.findings import Finding
from review.result.facts import Held, ResultFacts
from review.result.review import CHECKS, review_result
from review.result.thresholds import Tier, thresholds_for
from tests.builders import column
from tests.review.result.builders import SECTION, alike, columns_of, component, people, person, reviewed, tables
from vault.contract import ComponentContract

PERSONAL = frozenset({"personal"})
MICRODATA = CHECKS[:6]
Row = tuple[Any, ...]


def review_of(
    rows: Sequence[Row],
    contract: ComponentContract | None = None,
    tier: Tier = "market",
    population: Sequence[Row] | None = None,
) -> dict[str, Finding]:
    contract = contract or person()
    names = [each.name for each in contract.columns]
    others = {"population": people(population)} if population is not None else {}
    with tables(component=columns_of(rows, *names), **others) as found:
        facts = ResultFacts(
            "features",
            contract,
            PERSONAL,
            found["component"],
            population=found.get("population"),
            held=Held(),
        )
        return reviewed(facts, tier)


def outcomes(found: dict[str, Finding], checks: Sequence[str] = MICRODATA) -> list[str]:
    return [found[check].outcome for check in checks]


ENOUGH = [*alike(12), *alike(15, "70"), *alike(33, "70", "south")]


def test_people_who_are_like_enough_others_pass() -> None:
    found = review_of(ENOUGH)
    assert outcomes(found) == ["pass"] * 6
    told = found["R1_k_anonymity"].evidence
    assert (told["k"], told["k_asked"], told["rows"], told["classes"], told["unique_rows"]) == (12, 11, 60, 3, 0)
    assert set(told["quasi_identifiers"]) == {"age", "district"}


@pytest.mark.parametrize(("tier", "enough"), [("sandbox", 5), ("market", 11), ("public", 20)])
def test_one_too_few_alike_are_refused_in_every_tier(tier: Tier, enough: int) -> None:
    """10 where 11 are asked for: 1/11 is .0909, more than .09, so whole numbers are compared."""
    for size, outcome in ((enough, "pass"), (enough - 1, "fail")):
        found = review_of([*ENOUGH, *alike(size, "18")] if tier != "public" else alike(size, "18"), tier=tier)
        assert outcomes(found, ["R1_k_anonymity", "R4_risk"]) == [outcome] * 2


def test_the_contract_may_promise_more_than_the_tier_asks_for() -> None:
    found = review_of(ENOUGH, person(minimumGroup=13))["R1_k_anonymity"]
    assert (found.outcome, found.evidence["k_asked"], found.evidence["rows_below_k"]) == ("fail", 13, 12)
    assert found.reason.startswith("12 rows of 60 are like fewer than 12 others")


def test_someone_of_unknown_district_is_not_hidden_among_the_others() -> None:
    found = review_of([*ENOUGH, *alike(1, "70", None)])["R1_k_anonymity"]
    assert (found.outcome, found.evidence["k"], found.evidence["unique_rows"]) == ("fail", 1, 1)


def test_a_group_of_one_illness_is_refused() -> None:
    found = review_of([*ENOUGH, *[("18", "north", "flu")] * 20])
    assert outcomes(found) == ["pass", "fail", "fail", "pass", "pass", "fail"]
    told = found["R2_l_diversity"]
    assert told.evidence["columns"]["illness"]["distinct_l"] == 1
    assert told.evidence["columns"]["illness"]["recursive_c"] is None
    assert "illness" in told.reason and "flu" not in told.reason


def test_three_illnesses_of_which_one_is_nearly_all_are_refused() -> None:
    found = review_of([*ENOUGH, *[("18", "north", "none")] * 60, ("18", "north", "cold"), ("18", "north", "gout")])
    told = found["R2_l_diversity"].evidence["columns"]["illness"]
    assert found["R2_l_diversity"].outcome == "fail"
    assert (told["distinct_l"], told["recursive_c"]) == (3, 60) and told["entropy_l"] < 2


def test_two_equally_frequent_illnesses_have_the_entropy_of_two() -> None:
    rows = [(age, "north", illness) for age in ("35", "70") for illness in ("cold", "gout") for _ in range(11)]
    thresholds = {**SECTION["tiers"], "market": {**SECTION["tiers"]["market"], "lDistinct": 2}}
    with tables(component=people(rows)) as found:
        facts = ResultFacts("features", person(), PERSONAL, found["component"], held=Held())
        assert reviewed(facts, tiers=thresholds)["R2_l_diversity"].outcome == "pass"


def test_a_column_of_two_values_never_has_three_and_the_reason_says_so() -> None:
    contract = person(column("admitted", logicalType="boolean", role="sensitive"))
    rows = [(*row, place % 2 == 0) for place, row in enumerate(ENOUGH)]
    found = review_of(rows, contract)["R2_l_diversity"]
    assert found.outcome == "fail"
    assert "(admitted has fewer values than that in the whole table)" in found.reason


def test_a_group_spread_otherwise_than_all_is_refused() -> None:
    """All of them have the three illnesses, the young mostly the gout."""
    young = [("18", "north", illness) for illness in ["gout"] * 8 + ["cold"] * 2 + ["none"] * 2]
    old = [("70", "north", illness) for illness in ["gout"] * 2 + ["cold"] * 9 + ["none"] * 9]
    found = review_of([*young, *old])
    assert outcomes(found, ["R2_l_diversity", "R3_t_closeness"]) == ["pass", "fail"]
    assert review_of([*young, *old], tier="sandbox")["R3_t_closeness"].outcome == "pass", "not asked for there"


def test_t_at_the_bound_passes_whatever_the_rounding() -> None:
    """Shares .8, .1, .1 against .5, .25, .25: t is 0.3 exactly."""
    one = [("35", "north", illness) for illness in ["none"] * 16 + ["cold"] * 2 + ["gout"] * 2]
    other = [("70", "north", illness) for illness in ["none"] * 4 + ["cold"] * 8 + ["gout"] * 8]
    found = review_of([*one, *other])["R3_t_closeness"]
    assert (found.outcome, found.evidence["columns"]["illness"]["t"]) == ("pass", 0.3)


def test_numbers_are_judged_by_the_ordered_distance() -> None:
    contract = component(
        column("age", role="quasi_identifier"),
        column("cost", logicalType="number", role="sensitive"),
        column("code", logicalType="integer", role="target"),
    )
    rows = [(age, float(number), number) for age in ("35", "70") for number in range(12)]
    told = review_of(rows, contract)["R3_t_closeness"].evidence["columns"]
    assert (told["cost"]["distance"], told["code"]["distance"]) == ("ordered", "equal")


def test_without_a_sensitive_column_nothing_can_be_inferred() -> None:
    contract = component(column("age", role="quasi_identifier"), column("colour"))
    found = review_of([("35", "red")] * 11, contract)
    assert outcomes(found) == ["pass"] * 6
    for check in ("R2_l_diversity", "R3_t_closeness", "R6_inference"):
        assert found[check].reason.startswith("it does not apply: no column is declared sensitive or a target")


def test_persons_without_a_quasi_identifier_are_refused() -> None:
    contract = component(column("name", role="identifier"), column("illness", role="sensitive"))
    found = review_of([("a", "flu")], contract)
    assert outcomes(found) == ["fail"] * 6
    assert all("no quasi-identifier is declared" in found[check].reason for check in MICRODATA)


def test_no_rows_are_no_evidence() -> None:
    with tables(component={"age": [], "district": [], "illness": []}) as found:
        told = reviewed(ResultFacts("features", person(), PERSONAL, found["component"]))
    assert outcomes(told) == ["fail"] * 6


def test_events_and_objects_that_a_person_stands_behind_are_judged_as_persons() -> None:
    contract = person(subject="event")
    assert outcomes(review_of([*ENOUGH, *alike(1, "18")], contract))[0] == "fail"
    bare = component(column("fare", logicalType="number", role="measure"), subject="event")
    assert review_of([(1.0,)], bare)["R1_k_anonymity"].outcome == "fail", "personal, and nothing to be found by"


def test_a_large_population_lowers_the_risk_of_who_does_not_know_who_is_in() -> None:
    contract = person(population="resource/person")
    told = review_of(ENOUGH, contract, population=ENOUGH * 5)["R4_risk"]
    assert told.outcome == "pass"
    assert (told.evidence["prosecutor"], told.evidence["journalist"]) == pytest.approx((1 / 12, 1 / 60))


def test_a_population_that_was_not_looked_at_or_is_none_is_refused() -> None:
    contract = person(population="resource/person")
    assert review_of(ENOUGH, contract)["R4_risk"].outcome == "fail"
    found = review_of(ENOUGH, contract, population=alike(200))["R4_risk"]
    assert (found.outcome, found.reason) == (
        "fail",
        "the population has fewer rows than the component in 2 classes, so it is none",
    )


@pytest.mark.parametrize(("times", "outcome"), [(4, "pass"), (3, "fail"), (1, "fail")])
def test_membership_that_is_sensitive_must_be_rare(times: int, outcome: str) -> None:
    contract = person(membershipIsSensitive=True, population="resource/person")
    assert review_of(ENOUGH, contract, population=ENOUGH * times)["R5_presence"].outcome == outcome


def test_membership_that_is_sensitive_needs_a_population() -> None:
    assert review_of(ENOUGH, person(membershipIsSensitive=True))["R5_presence"].outcome == "fail"
    assert review_of(ENOUGH)["R5_presence"].reason.startswith("it does not apply")


def test_a_check_that_raises_is_an_error_and_never_a_pass() -> None:
    with tables(component={"age": ["35"] * 11, "district": ["PLANTED-7734"] * 11}) as found:
        told = reviewed(ResultFacts("features", person(), PERSONAL, found["component"]))
    assert outcomes(told) == ["error"] * 6
    assert "7734" not in repr(told)


def test_where_the_sources_are_unknown_every_check_is_an_error() -> None:
    with tables(component=people(ENOUGH)) as found:
        facts = ResultFacts("features", person(), frozenset(), found["component"])
        told = review_result(facts, thresholds_for(SECTION, "market"))
    assert [each.check for each in told] == list(CHECKS)
    assert {each.outcome for each in told} == {"error"}


def test_every_check_leaves_one_finding_of_this_part_without_a_value_of_the_data() -> None:
    rows = [*ENOUGH, *[("PLANTED-7734", "north", "PLANTED-7735")] * 12]
    found = review_of(rows)
    assert list(found) == list(CHECKS) and {each.part for each in found.values()} == {"result"}
    assert "PLANTED" not in repr(found)


def test_a_stricter_threshold_never_turns_a_refusal_into_a_pass() -> None:
    for rows in (ENOUGH, [*ENOUGH, *alike(7, "18")], [("18", "north", "flu")] * 30):
        by_tier = [review_of(rows, tier=tier) for tier in ("sandbox", "market", "public")]
        for loose, strict in pairwise(by_tier):
            for check in MICRODATA:
                assert not (loose[check].outcome == "fail" and strict[check].outcome == "pass")
