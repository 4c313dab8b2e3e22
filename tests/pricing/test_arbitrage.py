"""No arbitrage: the theorem for additive prices on the same rows, and the lint of what is listed."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pricing.arbitrage import Finding, Listing, arbitrage_findings, cheapest_cover
from pricing.cost import adjusted_cost, cost_price, fields_cost
from pricing.density import density, record_entropy
from pricing.negotiated import Joint, negotiated_price
from pricing.params import EXPERT_BETA
from pricing.quality import DIMENSIONS, Evidence, entropy_shares, quality_coefficient, quality_matrix
from tests.pricing.markets import unhurried

COLUMNS = "abcdef"
A_K_FEN = 4_000_000

column_sets = st.frozensets(st.sampled_from(COLUMNS), min_size=1)
units = st.floats(0, 1)
entropies = st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.floats(0.1, 8)))
costs_fen = st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.integers(0, 10**6)))
field_scores = st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.lists(units, min_size=6, max_size=6)))
partitions = st.lists(st.sampled_from(["one", "other", "neither"]), min_size=6, max_size=6)


def listing(component_id: str, columns: str, price_fen: int, rows_id: str = "trips", parts: str = "") -> Listing:
    return Listing(component_id, frozenset(columns), rows_id, price_fen, frozenset(parts.split()))


def price(
    bits: Mapping[str, float],
    scores: Mapping[str, Sequence[float]],
    record_bits: float,
    volume: float = 1.0,
    cost_fen: int = 0,
    value_fen: int = A_K_FEN,
) -> int:
    """P¹ in matrix mode, w_f = H_f / ΣH, D = E / (E + 16), additive g; scores: of each column, by dimension."""
    evidence = [
        Evidence(dimension, "critical", score, field=column)
        for column in bits
        for dimension, score in zip(DIMENSIONS, scores[column], strict=True)
    ]
    q = quality_coefficient(quality_matrix(evidence, entropy_shares(bits)), EXPERT_BETA)
    cost = adjusted_cost(cost_price([cost_fen], 0))
    return negotiated_price(volume * q * density(record_bits), cost, Joint("additive", value_fen))


@settings(unhurried, max_examples=300)
@given(partitions, entropies, costs_fen, field_scores, st.floats(0.5, 1), st.integers(0, 10**8), units)
def test_a_union_is_never_dearer_than_its_parts(
    partition: list[str],
    bits: dict[str, float],
    costs: dict[str, int],
    scores: dict[str, list[float]],
    volume: float,
    value_fen: int,
    redundancy: float,
) -> None:
    """Theorem of models §4.3: the same rows, disjoint parts, no redundancy inside a part, any between the two."""

    def of(part: str) -> dict[str, float]:
        return {column: bits[column] for column, name in zip(COLUMNS, partition, strict=True) if name == part}

    def price_of(columns: dict[str, float], record_bits: float) -> int:
        return price(columns, scores, record_bits, volume, int(fields_cost(costs, columns)), value_fen)

    one, other = of("one"), of("other")
    assume(one and other)
    e_one, e_other = sum(one.values()), sum(other.values())
    e_union = max(e_one, e_other) + redundancy * min(e_one, e_other)
    union_fen = price_of({**one, **other}, e_union)
    assert union_fen <= price_of(one, e_one) + price_of(other, e_other) + 1, "but for the fen that rounding may add"


def test_parts_that_share_a_bad_column_undercut_their_union_and_the_lint_finds_it() -> None:
    """Outside the theorem: the shared column drags each part down by its bits, the union only once."""
    bits, scores = {"a": 1.0, "b": 1.0, "c": 10.0}, {"a": [1.0] * 6, "b": [1.0] * 6, "c": [0.0] * 6}
    priced = {
        columns: price({column: bits[column] for column in columns}, scores, sum(bits[column] for column in columns))
        for columns in ("abc", "ac", "bc")
    }
    assert priced == {"abc": 54_762, "ac": 15_488, "bc": 15_488}
    findings = arbitrage_findings([listing(columns, columns, fen) for columns, fen in priced.items()])
    assert findings == (Finding("bundle_dearer", "abc", 54_762, ("ac", "bc"), 30_976),)


def test_a_part_that_repeats_itself_undercuts_the_union_and_the_lint_finds_it() -> None:
    """Outside the theorem: ten copies of a bit weigh as ten in Z, where w_f = H_f / ΣH, but as one in E."""
    names = [*(f"copy {number}" for number in range(10)), "good"]
    table = [((bit,) * 10 + (rest,), 1) for bit in range(2) for rest in range(1024)]
    scores = {name: [0.0 if name == "good" else 1.0] * 6 for name in names}

    def price_of(columns: list[str]) -> int:
        places = [names.index(name) for name in columns]
        found = record_entropy(columns, [(tuple(row[place] for place in places), n) for row, n in table])
        return price({column.name: column.bits for column in found.columns}, scores, found.bits)

    listings = [
        Listing(name, frozenset(columns), "trips", price_of(columns))
        for name, columns in (("union", names), ("copies", names[:10]), ("rest", names[10:]))
    ]
    assert [each.price_fen for each in listings] == [468_519, 270_588, 0]
    assert [finding.dearer_id for finding in arbitrage_findings(listings)] == ["union"]


def test_a_bad_column_makes_a_superset_cheaper_and_the_lint_finds_it() -> None:
    """Models §4.3: not guaranteed, since more columns may mean less quality."""
    scores = {"a": [1.0] * 6, "b": [0.0] * 6}
    part, whole = price({"a": 4.0}, scores, 4.0), price({"a": 4.0, "b": 4.0}, scores, 8.0)
    assert whole < part
    findings = arbitrage_findings([listing("part", "a", part), listing("whole", "ab", whole)])
    assert findings == (Finding("superset_cheaper", "part", part, ("whole",), whole),)


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
