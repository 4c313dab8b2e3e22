"""Two releases that differ by one person are refused; so is noise whose budget nobody spent."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import ibis
import pytest

from review.findings import Finding
from review.result.facts import ResultFacts
from review.result.releases import review_budget, review_differencing, review_linear
from review.result.thresholds import thresholds_for
from tests.builders import NOON, fresh_vault
from tests.review.result.builders import SECTION, aggregate, columns_of, person, reviewed, tables
from tests.vault.test_disclosure import Vault, compared, in_cells, of, release
from vault.contract import ComponentContract
from vault.disclosure.budgets import Loss, Spend
from vault.disclosure.draws import Draw, declared_hash
from vault.disclosure.entities import CloseCells, Comparison, Difference
from vault.disclosure.linear_queries import Atom

PERSONAL, ENTERPRISES, PUBLIC = (frozenset({name}) for name in ("personal", "enterprise", "public"))
MARKET = thresholds_for(SECTION, "market")


@pytest.fixture
def vault(tmp_path: Any) -> Vault:
    return fresh_vault(tmp_path, {})


NO_ROWS = ibis.table({"age": "string"}, name="component")
"""What is asked here are earlier releases and budgets, no rows."""


def review_of(contract: ComponentContract, categories: frozenset[str] = PERSONAL, **facts: Any) -> dict[str, Finding]:
    known = ResultFacts("features", contract, categories, NO_ROWS, **facts)
    checks = (review_differencing, review_linear, review_budget)
    return {found.check: found for found in (check(known, MARKET) for check in checks)}


def beside(comparison: Comparison | None, contract: ComponentContract | None = None) -> list[str]:
    found = review_of(contract or person(), comparison=comparison)
    return [found[check].outcome for check in ("R9_differencing", "R12_linear_queries")]


def test_a_first_release_passes(vault: Vault) -> None:
    assert beside(compared(vault, of(range(20)))) == ["pass", "pass"]


def test_the_same_people_again_pass(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    assert beside(compared(vault, of(range(20)))) == ["pass", "pass"]


def test_eleven_more_pass_and_ten_are_refused(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    assert beside(compared(vault, of(range(31)))) == ["pass", "pass"]
    assert beside(compared(vault, of(range(30)))) == ["fail", "fail"]


@pytest.mark.parametrize("others", [range(21), range(19), range(1, 21)])
def test_one_person_more_or_less_or_another_is_refused(vault: Vault, others: range) -> None:
    release(vault, "r1", of(range(20)))
    found = review_of(person(), comparison=compared(vault, of(others)))["R9_differencing"]
    assert found.outcome == "fail"
    assert found.reason.startswith("subtracted from r1 it tells of fewer than 11")


def test_every_earlier_release_counts_and_not_the_last_alone(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    release(vault, "r2", of(range(60)))
    assert beside(compared(vault, of(range(21)))) == ["fail", "fail"]


def test_one_person_who_moves_from_cell_to_cell_is_refused(vault: Vault) -> None:
    release(vault, "r1", in_cells({"north": range(15), "south": range(15, 30)}))
    assert beside(compared(vault, in_cells({"north": range(14), "south": range(14, 30)})))[0] == "fail"


def test_what_three_releases_tell_is_refused_though_no_two_do(vault: Vault) -> None:
    release(vault, "r1", of(range(20)))
    release(vault, "r2", of(range(20, 40)))
    assert beside(compared(vault, of(range(41)))) == ["pass", "fail"]
    assert beside(compared(vault, of(range(40)))) == ["pass", "pass"]


def test_cells_that_tell_of_a_few_under_other_names_are_refused() -> None:
    close = (CloseCells("weekly@1", "weekly", 2, 1),)
    found = review_of(aggregate(), comparison=Comparison(40, 11, (), (), 2, 20, 40, close))["R9_differencing"]
    assert (found.outcome, found.evidence["close_cells"]) == ("fail", {"weekly@1": {"cells": 2, "fewest": 1}})
    assert "subtracted from those of weekly@1, whatever they are called, tell of fewer than 11" in found.reason
    less = review_of(aggregate(), comparison=Comparison(40, 10, (), (), 2, 20, 40, close))["R9_differencing"]
    assert less.outcome == "error", "cells compared for a lesser minimum are no evidence"


def of_kinds(contract: ComponentContract | None = None, **facts: Any) -> dict[str, Finding]:
    """Rows that name themselves by pseudonyms of their own, beside nothing, and what else is known."""
    alone = Comparison(40, 11, (), ())
    return review_of(contract or person(), comparison=alone, entity_kind="features", **facts)


def test_entities_of_another_kind_are_compared_as_the_subjects_that_both_have_behind_them() -> None:
    same = Comparison(40, 11, (Difference("weekly@1", "weekly", 0, 0, 0),), ())
    assert of_kinds(common={"person": same})["R9_differencing"].outcome == "pass"
    close = Comparison(40, 11, (), (), close=(CloseCells("weekly@1", "weekly", 1, 1),))
    found = of_kinds(common={"person": close})["R9_differencing"]
    assert found.outcome == "fail" and found.reason.startswith(
        "told as persons, cells subtracted from those of weekly@1"
    )
    assert found.evidence["kind"] == "person" and set(found.evidence["other_kinds"]) == {"features"}


def test_what_several_releases_tell_of_a_common_kind_is_refused() -> None:
    atoms = ((Atom(frozenset({-1}), 1), Atom(frozenset({-1, 0}), 20), Atom(frozenset({0}), 30)),)
    told = Comparison(40, 11, (), tuple((*each, Atom(frozenset({1}), 20)) for each in atoms))
    alone = Comparison(40, 11, (), ((Atom(frozenset({-1}), 1),),))
    assert of_kinds(common={"person": told})["R12_linear_queries"].outcome == "pass"
    assert of_kinds(common={"person": alone})["R12_linear_queries"].outcome == "fail"
    assert of_kinds(common={"person": replace(alone, below=10)})["R12_linear_queries"].outcome == "error"


def test_persons_behind_enterprises_are_as_many_as_persons_must_be() -> None:
    """Five of organisations are enough, and eleven persons are asked for."""
    firms = person(subject="enterprise", minimumGroup=1)
    few = Comparison(40, 11, (Difference("r1", "features", 7, 0, 7),), ())
    organisations = review_of(firms, ENTERPRISES, comparison=few, entity_kind="enterprise")
    assert organisations["R9_differencing"].outcome == "pass"
    both = review_of(firms, ENTERPRISES, comparison=few, entity_kind="enterprise", common={"person": few})
    assert both["R9_differencing"].outcome == "fail"


def test_what_no_kind_is_common_with_is_told_and_never_passed_in_silence() -> None:
    people = person()
    alone = Comparison(40, 11, (), ())
    known = {"comparison": alone, "entity_kind": "person", "uncompared": {"firms@1": "enterprise"}}
    found = review_of(people, **known)["R9_differencing"]
    assert found.outcome == "pass" and found.evidence["uncompared"] == {"firms@1": "enterprise"}
    assert "no table says how its persons are those of firms@1 (enterprise), so they are not compared" in found.reason


def test_pseudonyms_of_ones_own_that_nothing_links_may_be_anybody_and_are_refused() -> None:
    theirs = of_kinds(common={"person": Comparison(40, 11, (), ())}, uncompared={"other@1": "other"})
    own = of_kinds(uncompared={"weekly@1": "person"})
    for found in (theirs, own):
        assert found["R9_differencing"].outcome == "fail"
        assert "name entities by the pseudonym of a person or an enterprise" in found["R9_differencing"].reason
    assert of_kinds()["R9_differencing"].outcome == "pass", "there is nothing to compare with"


def test_more_than_the_group_may_be_asked_for() -> None:
    """Rows that are persons differ by k or more, the contract's promise included."""
    few = Comparison(40, 20, (Difference("r1", "features", 15, 0, 15),), ())
    assert beside(few) == ["pass", "pass"]
    assert beside(few, person(minimumGroup=16))[0] == "fail"


