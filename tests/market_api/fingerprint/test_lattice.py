"""How a number carries a bit."""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.fingerprint.lattice import LEVELS, Lattice, lattice_for

TOLERANCES = st.decimals(Decimal("0.001"), Decimal(5000), allow_nan=False, allow_infinity=False, places=3)
Cell = tuple[Any, int, int]
"""A value, the level and the bit of its mark."""


def marked_and_read(lattice: Lattice, cells: Sequence[Cell]) -> list[tuple[Any, Any, int | None, bool]]:
    """Value, mark, the bit that is read from the mark, and whether it keeps to the tolerance."""
    with duckdb.connect() as connection:
        connection.execute(f"create table cells (value {lattice.sql_type}, level utinyint, bit utinyint)")
        connection.executemany("insert into cells values (?, ?, ?)", [list(cell) for cell in cells])
        marked = f"select *, {lattice.marked_sql('value', 'level', 'bit')} as mark from cells"
        return connection.execute(
            f"select value, mark, {lattice.bit_sql('mark', 'level')}, "
            f"coalesce({lattice.is_within_sql('mark', 'value')}, false) from ({marked})"
        ).fetchall()


def nearest(lattice: Lattice, value: Any, level: int, bit: int) -> Fraction:
    """The rule of the specification, in exact numbers: 2^(j+1)·δ·ℤ + b·2^j·δ, the upper one of two that are as near."""
    step = Fraction(lattice.delta) * 2**level
    return 2 * step * math.floor((Fraction(value) - bit * step + step) / (2 * step)) + bit * step


