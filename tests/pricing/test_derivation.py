"""The next epoch's constants: medians of the catalogue and the trades, kept where too few speak, and why."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.comparables import Comparable
from pricing.cost import ADJUSTMENTS
from pricing.derivation import CatalogueFact, Derived, derived, grain_of
from pricing.negotiated import Trade
from pricing.params import GRAINS, STANDARD, PriceParameters
from pricing.trade_records import MarketFacts, NoTrades, market_facts
from tests.pricing.markets import factors, sale, unhurried

DAY = date(2026, 11, 25)
BEFORE = replace(STANDARD, price=PriceParameters(value_fen=dict.fromkeys(ADJUSTMENTS, 2_000_000)))
DOMAINS = tuple(ADJUSTMENTS)
SUBJECTS = ("person", "enterprise", "event", "aggregate", "object")
CLOSED = MarketFacts({}, (), 0, 0)

catalogues = st.lists(
    st.tuples(
        st.sampled_from(DOMAINS),
        st.sampled_from(SUBJECTS),
        st.integers(0, 10**9),
        st.floats(0, 64),
        st.integers(0, 10**9),
    ),
    max_size=12,
).map(lambda rows: [CatalogueFact(f"component {number}", *row) for number, row in enumerate(rows)])


def fact(component: str = "trips", **changes: Any) -> CatalogueFact:
    values = {"domain": "governance", "subject": "aggregate", "records": 5000, "entropy_bits": 12.0}
    return CatalogueFact(component, **{**values, "adjusted_cost_fen": 3_000_000, **changes})


def of(facts: list[CatalogueFact], market: MarketFacts = CLOSED, beta: Any = 1) -> Derived:
    return derived(BEFORE, beta, "standard-2027q1", facts, market)


def trades(count: int, price: int = 4_000_000, **changes: Any) -> tuple[Trade, ...]:
    return tuple(Trade(price, 1_000_000, 0.5, Fraction(0), **changes) for _ in range(count))


def test_what_the_catalogue_is_too_small_for_stays_and_says_so() -> None:
    found = of([])
    assert found.parameters == replace(BEFORE, version="standard-2027q1")
    assert found.beta_market == 1
    assert all("Kept from standard-2026q4" in reason for name, reason in found.reasons.items() if name != "beta_market")
    two = of([fact("a"), fact("b")])
    assert two.parameters.half_value_bits == 16 and two.parameters.reference_records["aggregate"] == 1e6
    assert two.reasons["half_value_bits"] == "Kept from standard-2026q4: 2 components, 3 are needed"


def test_medians_of_the_catalogue() -> None:
    facts = [fact(name, records=n, entropy_bits=e) for name, n, e in (("a", 10, 8.0), ("b", 30, 9.5), ("c", 20, 30.0))]
    found = of(facts)
    assert found.parameters.reference_records == {**BEFORE.reference_records, "aggregate": 20}
    assert found.parameters.half_value_bits == 9.5
    assert found.reasons["reference_records.aggregate"] == (
        "Median source records N of 3 aggregate components; 1,000,000 before"
    )
    assert found.reasons["half_value_bits"] == "Median entropy E of 3 components; 16 before"


def test_an_enterprise_counts_as_a_person() -> None:
    facts = [fact("a", subject="person", records=1), fact("b", subject="enterprise", records=7)]
    found = of([*facts, fact("c", subject="enterprise", records=9)])
    assert found.parameters.reference_records["person"] == 7
    assert [grain_of(subject) for subject in SUBJECTS] == ["person", "person", "event", "aggregate", "object"]


def test_what_was_not_counted_or_metered_enters_no_median() -> None:
    facts = [
        fact(name, records=n, adjusted_cost_fen=10 * n) for name, n in zip("abcdef", (0, 0, 0, 4, 5, 6), strict=True)
    ]
    found = of(facts).parameters
    assert found.reference_records["aggregate"] == 5 and found.price.value_fen["governance"] == 50
    assert of(facts[:5]).parameters.reference_records["aggregate"] == 1e6


def test_a_median_of_nothing_is_not_taken() -> None:
    found = of([fact(name, records=0, entropy_bits=0) for name in "abc"])
    assert found.parameters.half_value_bits == 16 and found.parameters.reference_records["aggregate"] == 1e6
    assert "is 0, and nothing is measured by that" in found.reasons["half_value_bits"]


def test_the_value_of_a_domain_starts_from_its_costs_until_ten_have_traded() -> None:
    facts = [fact("a", adjusted_cost_fen=3_000_000), fact("b", adjusted_cost_fen=3_000_001)]
    cold = of(facts, MarketFacts({"governance": trades(9)}, (), 0, 0))
    assert cold.parameters.price.value_fen == {
        **BEFORE.price.value_fen,
        "governance": 3_000_001,
    }  # 3,000,000.5 in whole
    assert cold.reasons["price.value_fen.governance"] == (
        "Cold start: λ 1 times the median C_y of 2 components; 9 arm's-length trades, 10 are needed; 2,000,000 before"
    )
    traded = of(facts, MarketFacts({"governance": trades(10)}, (), 0, 0))
    assert traded.parameters.price.value_fen["governance"] == 6_000_000
    assert "over 10 arm's-length trades" in traded.reasons["price.value_fen.governance"]
    among_friends = of([], MarketFacts({"governance": trades(30, arms_length=False)}, (), 0, 0))
    assert among_friends.parameters.price.value_fen == BEFORE.price.value_fen
    assert of([], MarketFacts({"governance": trades(10)}, (), 0, 0)).parameters.price.value_fen["governance"] == 6e6


def test_a_domain_of_which_nothing_is_known_stays_without_a_value() -> None:
    found = derived(STANDARD, 1, "standard-2027q1", [fact()], CLOSED)
    assert found.parameters.price.value_fen == {"governance": 3_000_000}
    assert "price.value_fen.innovation" not in found.reasons


def test_references_come_from_sales_to_three_buyers() -> None:
    sales = tuple(sale(price, factors=factors(scarcity=0.4, timeliness=0.9, coverage=0.8)) for price in (1, 2, 3))
    found = of([], MarketFacts({}, sales, 0, 0)).parameters.guide
    assert (found.reference_scarcity, found.reference_timeliness, found.reference_coverage) == (
        Fraction(2, 5),
        Fraction(9, 10),
        Fraction(4, 5),
    )
    few = MarketFacts({}, (*sales[:2], sale(4)), 0, 0)  # the third buyer's sale has no factors
    assert of([], few).parameters.guide == BEFORE.guide
    assert "no arm's-length sales to 3 buyers" in of([], few).reasons["guide.reference_scarcity"]
    late = tuple(sale(price, factors=factors(timeliness=0)) for price in (1, 2, 3))
    assert of([], MarketFacts({}, late, 0, 0)).parameters.guide.reference_timeliness == Fraction(3, 4)
    assert "Φ divides by it" in of([], MarketFacts({}, late, 0, 0)).reasons["guide.reference_timeliness"]


def test_a_component_counts_once() -> None:
    with pytest.raises(ValueError, match="given twice: trips"):
        of([fact(), fact("clinics"), fact()])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"domain": "mobility"}, "the domain of trips must be one of governance"),
        ({"subject": "household"}, "subject must be one of person, enterprise"),
        ({"records": -1}, "N of trips must be 0 or more"),
        ({"entropy_bits": float("nan")}, "E of trips must be a finite number"),
        ({"adjusted_cost_fen": -1}, "C_y of trips must be 0 or more"),
    ],
)
def test_a_fact_outside_its_domain_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fact(**changes)


@unhurried
@given(catalogues)
def test_constants_lie_within_what_the_catalogue_holds(facts: list[CatalogueFact]) -> None:
    found = of(facts).parameters
    bits = [fact.entropy_bits for fact in facts]
    if len(bits) >= 3 and median(bits) > 0:
        assert min(bits) <= found.half_value_bits <= max(bits)
    for grain in GRAINS:
        records = [fact.records for fact in facts if fact.grain == grain and fact.records > 0]
        if len(records) >= 3:
            assert min(records) <= found.reference_records[grain] <= max(records)
    for domain in DOMAINS:
        costs = [fact.adjusted_cost_fen for fact in facts if fact.domain == domain and fact.adjusted_cost_fen > 0]
        if costs:
            assert min(costs) <= found.price.value_fen[domain] <= max(costs)


@unhurried
@given(catalogues, st.randoms(use_true_random=False))
def test_the_order_of_the_catalogue_changes_nothing(facts: list[CatalogueFact], random: Any) -> None:
    shuffled = [*facts]
    random.shuffle(shuffled)
    assert of(shuffled) == of(facts)
    assert of(shuffled).parameters.content_hash == of(facts).parameters.content_hash


@unhurried
@given(catalogues)
def test_every_derived_value_has_a_reason(facts: list[CatalogueFact]) -> None:
    reasons = of(facts).reasons
    assert {name for name in reasons if name.startswith("reference_records.")} == {
        f"reference_records.{grain}" for grain in GRAINS
    }
    assert {f"price.value_fen.{domain}" for domain in DOMAINS} <= set(reasons)
    assert {"half_value_bits", "beta_market", "guide.reference_coverage"} <= set(reasons) and all(reasons.values())


@unhurried
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.fractions(Fraction(8, 10), Fraction(12, 10)))
def test_beta_moves_by_a_twentieth_at_most_and_stays_within_its_bounds(
    demand: int, supply: int, before: Fraction
) -> None:
    beta = of([], MarketFacts({}, (), demand, supply), before).beta_market
    assert Fraction(95, 100) * before <= beta <= Fraction(105, 100) * before
    assert Fraction(8, 10) <= beta <= Fraction(12, 10)


def test_demand_raises_beta_and_supply_lowers_it() -> None:
    assert of([], MarketFacts({}, (), 99, 0)).beta_market == Fraction(21, 20)
    assert of([], MarketFacts({}, (), 0, 99)).beta_market == Fraction(19, 20)
    assert of([], MarketFacts({}, (), 1, 0)).beta_market == Fraction("1.05")
    assert of([], MarketFacts({}, (), 5, 3)).beta_market == Fraction("1.041379")  # 1.5^0.1 = 1.04137974…
    assert of([], MarketFacts({}, (), 3, 5)).beta_market == Fraction("0.960265")  # 0.96026450… towards 1
    with pytest.raises(ValueError, match="demand must be 0 or more"):
        MarketFacts({}, (), -1, 0)


class Records(NoTrades):
    """A market in which one sale compares with two components."""

    def trades(self, domain: str, until: date) -> tuple[Trade, ...]:
        return trades(1) if domain == "governance" and until == DAY else ()

    def comparables(self, component: str, until: date) -> tuple[Comparable, ...]:
        assert until == DAY
        return (sale(5, buyer="one"), sale(7, buyer="two")) if component == "a" else (sale(5, buyer="one"),)

    def enquiries(self, epoch: str) -> int:
        return {"2026q4": 3}[epoch]


def test_a_sale_that_compares_with_two_components_is_kept_once() -> None:
    found = market_facts(Records(), ["b", "a"], DAY, "2026q4")
    assert found == MarketFacts(
        {**dict.fromkeys(ADJUSTMENTS, ()), "governance": trades(1)},
        (sale(5, buyer="one"), sale(7, buyer="two")),
        3,
        0,
    )
    assert market_facts(NoTrades(), ["a"], DAY, "2026q4") == MarketFacts(dict.fromkeys(ADJUSTMENTS, ()), (), 0, 0)
