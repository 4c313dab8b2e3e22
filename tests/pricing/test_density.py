"""The entropy of the best dependence tree, and h: the properties of models §2.1 and §2.5 on small tables."""

import math
import random as random_module
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.density import (
    TRANSFORMS,
    ColumnEntropy,
    PairEntropy,
    RecordEntropy,
    Transform,
    chow_liu,
    column_counts_entropy,
    density,
    pair_counts_entropy,
    record_entropy,
)
from tests.pricing.markets import NOT_FINITE, unhurried

NAMES = ("a", "b", "c", "d")
CLOSE = 1e-9

Table = list[tuple[tuple[object, ...], int]]

values = st.integers(0, 2)
counts = st.integers(1, 6)
tables = st.lists(st.tuples(st.tuples(values, values, values, values), counts), min_size=1, max_size=10)
holed = st.none() | values
tables_with_nulls = st.lists(st.tuples(st.tuples(holed, holed, holed, holed), counts), min_size=1, max_size=10)
column_sets = st.sets(st.integers(0, 3), min_size=1)
bits = st.floats(0, 1e4)
halves = st.floats(0.1, 1e3)
transforms = st.sampled_from(TRANSFORMS)
bounded = st.sampled_from(["michaelis", "exp_saturation"])


def entropy_of(table: Table, places: tuple[int, ...] = (0, 1, 2, 3)) -> RecordEntropy:
    return record_entropy(
        [NAMES[place] for place in places], [(tuple(row[place] for place in places), n) for row, n in table]
    )


@unhurried
@given(tables)
def test_it_lies_between_the_joint_entropy_and_the_sum(table: Table) -> None:
    found = entropy_of(table)
    assert found.joint_bits is not None
    assert found.joint_bits - CLOSE <= found.bits <= found.marginal_sum_bits + CLOSE


@unhurried
@given(tables)
def test_one_column_has_its_entropy_and_two_their_joint_one(table: Table) -> None:
    one, two = entropy_of(table, (0,)), entropy_of(table, (0, 1))
    assert one.bits == pytest.approx(one.joint_bits, abs=CLOSE)
    assert two.bits == pytest.approx(two.joint_bits, abs=CLOSE)


@unhurried
@given(tables_with_nulls, st.integers(0, 3))
def test_a_duplicate_column_adds_nothing(table: Table, place: int) -> None:
    """Also where it is recoded one to one, and where it has nulls."""
    wider = [((*row, None if row[place] is None else f"recoded {row[place]}"), n) for row, n in table]
    assert record_entropy([*NAMES, "copy"], wider).bits == pytest.approx(entropy_of(table).bits, abs=CLOSE)


@unhurried
@given(tables_with_nulls, st.permutations(range(4)), st.randoms())
def test_neither_the_order_of_columns_nor_of_rows_matters(table: Table, places: list[int], order: object) -> None:
    shuffled = list(table)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert entropy_of(shuffled, tuple(places)).bits == pytest.approx(entropy_of(table).bits, abs=CLOSE)


@unhurried
@given(tables_with_nulls, column_sets, column_sets)
def test_columns_together_hold_no_more_than_apart(table: Table, one: set[int], other: set[int]) -> None:
    """Subadditive for any sets of columns, overlapping ones and such with nulls too."""

    def bits_of(places: set[int]) -> float:
        return entropy_of(table, tuple(sorted(places))).bits

    assert bits_of(one | other) <= bits_of(one) + bits_of(other) + CLOSE


@unhurried
@given(tables_with_nulls)
def test_the_tree_is_the_heaviest_of_all(table: Table) -> None:
    found = entropy_of(table)
    weight = {(pair.first, pair.second): pair.weighted_bits for pair in found.pairs}
    trees = [edges for edges in combinations(weight, 3) if joins_all(edges)]
    heaviest = max(math.fsum(weight[edge] for edge in edges) for edges in trees)
    assert len(found.tree) == 3 and joins_all(found.tree)
    assert math.fsum(weight[edge] for edge in found.tree) == pytest.approx(heaviest, abs=CLOSE)
    assert found.bits == pytest.approx(max(0.0, found.marginal_sum_bits - heaviest), abs=CLOSE)


