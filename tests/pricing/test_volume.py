"""V(N) = 1/(1 + e^(-N/C)): its range, its order, and what it does to bundles."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.volume import VOLUME_VARIANTS, VolumeVariant, scale_of, volume
from tests.pricing.markets import NOT_FINITE, unhurried

records = st.floats(0, 1e12)
scales = st.floats(1e-3, 1e12)
variants = st.sampled_from(VOLUME_VARIANTS)


@unhurried
@given(records, records, scales, variants)
def test_more_records_never_lower_v(n: float, more: float, scale: float, variant: VolumeVariant) -> None:
    assert volume(n + more, scale, variant) >= volume(n, scale, variant)


@unhurried
@given(records, scales)
def test_v_lies_where_it_should_and_normalised_is_its_stretch(n: float, scale: float) -> None:
    printed = volume(n, scale)
    assert 0.5 <= printed <= 1
    assert 0 <= volume(n, scale, "normalised") <= 1
    assert volume(n, scale, "normalised") == pytest.approx(2 * printed - 1, abs=1e-15)


@unhurried
@given(records, records, scales, variants)
def test_rows_bundled_are_worth_no_more_than_apart(n: float, m: float, scale: float, variant: VolumeVariant) -> None:
    """V1 + V2 >= V12, whence row bundles leave no arbitrage; as printed because V is 1/2 or more."""
    assert volume(n + m, scale, variant) <= volume(n, scale, variant) + volume(m, scale, variant) + 1e-15


@unhurried
@given(records, records, scales)
def test_the_normalised_variant_is_concave(n: float, m: float, scale: float) -> None:
    middle = volume((n + m) / 2, scale, "normalised")
    assert middle >= (volume(n, scale, "normalised") + volume(m, scale, "normalised")) / 2 - 1e-15


@unhurried
@given(records, scales, st.floats(1e-3, 1e3), variants)
def test_the_unit_of_volume_does_not_matter(n: float, scale: float, unit: float, variant: VolumeVariant) -> None:
    assert volume(n * unit, scale * unit, variant) == pytest.approx(volume(n, scale, variant), rel=1e-9, abs=1e-12)


def test_at_nothing_and_at_the_reference() -> None:
    assert volume(0, 1e6) == 0.5
    assert volume(0, 1e6, "normalised") == 0
    assert volume(1e6, scale_of(1e6)) == pytest.approx(0.9, abs=1e-15)
    assert volume(1e6, scale_of(1e6), "normalised") == pytest.approx(0.8, abs=1e-15)


def test_double_precision_reaches_1_beyond_37_and_no_number_breaks_it() -> None:
    assert volume(36, 1) < 1 == volume(38, 1)
    assert volume(1e308, 1e-308) == 1
    assert volume(5e-324, 1e308) == 0.5
    assert volume(1e-20, 1, "normalised") == 5e-21


def test_columns_on_twice_the_rows_are_at_most_a_fifth_dearer_for_volume() -> None:
    """Models §3: max of V(2N)/V(N) is 1.207."""
    worst = max(volume(2 * n / 1000, 1) / volume(n / 1000, 1) for n in range(5000))
    assert worst == pytest.approx((1 + math.sqrt(2)) / 2, abs=1e-6)
    assert round(worst, 3) == 1.207


@pytest.mark.parametrize("wrong", [-1.0, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="records must be finite and 0 or more"):
        volume(wrong, 1)
    for refused in (lambda: volume(1, wrong), lambda: volume(1, 0), lambda: scale_of(wrong), lambda: scale_of(0)):
        with pytest.raises(ValueError, match="records must be finite and above 0"):
            refused()
    with pytest.raises(ValueError, match="variant must be one of paper, normalised, not 'linear'"):
        volume(1, 1, "linear")  # type: ignore[arg-type]
