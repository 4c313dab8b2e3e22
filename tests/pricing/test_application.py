"""What a record tells about a target, corrected for chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.application import application_entropy, target_information
from tests.pricing.markets import NOT_FINITE, unhurried

codes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=40)


@unhurried
@given(codes)
def test_it_is_never_below_0_nor_its_share_above_1(rows: list[tuple[int, int]]) -> None:
    found = target_information([record for record, _ in rows], [target for _, target in rows], seed=1)
    assert found.bits >= 0
    assert 0 <= found.share <= 1
    assert found.bits == max(0.0, found.corrected_bits - found.chance_bits)


@unhurried
@given(codes)
def test_the_names_of_the_codes_do_not_matter(rows: list[tuple[int, int]]) -> None:
    records, targets = [record for record, _ in rows], [target for _, target in rows]
    renamed = target_information([9 + 7 * record for record in records], [-target for target in targets], seed=1)
    assert renamed.corrected_bits == pytest.approx(
        target_information(records, targets, seed=1).corrected_bits, abs=1e-12
    )


def test_a_record_that_gives_the_target_away_is_worth_all_its_bits() -> None:
    targets = [0, 1, 2, 3] * 500
    found = target_information(targets, targets, seed=1)
    assert found.bits == pytest.approx(2, abs=0.01)
    assert found.share == pytest.approx(1, abs=0.01)


def test_noise_is_worth_nothing_however_many_its_bits() -> None:
    random = np.random.default_rng(2)
    noise, targets = random.integers(0, 64, 4000), random.integers(0, 2, 4000)
    found = target_information(noise.tolist(), targets.tolist(), seed=1)
    assert found.bits < 0.005
    assert found.target_bits == pytest.approx(1, abs=0.01)


def test_a_seed_gives_the_same_again() -> None:
    random = np.random.default_rng(2)
    records, targets = random.integers(0, 8, 200).tolist(), random.integers(0, 2, 200).tolist()
    assert target_information(records, targets, seed=3) == target_information(records, targets, seed=3)
    assert target_information(records, targets, seed=3) != target_information(records, targets, seed=4)


def test_what_chance_gives_is_taken_off() -> None:
    assert application_entropy(0.5, [0.1, 0.3], 1.0).bits == pytest.approx(0.3)
    assert application_entropy(0.1, [0.2], 1.0).bits == 0
    assert application_entropy(0.5, [-0.1], 0.0).share == 0
    assert application_entropy(3.0, [0.0], 1.0).share == 1


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="at least one permutation"):
        application_entropy(1.0, [], 1.0)
    with pytest.raises(ValueError, match="2 record codes beside 1 target codes"):
        target_information([1, 2], [1], seed=1)
    with pytest.raises(ValueError, match="permutations must be 1 or more"):
        target_information([1], [1], seed=1, permutations=0)
    with pytest.raises(ValueError, match="record_codes must be one row of whole numbers"):
        target_information([0.5], [1], seed=1)  # type: ignore[list-item]
    for wrong in NOT_FINITE:
        for refused in (
            lambda wrong=wrong: application_entropy(wrong, [0.1], 1.0),
            lambda wrong=wrong: application_entropy(1.0, [wrong], 1.0),
            lambda wrong=wrong: application_entropy(1.0, [0.1], wrong),
        ):
            with pytest.raises(ValueError, match="must be"):
                refused()