def joins_all(edges: tuple[tuple[str, str], ...]) -> bool:
    reached = {"a"}
    for _ in NAMES:
        reached |= {name for edge in edges if reached & set(edge) for name in edge}
    return reached == set(NAMES)


@unhurried
@given(tables_with_nulls)
def test_nulls_are_no_symbol_and_take_their_share_away(table: Table) -> None:
    rows = sum(n for _, n in table)
    for place, column in enumerate(entropy_of(table).columns):
        filled = sum(n for row, n in table if row[place] is not None)
        assert column.null_rate == pytest.approx(1 - filled / rows)
        assert column.weighted_bits == pytest.approx(filled / rows * column.bits)


def test_masking_never_raises_it() -> None:
    whole: Table = [(("x",), 2), (("y",), 1)]
    masked: Table = [(("x",), 1), ((None,), 1), (("y",), 1)]
    assert record_entropy(["a"], masked).bits == pytest.approx(2 / 3)
    assert record_entropy(["a"], masked).bits < record_entropy(["a"], whole).bits


def test_a_common_cause_may_lower_it_which_is_why_the_joint_is_shown_beside_it() -> None:
    """Models §2.1: x, y and their exclusive or look unrelated by pairs; with (x, y) as a column they do not."""
    bits_drawn = [(x, y) for x in (0, 1) for y in (0, 1)]
    unseen = record_entropy(["x", "y", "xor"], [((x, y, x ^ y), 1) for x, y in bits_drawn])
    seen = record_entropy(["x", "y", "xor", "cause"], [((x, y, x ^ y, 2 * x + y), 1) for x, y in bits_drawn])
    assert (unseen.bits, unseen.joint_bits) == (3.0, 2.0)
    assert (seen.bits, seen.joint_bits) == (2.0, 2.0)


def test_it_measures_the_columns_while_the_joint_measures_the_rows() -> None:
    """Models §2.1: with ten columns the joint entropy is log2 n, which V measures already."""

    def drawn(rows: int) -> RecordEntropy:
        random = random_module.Random(11)
        table = [(tuple(min(9, int(random.expovariate(0.4))) for _ in range(10)), 1) for _ in range(rows)]
        return record_entropy([f"column {place}" for place in range(10)], table)

    few, many = drawn(500), drawn(4000)
    assert few.joint_bits == pytest.approx(math.log2(500), abs=0.1)
    assert many.joint_bits == pytest.approx(math.log2(4000), abs=0.1)
    assert few.bits == pytest.approx(many.bits, rel=0.06)
    assert few.bits > 1.5 * math.log2(4000)


def test_no_column_and_no_row_hold_nothing() -> None:
    assert record_entropy([], []).bits == 0
    assert record_entropy(["a", "b"], []).bits == 0
    assert record_entropy(["a"], [((None,), 3)]).bits == 0
    assert record_entropy(["a", "b"], [((1, None), 3), ((None, 1), 3)]).joint_bits == 0


def test_it_works_from_what_an_engine_counted() -> None:
    columns = [column_counts_entropy("a", [3, 3], rows=8), column_counts_entropy("b", [4, 2, 2], rows=8)]
    pair = pair_counts_entropy("b", "a", {("x", 1): 3, ("y", 2): 3}, rows=8)
    found = chow_liu(columns, [pair], joint_bits=1.0)
    assert found.bits == pytest.approx(0.75 * 1 + 1.5 - 0.75 * 1)
    assert (found.tree, found.joint_bits) == ((("a", "b"),), 1.0)
    corrected = column_counts_entropy("b", [4, 2, 2], rows=8, estimator="miller_madow")
    assert corrected.bits == pytest.approx(1.5 + 2 / (2 * 8 * math.log(2)))
    assert pair_counts_entropy("b", "a", {("x", 1): 3}, rows=8, estimator="miller_madow").joint_bits == 0


def test_of_equal_edges_the_first_in_the_columns_order_is_taken() -> None:
    columns = [ColumnEntropy(name, 1.0) for name in "abc"]
    pairs = [PairEntropy(one, other, 1.0, 1.0, 1.0) for one, other in (("c", "b"), ("a", "c"), ("b", "a"))]
    assert chow_liu(columns, pairs).tree == (("a", "b"), ("a", "c"))
    assert chow_liu(columns, pairs[::-1]).tree == (("a", "b"), ("a", "c"))


