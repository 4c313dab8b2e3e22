"""Cells of few, cells of one enterprise, and cells that published totals give away are refused."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import pytest

from review.findings import Finding
from review.result.cells import DominanceRule, measure_dominance
from review.result.classes import Unmeasurable
from review.result.facts import PublishedTable, ResultFacts
from review.result.groups import review_dominance, review_group_minimum, review_secondary
from review.result.review import Check
from review.result.thresholds import thresholds_for
from tests.builders import REAL_DATA, column
from tests.review.result.builders import SECTION, aggregate, columns_of, component, reviewed, tables
from vault.contract import ComponentContract
from vault.disclosure.entities import Comparison

ORACLE = REAL_DATA.parent / "oracle" / "vectors.json"
MARKET = thresholds_for(SECTION, "market")
PERSONAL, ENTERPRISES, PUBLIC = (frozenset({name}) for name in ("personal", "enterprise", "public"))
Row = tuple[Any, ...]

CELLS = [("north", "q1", 12), ("north", "q2", 40), ("south", "q1", 11), ("south", "q2", 0)]


def review_of(
    check: Check, rows: Sequence[Row], contract: ComponentContract, categories: frozenset[str] = PERSONAL
) -> Finding:
    with tables(component=columns_of(rows, *(each.name for each in contract.columns))) as found:
        return check(ResultFacts("cells", contract, categories, found["component"]), MARKET)


def minimum(rows: Sequence[Row], contract: ComponentContract | None = None, **how: Any) -> Finding:
    return review_of(review_group_minimum, rows, contract or aggregate(), **how)


def test_cells_of_none_or_enough_pass() -> None:
    found = minimum(CELLS)
    assert (found.outcome, found.evidence["smallest"], found.evidence["cells"]) == ("pass", {"patients": 11}, 4)


@pytest.mark.parametrize(
    ("count", "cause"),
    [
        (10, "patients has 1 cell of fewer than 11"),
        (1, "patients has 1 cell of fewer than 11"),
        (None, "patients has 1 cell without a count"),
        (-1, "patients has 1 cell without a count"),
    ],
)
def test_a_cell_of_few_or_of_nobody_knows_how_many_is_refused(count: int | None, cause: str) -> None:
    found = minimum([*CELLS, ("west", "q1", count)])
    assert (found.outcome, found.reason.startswith(cause)) == ("fail", True)


def test_a_cell_of_organisations_needs_fewer_and_those_with_persons_behind_them_not() -> None:
    rows = [("north", "q1", 5)]
    assert minimum(rows, categories=ENTERPRISES).outcome == "pass"
    assert minimum([("north", "q1", 4)], categories=ENTERPRISES).outcome == "fail"
    assert minimum(rows, categories=ENTERPRISES | PERSONAL).outcome == "fail"


def test_the_contract_may_promise_more() -> None:
    assert minimum(CELLS, aggregate(minimumGroup=12)).outcome == "fail"
    assert minimum([("north", "q1", 5)], aggregate(minimumGroup=6), categories=PUBLIC).outcome == "fail"


def test_persons_behind_cells_that_nobody_counts_are_refused() -> None:
    found = minimum(CELLS, aggregate(countColumns=[]))
    assert found.outcome == "fail" and "persons stand behind the rows" in found.reason
    assert minimum(CELLS, aggregate(countColumns=[]), categories=ENTERPRISES).outcome == "fail"


def test_cells_of_things_need_no_count() -> None:
    found = minimum(CELLS, aggregate(countColumns=[]), categories=PUBLIC)
    assert found.outcome == "pass" and found.reason.startswith("it does not apply: no source of persons")


@pytest.mark.parametrize(
    ("cells", "smallest", "memberships", "cause"),
    [
        (3, 10, 63, "behind some cell stand fewer than 11"),
        (2, 11, 63, "behind 1 cell nobody is known"),
        (3, 11, 62, "the entities of its cells are 62, and patients counts 63"),
        (3, 60, 180, "the entities of its cells are 180, and patients counts 63"),
        (3, 11, 63, ""),
    ],
)
def test_a_count_that_those_behind_the_cells_contradict_is_refused(
    cells: int, smallest: int, memberships: int, cause: str
) -> None:
    with tables(component=columns_of(CELLS, "district", "quarter", "patients")) as found:
        looked_at = Comparison(60, 11, (), (), cells, smallest, memberships)
        facts = ResultFacts("cells", aggregate(), PERSONAL, found["component"], comparison=looked_at)
        told = review_group_minimum(facts, MARKET)
    assert (told.outcome, cause in told.reason) == ("fail" if cause else "pass", True)


def test_several_counts_must_all_be_enough_and_no_rows_are_no_evidence() -> None:
    contract = aggregate(column("earlier", logicalType="integer", role="measure"), countColumns=["patients", "earlier"])
    assert minimum([("north", "q1", 12, 3)], contract).outcome == "fail"
    with tables(component={"district": [], "quarter": [], "patients": []}) as found:
        told = review_group_minimum(ResultFacts("cells", aggregate(), PERSONAL, found["component"]), MARKET)
    assert told.outcome == "fail"


def test_a_count_must_be_an_integer_column() -> None:
    for wrong in ("district", "patiens"):
        with pytest.raises(ValueError, match="countColumns names no integer column"):
            aggregate(countColumns=[wrong])


@pytest.mark.parametrize(("size", "outcome"), [(5, "pass"), (4, "fail")])
def test_rows_that_are_enterprises_must_have_others_alike(size: int, outcome: str) -> None:
    contract = component(column("base"), column("kind", role="quasi_identifier"), subject="enterprise")
    rows = [(f"b{place}", "taxi") for place in range(size)] + [(f"c{place}", "van") for place in range(9)]
    assert minimum(rows, contract, categories=ENTERPRISES).outcome == outcome


def test_a_count_of_something_else_hides_no_row_that_is_an_enterprise() -> None:
    columns = (column("kind", role="quasi_identifier"), column("employees", logicalType="integer", role="measure"))
    contract = component(column("base"), *columns, subject="enterprise", countColumns=["employees"])
    assert minimum([("b1", "taxi", 900), ("b2", "van", 70)], contract, categories=ENTERPRISES).outcome == "fail"


def test_enterprises_without_anything_to_measure_are_refused() -> None:
    contract = component(column("base"), subject="enterprise")
    assert minimum([("b",)], contract, categories=ENTERPRISES).outcome == "fail"


def test_rows_that_are_no_persons_are_not_judged_as_such() -> None:
    contract = component(column("base"), column("kind", role="quasi_identifier"), subject="enterprise")
    for each, categories, word in ((contract, ENTERPRISES, "enterprise"), (aggregate(), PERSONAL, "group")):
        with tables(component={column.name: ["x"] for column in each.columns}) as found:
            told = reviewed(ResultFacts("cells", each, categories, found["component"]))
        assert (told["R1_k_anonymity"].outcome, word in told["R1_k_anonymity"].reason) == ("pass", True)


@pytest.mark.skipif(not ORACLE.is_file(), reason=f"the worked cases are not at {ORACLE.parent.name}; none was compared")
def test_the_worked_case_of_dominance() -> None:
    cases = [each for each in json.loads(ORACLE.read_text("utf-8"))["cases"] if each["formula"] == "dominance"]
    for case in cases:
        given, expected = case["inputs"], case["outputs"]
        rows = [("north", f"c{place}", float(value)) for place, value in enumerate(given["contributions"])]
        rule = DominanceRule(given["n"], Decimal(str(given["k_percent"])), Decimal(str(given["p_percent"])))
        with tables(
            component={"district": ["north"]}, contributions=columns_of(rows, "district", "contributor", "value")
        ) as found:
            told = measure_dominance(found["component"], ["district"], "sales", found["contributions"], rule)
        assert (bool(told.dominated), bool(told.estimable)) == (expected["nk_sensitive"], expected["p_sensitive"])
        assert told.greatest_share * 100 == pytest.approx(float(expected["nk_share_percent"]))


def sales(aggregated: str = "sum") -> ComponentContract:
    """Patients and sales of enterprises by district."""
    return aggregate(
        column("sales", logicalType="number", role="measure"),
        grain=["district"],
        minimumGroup=3,
        contributions={"sales": {"aggregate": aggregated, "query": "select 1"}},
    )


SALES = sales()


def dominance(
    contributed: Sequence[Row],
    shown: float | None = None,
    district: str = "north",
    contract: ComponentContract = SALES,
    **facts: Any,
) -> Finding:
    """The finding for sales of one district; what is shown is what was contributed to it unless said otherwise."""
    made = sum(value for where, _, value in contributed if where == district)
    rows = [(district, "q1", 9, made if shown is None else shown)]
    names = [each.name for each in contract.columns]
    with tables(
        component=columns_of(rows, *names), contributions=columns_of(contributed, "district", "contributor", "value")
    ) as found:
        known = {"contributions": {"sales": found["contributions"]}, **facts}
        return review_dominance(ResultFacts("cells", contract, ENTERPRISES, found["component"], **known), MARKET)


def of(*values: float, district: str = "north") -> list[Row]:
    return [(district, f"{district} {place}", float(value)) for place, value in enumerate(values)]


def test_a_sum_of_many_like_ones_passes() -> None:
    found = dominance(of(30, 25, 20, 15, 10))
    assert (found.outcome, found.evidence["measures"]["sales"]["fewest_contributors"]) == ("pass", 5)


@pytest.mark.parametrize(
    ("contributions", "cause"),
    [
        (of(600, 251, 79, 40, 30), "2 make up more than 85 %"),
        (of(1000, 900, 40, 30, 29), "the largest can be estimated to 10 %"),
        (of(50, 50, 50, 50), "fewer than 5 enterprises"),
        (of(100), "2 make up more than 85 %"),
        (of(30, 25, 20, 15, 10, district="south"), "without known contributions"),
        (of(30, 25, 20, 15, -400), "2 make up more than 85 %"),
        ([*of(30, 25, 20, 15, 10), *[("north", "north 0", 300.0)] * 3], "2 make up more than 85 %"),
    ],
)
def test_a_sum_that_is_mostly_one_or_two_enterprises_is_refused(contributions: list[Row], cause: str) -> None:
    found = dominance(contributions)
    assert found.outcome == "fail" and cause in found.reason


def test_a_share_at_the_bound_passes_and_a_cell_of_zeros_tells_nothing() -> None:
    assert dominance(of(600, 250, 80, 40, 30)).outcome == "pass"
    assert dominance(of(0, 0, 0, 0, 0)).outcome == "pass"


def test_sums_of_enterprises_whose_parts_are_unknown_are_refused() -> None:
    rows = [("north", "q1", 9, 1.0)]
    found = review_of(review_dominance, rows, SALES, ENTERPRISES)
    assert found.outcome == "fail" and "not known what each enterprise contributed to sales" in found.reason
    assert review_of(review_dominance, rows, SALES, PERSONAL).outcome == "pass"
    assert review_of(review_dominance, CELLS, aggregate(), ENTERPRISES).outcome == "pass", "only counts"


def test_contributions_that_cannot_be_relied_on_are_refused_with_their_fault() -> None:
    found = dominance(of(30, 25, 20, 15, 10), contributions={}, unreliable={"sales": "it has max"})
    assert (found.outcome, found.reason) == ("fail", "the contributions to sales cannot be relied on: it has max")


@pytest.mark.parametrize("shown", [1000.0, 101.0, 99.0, 0.0, float("nan")])
def test_a_sum_that_is_not_made_of_its_contributions_is_refused(shown: float) -> None:
    """Many small contributions beside a sum that one enterprise makes would hide that it does."""
    found = dominance(of(30, 25, 20, 15, 10), shown)
    assert (found.outcome, found.reason) == ("fail", "sales is not what its contributions make in 1 cell")


def test_a_rounded_sum_is_still_that_of_its_contributions() -> None:
    assert dominance(of(30.2, 25.1, 20.1, 15.1, 10.1), 101.0).outcome == "pass"


def test_a_mean_is_judged_by_what_it_is_the_mean_of() -> None:
    assert dominance(of(30, 25, 20, 15, 10), 20.0, contract=sales("mean")).outcome == "pass"
    assert "not what its contributions make" in dominance(of(30, 25, 20, 15, 10), contract=sales("mean")).reason
    assert "make up more than 85 %" in dominance(of(600, 251, 79, 40, 30), 200.0, contract=sales("mean")).reason


def test_contributions_to_cells_that_are_left_out_do_not_matter() -> None:
    assert dominance([*of(30, 25, 20, 15, 10), *of(100, district="south")]).outcome == "pass"
    assert dominance([*of(30, 25, 20, 15, 10), *of(100, district="south")], district="south").outcome == "fail"


def secondary(rows: Sequence[Row], related: Sequence[str] | None = (), **totals: Sequence[Row]) -> Finding:
    """The finding for cells by district and quarter, under totals by one of them."""
    published = {name: columns_of(each, name, "patients") for name, each in totals.items()}
    with tables(component=columns_of(rows, "district", "quarter", "patients"), **published) as found:
        known = [PublishedTable(f"by_{name}", found[name], (name,)) for name in totals]
        return secondary_beside(found["component"], known, related)


def secondary_beside(
    table: ir.Table, known: Sequence[PublishedTable], related: Sequence[str] | None, grain: Sequence[str] = ()
) -> Finding:
    contract = aggregate(**({"grain": list(grain)} if grain else {}))
    facts = ResultFacts("cells", contract, PERSONAL, table, related_releases=related, published=known)
    try:
        return review_secondary(facts, MARKET)
    except Unmeasurable as error:
        return Finding("R11_secondary_suppression", "result", "error", str(error))


TWO_LEFT_OUT = [("north", "q1", 20), ("south", "q1", 30), ("south", "q2", 30), ("west", "q1", 40), ("west", "q2", 40)]


def test_totals_of_all_cells_tell_nothing_more() -> None:
    assert secondary(CELLS, district=[("north", 52), ("south", 11)]).outcome == "pass"
    assert secondary(CELLS).reason.startswith("it does not apply: no totals")


def test_a_total_less_the_cells_shown_is_a_cell_left_out() -> None:
    found = secondary(TWO_LEFT_OUT, district=[("north", 24), ("south", 60), ("west", 80)])
    assert found.outcome == "fail"
    assert found.evidence["exposed"] == {"cells under by_district": 1}


def test_two_cells_left_out_of_few_together_are_refused() -> None:
    rows = [("north", "q1", 20), ("south", "q1", 30), ("south", "q2", 30), ("south", "q3", 30)]
    few = secondary(rows, district=[("north", 28), ("south", 90)])
    assert few.outcome == "fail" and "leaves a group of fewer than 11" in few.reason
    assert secondary(rows, district=[("north", 38), ("south", 90)]).outcome == "pass", "18 in two cells"


def test_a_cell_left_out_that_only_several_totals_determine_together_is_refused() -> None:
    """Each total lacks two cells or more. Those of a and b less those of q1 and q2 are the one cell of a in q3."""
    left_out = {"a": "q1 q2 q3", "b": "q1 q2", "c": "q3 q4", "d": "q3 q4"}
    cells = [(district, quarter) for district in left_out for quarter in ("q1", "q2", "q3", "q4")]
    counts = {cell: 7 if cell[1] in left_out[cell[0]] else 30 for cell in cells}
    rows = [(*cell, count) for cell, count in counts.items() if count == 30]
    by_district = [(each, sum(counts[cell] for cell in cells if cell[0] == each)) for each in left_out]
    by_quarter = [(each, sum(counts[cell] for cell in cells if cell[1] == each)) for each in ("q1", "q2", "q3", "q4")]
    assert secondary(rows, district=by_district).outcome == "pass"
    assert secondary(rows, quarter=by_quarter).outcome == "pass"
    found = secondary(rows, district=by_district, quarter=by_quarter)
    assert found.outcome == "fail" and "can be computed" in found.reason


def test_a_square_of_cells_left_out_is_not_determined() -> None:
    rows = [("north", "q3", 30), ("south", "q3", 30), ("west", "q1", 30), ("west", "q2", 30), ("west", "q3", 30)]
    totals = {
        "district": [("north", 60), ("south", 70), ("west", 90)],
        "quarter": [("q1", 70), ("q2", 60), ("q3", 90)],
    }
    assert secondary(rows, **totals).outcome == "pass"


def test_totals_of_cells_that_were_published_before_are_judged_alike() -> None:
    """The cells of q1 and q2 were released first; now come the totals of their districts."""
    cells = columns_of(TWO_LEFT_OUT, "district", "quarter", "patients")
    for north, outcome in ((24, "fail"), (20, "pass")):
        totals = columns_of([("north", north), ("south", 60), ("west", 80)], "district", "patients")
        with tables(component=totals, cells=cells) as found:
            known = [PublishedTable("r1", found["cells"], ("district", "quarter"))]
            assert secondary_beside(found["component"], known, ["r1"], ["district"]).outcome == outcome


def test_what_is_published_must_be_known_and_looked_at() -> None:
    assert secondary(CELLS, related=None).outcome == "fail"
    unseen = secondary(CELLS, related=["r1"])
    assert unseen.outcome == "fail" and "what r1 publishes" in unseen.reason
    with tables(component=columns_of(CELLS, "district", "quarter", "patients")) as found:
        table = found["component"]
        for strange in (
            PublishedTable("r1", table, ("quarter", "other")),
            PublishedTable("r1", table.drop("patients"), ("quarter",)),
        ):
            assert secondary_beside(table, [strange], []).outcome == "error"


def test_too_many_cells_left_out_are_an_error_and_not_skipped() -> None:
    rows = [(f"d{place}", f"q{place}", 30) for place in range(70)]
    totals = {
        "district": [(f"d{place}", 90) for place in range(70)],
        "quarter": [(f"q{place}", 90) for place in range(70)],
    }
    found = secondary(rows, **totals)
    assert (found.outcome, found.reason.startswith("it is too large to be checked")) == ("error", True)