def cells(values: st.SearchStrategy[Any], levels: int) -> st.SearchStrategy[list[Cell]]:
    return st.lists(st.tuples(values, st.integers(0, levels - 1), st.integers(0, 1)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(tolerance=TOLERANCES, data=st.data())
def test_a_float_goes_to_the_nearest_point_that_carries_the_bit(tolerance: Decimal, data: st.DataObject) -> None:
    lattice = lattice_for(tolerance, "double")
    assert lattice is not None and lattice.levels == LEVELS and 8 * lattice.delta <= tolerance < 16 * lattice.delta
    given_cells = data.draw(cells(st.floats(-1e6, 1e6), LEVELS))
    for (value, level, bit), (_, mark, read, is_within) in zip(
        given_cells, marked_and_read(lattice, given_cells), strict=True
    ):
        step = Fraction(lattice.delta) * 2**level
        assert is_within and read == bit
        assert abs(Fraction(mark) - Fraction(value)) <= Fraction(tolerance) * (1 + Fraction(1, 10**9))
        assert abs(Fraction(mark) / step - round(Fraction(mark) / step)) < Fraction(1, 10**6)
        off_point = abs(Fraction(mark) - nearest(lattice, value, level, bit))
        assert off_point < step / 10**6 or abs(off_point - 2 * step) < step / 10**6  # one of two that are as near


@settings(max_examples=60, deadline=None)
@given(tolerance=st.integers(1, 5000), data=st.data(), sql_type=st.sampled_from(["bigint", "integer", "hugeint"]))
def test_a_whole_number_goes_exactly_there(tolerance: int, data: st.DataObject, sql_type: str) -> None:
    lattice = lattice_for(Decimal(tolerance), sql_type)
    assert lattice is not None and 2 ** (lattice.levels - 1) * lattice.unit <= tolerance
    most = 2**31 - 50_000 if sql_type == "integer" else 2**62
    given_cells = data.draw(cells(st.integers(-most, most), lattice.levels))
    for (value, level, bit), (_, mark, read, is_within) in zip(
        given_cells, marked_and_read(lattice, given_cells), strict=True
    ):
        assert (mark, read, is_within) == (nearest(lattice, value, level, bit), bit, True)
        assert abs(mark - value) <= tolerance


@settings(max_examples=60, deadline=None)
@given(tolerance=TOLERANCES.filter(lambda each: each >= Decimal("0.01")), data=st.data())
def test_a_decimal_goes_exactly_there_and_keeps_its_digits(tolerance: Decimal, data: st.DataObject) -> None:
    lattice = lattice_for(tolerance, "decimal(18, 2)")
    assert lattice is not None and 2 ** (lattice.levels - 1) * lattice.delta <= tolerance
    values = st.decimals(Decimal(-(10**13)), Decimal(10**13), places=2, allow_nan=False, allow_infinity=False)
    given_cells = data.draw(cells(values, lattice.levels))
    for (value, level, bit), (_, mark, read, is_within) in zip(
        given_cells, marked_and_read(lattice, given_cells), strict=True
    ):
        assert (Fraction(mark), read, is_within) == (nearest(lattice, value, level, bit), bit, True)
        assert mark.as_tuple().exponent == -2 and abs(mark - value) <= tolerance


@pytest.mark.parametrize(
    ("tolerance", "sql_type", "delta", "levels"),
    [
        ("0.8", "double", "0.1", 4),
        ("5", "double", "0.6", 4),
        ("100", "double", "10", 4),
        ("0.00012", "float", "0.00001", 4),
        ("8", "bigint", "1", 4),
        ("7.9", "bigint", "1", 3),
        ("1", "bigint", "1", 1),
        ("250", "usmallint", "30", 4),
        ("0.25", "decimal(9, 2)", "0.03", 4),
        ("0.03", "decimal(9, 2)", "0.01", 2),
    ],
)
def test_the_step_follows_from_the_tolerance(tolerance: str, sql_type: str, delta: str, levels: int) -> None:
    lattice = lattice_for(Decimal(tolerance), sql_type)
    assert lattice is not None and (lattice.delta, lattice.levels) == (Decimal(delta), levels)


@pytest.mark.parametrize(
    ("tolerance", "sql_type"),
    [("0.9", "bigint"), ("0.009", "decimal(9, 2)"), ("1e-10", "double"), ("1e13", "double"), ("5", "decimal(38, 2)")],
)
def test_there_is_no_lattice_below_the_last_digit_or_beyond_all_use(tolerance: str, sql_type: str) -> None:
    assert lattice_for(Decimal(tolerance), sql_type) is None


def test_a_value_of_zero_or_more_stays_so() -> None:
    lattice = lattice_for(Decimal("0.8"), "double")
    assert lattice is not None
    found = marked_and_read(lattice, [(value, 3, bit) for value in (0.0, 0.1, 0.4, 0.79) for bit in (0, 1)])
    assert all(mark >= 0 for _, mark, _, _ in found)


def test_what_a_type_cannot_hold_is_no_mark() -> None:
    small, double = lattice_for(Decimal(8), "tinyint"), lattice_for(Decimal(8), "double")
    assert small is not None and double is not None
    assert [row[3] for row in marked_and_read(small, [(127, 3, 0), (-128, 3, 1), (0, 0, 1)])] == [False, True, True]
    beyond = marked_and_read(double, [(float("inf"), 1, 1), (float("nan"), 1, 1), (None, 1, 1)])
    assert [(read, is_within) for _, _, read, is_within in beyond] == [(None, False)] * 3


def test_a_float_whose_own_steps_are_wider_than_the_tolerance_is_not_marked() -> None:
    for sql_type, large in (("float", 1e9), ("double", 1e17)):
        lattice = lattice_for(Decimal("0.8"), sql_type)
        assert lattice is not None
        found = marked_and_read(
            lattice, [(sign * large, level, bit) for sign in (1, -1) for level, bit in ((3, 1), (1, 0))]
        )
        assert all(not is_within or mark == value for value, mark, _, is_within in found)


def test_a_value_midway_between_two_points_carries_no_bit() -> None:
    with duckdb.connect() as connection:
        for sql_type, values in (("double", (0.7, 0.5, 0.3, 0.6, 0.4)), ("decimal(9, 1)", (0.7, 0.5, 0.3, 0.6, 0.4))):
            lattice = lattice_for(Decimal("0.8"), sql_type)
            assert lattice is not None
            read = [connection.execute(f"select {lattice.bit_sql(str(each), '1')}").fetchone() for each in values]
            assert read == [(None,), (None,), (None,), (1,), (0,)]