@unhurried
@given(bits, bits, halves, transforms)
def test_h_is_0_at_nothing_and_never_falls(e: float, more: float, half: float, transform: Transform) -> None:
    assert density(0, transform, half) == 0
    assert density(e + more, transform, half) >= density(e, transform, half) >= 0


@unhurried
@given(bits, bits, halves, transforms)
def test_h_is_concave_and_so_subadditive(e: float, other: float, half: float, transform: Transform) -> None:
    middle = density((e + other) / 2, transform, half)
    apart = density(e, transform, half) + density(other, transform, half)
    assert middle >= apart / 2 * (1 - 1e-12) - 1e-12
    assert density(e + other, transform, half) <= apart * (1 + 1e-12) + 1e-12


@unhurried
@given(bits, halves, bounded)
def test_the_bounded_ones_stay_below_1_and_are_a_half_at_e0(e: float, half: float, transform: Transform) -> None:
    assert 0 <= density(e, transform, half) <= 1
    assert density(half, transform, half) == pytest.approx(0.5)


@unhurried
@given(bits, halves, st.floats(0.1, 10), bounded)
def test_the_bounded_ones_have_no_unit(e: float, half: float, unit: float, transform: Transform) -> None:
    assert density(e * unit, transform, half * unit) == pytest.approx(density(e, transform, half), rel=1e-9)


def test_the_exponential_saturates_too_early() -> None:
    """Models §2.5."""
    assert density(48, "exp_saturation", 16) == pytest.approx(0.875)
    assert density(48, "michaelis", 16) == 0.75
    assert density(1e-9, "exp_saturation", 16) == pytest.approx(1e-9 / 16 * math.log(2), rel=1e-9)
    assert density(1e-12, "log1p_bits") == pytest.approx(1e-12 / math.log(2), rel=1e-9)


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: density(wrong),
        lambda: density(1, "michaelis", wrong),
        lambda: ColumnEntropy("a", wrong),
        lambda: ColumnEntropy("a", 1, wrong),
        lambda: PairEntropy("a", "b", wrong, 1, 1),
        lambda: PairEntropy("a", "b", 1, wrong, 1),
        lambda: PairEntropy("a", "b", 1, 1, wrong),
        lambda: PairEntropy("a", "b", 1, 1, 1, wrong),
    ):
        with pytest.raises(ValueError, match=r"must be finite|must lie in"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    a, b = ColumnEntropy("a", 1.0), ColumnEntropy("b", 1.0)
    pair = PairEntropy("a", "b", 1.0, 1.0, 2.0)
    with pytest.raises(ValueError, match="each column may be given once"):
        chow_liu([a, a], [])
    with pytest.raises(ValueError, match="1 pairs of columns are missing"):
        chow_liu([a, b], [])
    with pytest.raises(ValueError, match="the pair of b and a is given twice"):
        chow_liu([a, b], [pair, PairEntropy("b", "a", 1.0, 1.0, 2.0)])
    with pytest.raises(ValueError, match="is not of the columns given"):
        chow_liu([a], [pair])
    with pytest.raises(ValueError, match="a pair needs two columns, not a twice"):
        PairEntropy("a", "a", 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="a record of 1 values for 2 columns"):
        record_entropy(["a", "b"], [((1,), 1)])
    with pytest.raises(ValueError, match="9 counted rows of a in a table of 8"):
        column_counts_entropy("a", [9], rows=8)
    with pytest.raises(ValueError, match="9 counted rows of a and b in a table of 8"):
        pair_counts_entropy("a", "b", {(1, 1): 9}, rows=8)
    with pytest.raises(ValueError, match="whole numbers, 0 or more"):
        column_counts_entropy("a", [9, -2], rows=8)
    with pytest.raises(ValueError, match="half_value_bits must be finite and above 0"):
        density(1, "michaelis", 0)
    with pytest.raises(ValueError, match=r"transform must be one of .*, not 'ratio_to_max'"):
        density(1, "ratio_to_max")  # type: ignore[arg-type]
