"""What a leak may be done to before it no longer tells whose copy it was. Figures: models §8, 50,000 rows, δ = 0.1."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.market_api.fingerprint.builders import (
    BUYERS,
    CULPRIT,
    connected,
    copy_for,
    leaked,
    names_of,
    readings,
    table_of,
    traced,
    with_values,
)

UNIT = 0.1
Attack = Callable[[pa.Table, np.random.Generator], pa.Table]


def shuffled(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return copy.take(random.permutation(copy.num_rows))


def in_single_precision(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return with_values(copy, "reading", copy["reading"].to_numpy().astype("float32"))


def almost_all_deleted(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return copy.take(random.permutation(copy.num_rows)[: copy.num_rows // 20])


def one_unit_up_or_down(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    change = random.choice([-UNIT, UNIT], copy.num_rows)
    return with_values(copy, "reading", (copy["reading"].to_numpy() + change).round(1))


def up_to_three_units(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return with_values(copy, "reading", copy["reading"].to_numpy() + random.uniform(-3, 3, copy.num_rows) * UNIT)


def rounded_to_whole_numbers(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return with_values(copy, "reading", copy["reading"].to_numpy().round())


def noise_of_eight_units(copy: pa.Table, random: np.random.Generator) -> pa.Table:
    return with_values(copy, "reading", copy["reading"].to_numpy() + random.normal(0, 8 * UNIT, copy.num_rows))


@pytest.mark.parametrize(
    ("attack", "p"),
    [
        (shuffled, 1e-300),
        (in_single_precision, 1e-300),
        (almost_all_deleted, 2e-68),
        (one_unit_up_or_down, 1e-80),
        (up_to_three_units, 2e-47),
        (rounded_to_whole_numbers, 1e-22),
    ],
)
@pytest.mark.parametrize("original", [True, False])
def test_the_one_who_gave_it_away_is_found_and_nobody_else(
    tmp_path: Path, attack: Attack, p: float, original: bool
) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        leak = leaked(tmp_path, attack(copy, np.random.default_rng(2)))
        verdict = traced(connection, leak, of, original=original)
    assert verdict.outcome == "traced" and names_of(verdict) == {CULPRIT}
    assert verdict.accused[0].log10_p < math.log10(p)


def test_all_marks_that_are_left_after_almost_all_is_deleted_agree(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        leak = leaked(tmp_path, almost_all_deleted(copy, np.random.default_rng(2)))
        (accused,) = traced(connection, leak, of).accused
    assert accused.bits is not None and accused.bits.matches == accused.bits.marks
    assert 200 < accused.bits.marks < 300


def test_two_who_mix_their_copies_cell_by_cell_are_both_found(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        one, other = (table_of(copy_for(connection, of, tmp_path, buyer).path) for buyer in BUYERS[3:5])
        heads = np.random.default_rng(2).random(one.num_rows) < 0.5
        mixed = np.where(heads, one["reading"].to_numpy(), other["reading"].to_numpy())
        verdict = traced(connection, leaked(tmp_path, with_values(one, "reading", mixed)), of)
    assert names_of(verdict) == set(BUYERS[3:5])
    assert all(each.log10_p < -200 for each in verdict.accused)


def test_two_who_average_their_copies_are_both_found(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        one, other = (table_of(copy_for(connection, of, tmp_path, buyer).path) for buyer in BUYERS[3:5])
        mean = (one["reading"].to_numpy() + other["reading"].to_numpy()) / 2
        verdict = traced(connection, leaked(tmp_path, with_values(one, "reading", mean)), of)
    assert names_of(verdict) == set(BUYERS[3:5])


def test_noise_of_eight_units_is_the_limit_and_accuses_nobody(tmp_path: Path) -> None:
    """It changes the values by nine times as much as the marks did."""
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        noisy = noise_of_eight_units(copy, np.random.default_rng(2))
        verdict = traced(connection, leaked(tmp_path, noisy), of)
    apart = (noisy["reading"].drop_null().to_numpy() - copy["reading"].drop_null().to_numpy()) ** 2
    assert math.sqrt(apart.mean()) == pytest.approx(0.8, abs=0.02)
    assert (verdict.outcome, verdict.accused) == ("nobody", ())