def test_atoms_told_apart_for_a_lesser_minimum_are_no_evidence() -> None:
    assert beside(Comparison(40, 10, (), ())) == ["pass", "error"]


def test_too_many_releases_are_an_error_and_not_skipped() -> None:
    atoms = tuple(Atom(frozenset({place}), 20) for place in range(65))
    assert beside(Comparison(40, 11, (), (atoms,))) == ["pass", "error"]


def test_persons_whom_nobody_named_are_refused() -> None:
    assert beside(None) == ["fail", "fail"]
    assert beside(None, aggregate()) == ["fail", "fail"]
    assert beside(Comparison(0, 11, (), ())) == ["fail", "pass"]


def test_groups_of_persons_whose_cells_nobody_told_apart_are_refused(vault: Vault) -> None:
    assert beside(compared(vault, of(range(30))), aggregate()) == ["fail", "pass"]
    cells = in_cells({"north": range(15), "south": range(15, 30)})
    assert beside(compared(vault, cells), aggregate()) == ["pass", "pass"]


def test_where_nobody_stands_behind_the_rows_there_is_nobody_to_tell_of() -> None:
    found = review_of(aggregate(), PUBLIC)
    for check in ("R9_differencing", "R12_linear_queries"):
        assert (found[check].outcome, found[check].reason[:17]) == ("pass", "it does not apply")
    of_events = review_of(person(subject="event"), PUBLIC)
    assert of_events["R9_differencing"].outcome == "fail", "somebody can be found by a quasi-identifier"


NOISE = {"contributions": {"patients": {"aggregate": "count", "query": "select 1"}}}


def claiming(**declared: Any) -> ComponentContract:
    """Cells whose patients are claimed to be noisy."""
    return aggregate(**NOISE, differentialPrivacy={"cells": "select 1", **declared})


