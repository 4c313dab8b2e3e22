"""No arbitrage: the theorem for additive prices on the same rows, and the lint of what is listed."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.arbitrage import Finding, Listing, arbitrage_findings, cheapest_cover
from pricing.cost import adjusted_cost, cost_price, fields_cost
from pricing.negotiated import Joint, negotiated_price
from pricing.quality import Dimension, quality
from tests.pricing.markets import unhurried

DIMENSIONS: tuple[Dimension, ...] = ("completeness", "accuracy", "timeliness")
BETA: dict[Dimension, float] = {"completeness": 0.5, "accuracy": 0.3, "timeliness": 0.2}
COLUMNS = "abcdef"

column_sets = st.frozensets(st.sampled_from(COLUMNS), min_size=1)
entropies = st.fixed_dictionaries({column: st.floats(0.1, 8) for column in COLUMNS})
costs_fen = st.fixed_dictionaries({column: st.integers(0, 10**6) for column in COLUMNS})
field_scores = st.fixed_dictionaries({column: st.tuples(*(st.floats(0, 1) for _ in DIMENSIONS)) for column in COLUMNS})


def listing(component_id: str, columns: str, price_fen: int, rows_id: str = "trips", parts: str = "") -> Listing:
    return Listing(component_id, frozenset(columns), rows_id, price_fen, frozenset(parts.split()))


@unhurried
@given(column_sets, column_sets, entropies, costs_fen, field_scores, st.floats(0.5, 1), st.integers(0, 10**7))
def test_a_union_is_never_dearer_than_its_parts(
    one: frozenset[str],
    other: frozenset[str],
    bits: dict[str, float],
    costs: dict[str, int],
    scores: dict[str, tuple[float, ...]],
    volume: float,
    value_fen: int,
) -> None:
    """Theorem of models §4.3: same rows, Z weighted by entropy, D = E / (E + 16), shared fields once, additive g."""

    def price(columns: frozenset[str]) -> int:
        whole = sum(bits[column] for column in columns)
        z = {
            dimension: min(1.0, sum(bits[column] * scores[column][place] for column in columns) / whole)
            for place, dimension in enumerate(DIMENSIONS)
        }
        cost = adjusted_cost(cost_price([fields_cost(costs, columns)], 0))
        return negotiated_price(volume * quality(z, BETA) * whole / (whole + 16), cost, Joint("additive", value_fen))

    assert price(one | other) <= price(one) + price(other) + 1, "but for the fen that rounding may add"


def test_a_superset_that_costs_less_is_found() -> None:
    listings = [listing("fares", "ab", 500), listing("everything", "abc", 400)]
    assert arbitrage_findings(listings) == (Finding("superset_cheaper", "fares", 500, ("everything",), 400),)


def test_of_two_with_the_same_columns_the_dearer_is_found() -> None:
    findings = arbitrage_findings([listing("fares", "ab", 500), listing("twin", "ab", 400)])
    assert [finding.dearer_id for finding in findings] == ["fares"]


def test_a_bundle_dearer_than_its_parts_is_found_with_the_cheapest_parts() -> None:
    listings = [
        listing("bundle", "abcd", 1000),
        listing("left", "ab", 400),
        listing("right", "cd", 400),
        listing("middle", "bcd", 450),
    ]
    assert arbitrage_findings(listings) == (Finding("bundle_dearer", "bundle", 1000, ("left", "right"), 800),)


def test_declared_parts_are_held_against_the_bundle_whatever_their_rows() -> None:
    listings = [
        listing("year", "ab", 1000, rows_id="2025", parts="first second"),
        listing("first", "ab", 300, rows_id="2025H1"),
        listing("second", "ab", 300, rows_id="2025H2"),
    ]
    assert arbitrage_findings(listings) == (Finding("bundle_dearer", "year", 1000, ("first", "second"), 600),)
    assert arbitrage_findings(listings[:2]) == ()


def test_other_rows_are_other_data() -> None:
    assert arbitrage_findings([listing("fares", "ab", 500), listing("all", "abc", 400, rows_id="taxis")]) == ()


def test_prices_that_add_up_are_left_alone() -> None:
    listings = [listing("bundle", "abc", 700), listing("left", "ab", 400), listing("right", "c", 300)]
    assert arbitrage_findings(listings) == ()


@unhurried
@given(st.lists(st.tuples(column_sets, st.integers(0, 20)), max_size=7), column_sets)
def test_the_cheapest_cover_is_the_cheapest_of_all(
    parts: list[tuple[frozenset[str], int]], wanted: frozenset[str]
) -> None:
    listed = [Listing(str(number), columns, "trips", price) for number, (columns, price) in enumerate(parts)]
    covers = [
        sum(part.price_fen for part in chosen)
        for size in range(len(listed) + 1)
        for chosen in combinations(listed, size)
        if frozenset().union(*(part.columns for part in chosen)) >= wanted
    ]
    found = cheapest_cover(wanted, listed)
    assert (None if found is None else sum(part.price_fen for part in found)) == min(covers, default=None)


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="listed twice"):
        arbitrage_findings([listing("fares", "a", 1), listing("fares", "b", 1)])
    with pytest.raises(ValueError, match="fares has no columns"):
        listing("fares", "", 1)
    with pytest.raises(ValueError, match="cannot be a part of itself"):
        listing("fares", "a", 1, parts="fares")
    with pytest.raises(ValueError, match="whole number of fen"):
        listing("fares", "a", -1)
