"""Entropy of counts: exact for a population, estimated for a sample, in bits."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.entropy import (
    ESTIMATORS,
    Estimator,
    chao_shen,
    chosen_estimator,
    corrected_information,
    estimate_by,
    estimated_entropy,
    good_turing_coverage,
    grassberger,
    miller_madow,
    mutual_information,
    plug_in,
    standard_error,
    with_nulls,
)
from tests.pricing.markets import NOT_FINITE, unhurried

counts = st.lists(st.integers(1, 200), min_size=1, max_size=20)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 30), min_size=width, max_size=width), min_size=1, max_size=4)
)
estimators = pytest.mark.parametrize("estimator", ESTIMATORS)


@unhurried
@given(counts)
def test_entropy_lies_between_nothing_and_all_values_alike(seen: list[int]) -> None:
    assert 0 <= plug_in(seen) <= math.log2(len(seen)) + 1e-12


@unhurried
@given(counts, st.randoms(), st.integers(0, 3))
def test_neither_order_nor_absent_values_nor_the_estimator_matter(seen: list[int], order: object, absent: int) -> None:
    shuffled = [*seen, *([0] * absent)]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for estimator in ESTIMATORS:
        assert estimate_by(estimator, shuffled) == pytest.approx(estimate_by(estimator, seen), rel=1e-12, abs=1e-12)
        assert estimate_by(estimator, seen) >= 0


@unhurried
@given(st.lists(st.integers(1, 200), min_size=2, max_size=20))
def test_values_that_are_no_longer_told_apart_lower_it(seen: list[int]) -> None:
    assert plug_in([seen[0] + seen[1], *seen[2:]]) <= plug_in(seen) + 1e-12


@unhurried
@given(counts, st.integers(2, 50))
def test_only_shares_matter_to_a_population(seen: list[int], times: int) -> None:
    assert plug_in([count * times for count in seen]) == pytest.approx(plug_in(seen), abs=1e-12)


@unhurried
@given(counts, st.integers(0, 19))
def test_one_row_more_moves_it_by_little(seen: list[int], place: int) -> None:
    """Models §2.4: a change of one row moves H by 2 log2(n)/n at most."""
    changed = list(seen)
    changed[place % len(seen)] += 1
    rows = sum(changed)
    assert abs(plug_in(changed) - plug_in(seen)) <= 2 * math.log2(rows) / rows + 1e-12


@unhurried
@given(counts)
def test_miller_madow_adds_its_correction(seen: list[int]) -> None:
    assert miller_madow(seen) == pytest.approx(plug_in(seen) + (len(seen) - 1) / (2 * sum(seen) * math.log(2)))


@unhurried
@given(counts)
def test_coverage_is_the_share_of_rows_whose_value_came_again(seen: list[int]) -> None:
    again = sum(count for count in seen if count > 1)
    assert good_turing_coverage(seen) == pytest.approx(again / sum(seen))


@estimators
def test_nothing_and_one_value_hold_no_bits(estimator: Estimator) -> None:
    assert estimate_by(estimator, []) == 0
    assert estimate_by(estimator, [0, 0]) == 0
    assert plug_in([7]) == miller_madow([7]) == chao_shen([7]) == 0
    assert standard_error([]) == standard_error([7]) == 0
    assert good_turing_coverage([]) == 0


@estimators
def test_a_large_sample_needs_no_correction(estimator: Estimator) -> None:
    seen = [500_000, 300_000, 150_000, 50_000]
    assert estimate_by(estimator, seen) == pytest.approx(plug_in(seen), abs=1e-5)


def zipf_errors(estimator: Callable[[list[int]], float], rows: int) -> list[float]:
    """Errors over seeded samples of 1000 values with frequencies as 1/rank."""
    shares = 1 / np.arange(1, 1001)
    shares /= shares.sum()
    true_bits = float(-(shares * np.log2(shares)).sum())
    random = np.random.default_rng(7)
    return [estimator(random.multinomial(rows, shares).tolist()) - true_bits for _ in range(300)]


@pytest.mark.parametrize(
    ("rows", "estimator", "bias", "half_a_digit"),
    [
        (1000, plug_in, -0.60, 0.005),
        (1000, miller_madow, -0.36, 0.005),
        (1000, grassberger, -0.17, 0.005),
        (1000, chao_shen, -0.07, 0.005),
        (10_000, plug_in, -0.08, 0.005),
        (10_000, miller_madow, -0.013, 0.0005),
        (10_000, grassberger, 0.001, 0.0005),
        (10_000, chao_shen, 0.06, 0.005),
    ],
)
def test_the_biases_that_the_models_print(
    rows: int, estimator: Callable[[list[int]], float], bias: float, half_a_digit: float
) -> None:
    """To half of the last digit printed, and what 300 samples leave uncertain: three standard errors of their mean."""
    errors = zipf_errors(estimator, rows)
    uncertain = 3 * float(np.std(errors)) / math.sqrt(len(errors))
    assert uncertain < 0.02
    assert float(np.mean(errors)) == pytest.approx(bias, abs=half_a_digit + uncertain)


def test_the_standard_error_is_the_spread_of_samples() -> None:
    shares, random = np.array([0.5, 0.3, 0.15, 0.05]), np.random.default_rng(3)
    samples = [random.multinomial(2000, shares).tolist() for _ in range(400)]
    spread = float(np.std([plug_in(sample) for sample in samples]))
    assert standard_error(samples[0]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(
    ("seen", "estimator", "undersampled"),
    [
        ([5, 4, 1], "miller_madow", False),
        ([5, 4, 1, 1], "chao_shen", False),
        ([2, 1, 1], "chao_shen", False),
        ([2, 1, 1, 1], "chao_shen", True),
        ([1, 1], "chao_shen", True),
    ],
)
def test_the_estimator_follows_from_the_coverage(seen: list[int], estimator: Estimator, undersampled: bool) -> None:
    assert chosen_estimator(seen, "population") == "plug_in"
    assert chosen_estimator(seen, "sample") == estimator
    found = estimated_entropy(seen, "sample", full_rows=10**9)
    assert (found.estimator, found.undersampled, found.capped) == (estimator, undersampled, False)
    assert found.bits == estimate_by(estimator, seen)
    assert found.coverage == good_turing_coverage(seen)


def test_a_population_is_exact_and_covers_itself() -> None:
    found = estimated_entropy([1, 1, 1, 1])
    assert (found.bits, found.coverage, found.estimator, found.undersampled) == (2.0, 1.0, "plug_in", False)
    assert found.standard_error_bits == standard_error([1, 1, 1, 1]) == 0


def test_a_sample_holds_no_more_than_one_record_per_row_of_the_whole() -> None:
    found = estimated_entropy([1] * 8, "sample", full_rows=16)
    assert (found.bits, found.capped) == (4.0, True)
    assert estimated_entropy([], "sample", full_rows=0).bits == 0


def test_masking_values_does_not_raise_the_entropy() -> None:
    """Case E-08 of the models: NULL as a symbol of its own would, from 0.918 to 1.5 bits."""
    observed = plug_in([2, 1])
    assert round(observed, 3) == 0.918
    assert plug_in([2, 1, 1]) == 1.5
    assert with_nulls(observed, 0.25) == 0.75 * observed < observed


@unhurried
@given(tables)
def test_information_is_shared_and_less_than_either_holds(table: list[list[int]]) -> None:
    by_row, by_column = [sum(line) for line in table], [sum(column) for column in zip(*table, strict=True)]
    found = mutual_information(table)
    assert 0 <= found <= min(plug_in(by_row), plug_in(by_column)) + 1e-12
    assert found == pytest.approx(mutual_information(list(zip(*table, strict=True))), abs=1e-12)


def test_information_of_what_is_the_same_and_of_what_is_unrelated() -> None:
    assert mutual_information([[4, 0], [0, 4]]) == 1
    assert mutual_information([[4, 4], [4, 4]]) == 0
    assert mutual_information([]) == 0
    assert corrected_information([[5, 5], [5, 5]]) < 0, "the correction of what is not there"
    assert mutual_information([[5, 5], [5, 5]], "miller_madow") == 0


@pytest.mark.parametrize("wrong", [-1, 0.5, *NOT_FINITE])
def test_a_count_that_is_none_is_refused(wrong: float) -> None:
    functions = [partial(estimate_by, estimator) for estimator in ESTIMATORS]
    for function in (*functions, good_turing_coverage, standard_error, estimated_entropy):
        with pytest.raises(ValueError, match="counts must be whole numbers, 0 or more"):
            function([3, wrong])  # type: ignore[operator]
    with pytest.raises(ValueError, match="counts must be whole numbers"):
        mutual_information([[1, wrong]])  # type: ignore[list-item]


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"estimator must be one of .*, not 'nsb'"):
        estimate_by("nsb", [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="basis must be one of population, sample"):
        chosen_estimator([1], "guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a sample of 3 rows needs full_rows of at least that many, not 2"):
        estimated_entropy([3], "sample", full_rows=2)
    with pytest.raises(ValueError, match="needs full_rows"):
        estimated_entropy([3], "sample")
    with pytest.raises(ValueError, match="must be equally long"):
        mutual_information([[1, 2], [3]])
    with pytest.raises(ValueError, match="one row of numbers"):
        plug_in([[1, 2]])  # type: ignore[list-item]
    for wrong in (-0.1, *NOT_FINITE):
        with pytest.raises(ValueError, match="observed_bits must be finite and 0 or more"):
            with_nulls(wrong, 0.5)
        with pytest.raises(ValueError, match="null_rate must lie in"):
            with_nulls(1.0, wrong)