def spend(**changes: Any) -> Spend:
    known = Spend("d1", "features", "visits", "person", NOON.year, Loss(Decimal(1)), "committed")
    return replace(known, **changes)


def draw(contract: ComponentContract, **changes: Any) -> Draw:
    """Noise on record for the rows, as the contract claims it."""
    loss = Loss(Decimal(1))
    known = Draw("d1", "features", "c", declared_hash(contract), "h", "discrete_laplace", "person", loss, NOON, 7)
    return replace(known, **changes)


def budget(
    *spends: Spend,
    declared: dict[str, Any] | None = None,
    in_year: str | None = "1",
    drawn: dict[str, Any] | None = None,
    categories: frozenset[str] = PERSONAL,
    noise_sources: tuple[str, ...] = ("visits",),
) -> Finding:
    """drawn: what is otherwise of the noise on record; that there is none as {"no": True}."""
    contract = aggregate() if declared is None else claiming(**declared)
    spent = {} if in_year is None else {("visits", "person", NOON.year): (Decimal(in_year), Decimal(0))}
    on_record = None if declared is None or drawn == {"no": True} else draw(contract, **(drawn or {}))
    known = {"spends": spends, "spent_in_year": spent, "draw": on_record, "noise_sources": noise_sources}
    return review_of(contract, categories, **known)["R10_privacy_budget"]


def test_a_loss_on_record_passes() -> None:
    found = budget(spend(), declared={})
    assert (found.outcome, found.evidence["unit"], found.evidence["epsilon"]) == ("pass", "person", {"visits": "1"})
    assert (found.evidence["mechanism"], found.evidence["draw"]) == ("discrete_laplace", "d1")
    assert budget(spend(), declared={}, in_year="4").outcome == "pass"


def test_no_noise_needs_no_budget_but_spends_none_either() -> None:
    assert budget().reason == "it does not apply: the contract declares no differential privacy"
    assert budget(spend()).outcome == "fail"


@pytest.mark.parametrize(
    ("spends", "declared", "in_year"),
    [
        ([], {}, "1"),
        ([spend(state="reserved")], {}, "1"),
        ([spend(state="released")], {}, "1"),
        ([spend(unit="enterprise")], {}, "1"),
        ([spend()], {"epsilon": 1.1}, "1"),
        ([spend()], {"delta": 0.00001}, "1"),
        ([spend()], {"epsilon": 0.5}, "1"),
        ([spend(), spend(query_id="q2")], {}, "2"),
        ([spend()], {}, "4.000001"),
        ([spend()], {}, None),
    ],
)
def test_a_loss_that_nobody_spent_or_that_is_too_much_is_refused(
    spends: list[Spend], declared: dict[str, Any], in_year: str | None
) -> None:
    assert budget(*spends, declared=declared, in_year=in_year).outcome == "fail"


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"drawn": {"no": True}}, "no noise is on record that gave these rows"),
        ({"drawn": {"declared_hash": "x"}}, "as an earlier contract declared it"),
        ({"drawn": {"mechanism": "our_own"}}, "the noise was drawn by our_own"),
        ({"drawn": {"unit": "enterprise"}}, "to hide each enterprise"),
        ({"noise_sources": ("residents", "visits")}, "no committed spending of the budget of residents"),
        ({"categories": ENTERPRISES}, "enterprises stand behind the rows, and the noise hides each person"),
    ],
)
def test_a_claim_is_nothing_without_noise_that_was_drawn_for_these_rows(how: dict[str, Any], cause: str) -> None:
    found = budget(spend(), declared={}, **how)
    assert found.outcome == "fail" and cause in found.reason


def test_noise_that_hides_enterprises_hides_no_persons() -> None:
    found = budget(spend(unit="enterprise"), declared={"unit": "enterprise"}, drawn={"unit": "enterprise"})
    assert "persons stand behind the rows, and the noise hides each enterprise" in found.reason


SPARED = ("R7_group_minimum", "R8_dominance", "R9_differencing", "R11_secondary_suppression", "R12_linear_queries")


def test_figures_of_a_few_pass_where_noise_was_drawn_for_them_and_never_for_a_claim_alone() -> None:
    few = columns_of([("north", "q1", -2), ("north", "q2", 3)], "district", "quarter", "patients")
    outcomes = []
    for on_record in (draw(claiming()), None):
        with tables(component=few) as found:
            facts = ResultFacts("features", claiming(), PERSONAL, found["component"], draw=on_record)
            told = reviewed(facts)
        outcomes.append({told[check].outcome for check in SPARED if check != "R8_dominance"})
    assert outcomes == [{"pass"}, {"fail"}]


def test_noise_that_is_not_claimed_any_more_spares_nothing() -> None:
    with tables(component=columns_of([("north", "q1", 3)], "district", "quarter", "patients")) as found:
        told = reviewed(ResultFacts("features", aggregate(), PERSONAL, found["component"], draw=draw(claiming())))
    assert told["R7_group_minimum"].outcome == told["R10_privacy_budget"].outcome == "fail"
