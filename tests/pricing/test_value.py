"""I = V·Q·D: its range, its order, and a record that can be computed again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.params import EXPERT_BETA, GRAINS, PAPER, STANDARD, Grain, parameter_set
from pricing.quality import DIMENSIONS
from pricing.value import ComponentMeasures, ValuationRecord, valuation, value_index
from tests.pricing.markets import NOT_FINITE, unhurried

units = st.floats(0, 1)
z_vectors = st.fixed_dictionaries(dict.fromkeys(DIMENSIONS, units))
measures = st.builds(
    ComponentMeasures,
    grain=st.sampled_from(GRAINS),
    records=st.floats(0, 1e10),
    z=z_vectors,
    entropy_bits=st.floats(0, 1e4),
    waived=st.sets(st.sampled_from(DIMENSIONS), max_size=3).map(tuple),
)
CITY = ComponentMeasures("person", 1e6, dict.fromkeys(DIMENSIONS, 0.9), 24.5, (), "c" * 64, "s" * 64)


@unhurried
@given(measures)
def test_it_lies_from_0_to_below_1_in_the_standard_profile(of: ComponentMeasures) -> None:
    assert 0 <= valuation(of, STANDARD).value_index < 1


@unhurried
@given(measures, st.floats(0, 1e10), st.floats(0, 1e3), st.sampled_from(DIMENSIONS), units)
def test_more_of_anything_never_lowers_it(
    of: ComponentMeasures, rows: float, bits: float, dimension: str, z: float
) -> None:
    for parameters in (STANDARD, PAPER):
        before = valuation(of, parameters).value_index
        better = {**of.z, dimension: max(of.z[dimension], z)}
        for more in (
            replace(of, records=of.records + rows),
            replace(of, entropy_bits=of.entropy_bits + bits),
            replace(of, z=better),
        ):
            assert valuation(more, parameters).value_index >= before - 1e-12 * before


@unhurried
@given(measures)
def test_it_is_the_product_of_what_the_record_says(of: ComponentMeasures) -> None:
    found = valuation(of, STANDARD)
    assert found.value_index == value_index(found.volume, found.quality, found.density)
    assert found.quality == found.score**2
    assert sum(weight for _, weight in found.beta_quality) == pytest.approx(1)


@unhurried
@given(measures)
def test_a_record_can_be_computed_again(of: ComponentMeasures) -> None:
    found = valuation(of, STANDARD)
    again = valuation(measured_in(found), parameter_set("standard"))
    assert again == found


def measured_in(record: ValuationRecord) -> ComponentMeasures:
    return ComponentMeasures(
        record.grain,
        record.records,
        dict(record.z),
        record.entropy_bits,
        record.waived,
        record.component_hash,
        record.snapshot_hash,
    )


def test_nothing_has_no_value_whatever_its_volume() -> None:
    """V(0) = 1/2 is harmless: without information I is 0."""
    assert valuation(replace(CITY, entropy_bits=0), STANDARD).value_index == 0
    assert valuation(replace(CITY, z={}), STANDARD).value_index == 0


def test_volume_at_most_doubles_it() -> None:
    least = valuation(replace(CITY, records=0), STANDARD).value_index
    most = valuation(replace(CITY, records=1e15), STANDARD).value_index
    assert most == pytest.approx(2 * least)


def test_the_profile_of_the_paper_is_literal() -> None:
    printed, standard = valuation(CITY, PAPER), valuation(CITY, STANDARD)
    assert (printed.density, standard.density) == (24.5, 24.5 / 40.5)
    assert (printed.profile, printed.parameter_version) == ("paper", "paper-2021")
    assert printed.parameter_hash != standard.parameter_hash
    assert printed.volume == standard.volume == pytest.approx(0.9)


def test_a_record_names_what_it_was_made_of() -> None:
    found = valuation(replace(CITY, waived=("timeliness",)), STANDARD)
    assert (found.component_hash, found.snapshot_hash) == ("c" * 64, "s" * 64)
    assert (found.parameter_version, found.parameter_hash) == (STANDARD.version, STANDARD.content_hash)
    assert found.waived == ("timeliness",)
    assert dict(found.beta_quality)["accuracy"] == pytest.approx(0.25 / 0.9)
    assert "timeliness" not in dict(found.beta_quality)


def test_a_floor_of_its_own_is_kept() -> None:
    beta = {**EXPERT_BETA, "timeliness": 0.02, "accuracy": 0.33}
    loose = replace(STANDARD, beta_quality=beta, beta_floor=0.01)
    assert valuation(CITY, loose).score == pytest.approx(0.9)


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: value_index(wrong, 1, 1),
        lambda: value_index(1, wrong, 1),
        lambda: value_index(1, 1, wrong),
        lambda: valuation(replace(CITY, records=wrong), STANDARD),
        lambda: valuation(replace(CITY, entropy_bits=wrong), STANDARD),
        lambda: valuation(replace(CITY, z={"accuracy": wrong}), STANDARD),
    ):
        with pytest.raises(ValueError, match=r"must be|must lie"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    grain: Grain = "household"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="grain must be one of person, event, aggregate, object, not 'household'"):
        valuation(replace(CITY, grain=grain), STANDARD)
    with pytest.raises(ValueError, match="waived, but no dimension of beta: beauty"):
        valuation(replace(CITY, waived=("beauty",)), STANDARD)
    with pytest.raises(ValueError, match="Z has beauty"):
        valuation(replace(CITY, z={"beauty": 1.0}), STANDARD)
