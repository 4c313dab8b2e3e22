"""Parameter sets: the published ones, from a plain mapping, and every refusal with its place."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.comparables import Factors
from pricing.guide import HALF_LIVES_DAYS, GuideParameters
from pricing.negotiated import Joint
from pricing.parameter_mapping import parameter_set_from
from pricing.params import PAPER, PROFILES, STANDARD, ParameterSet, PriceParameters, parameter_set, plain
from tests.pricing.markets import NOT_FINITE, unhurried

NAMED = {"profile": "standard", "version": "2026q4"}
CITY = replace(STANDARD, price=PriceParameters(value_fen={"mobility": 4_000_000}))


def test_there_is_a_set_of_each_profile() -> None:
    assert [parameter_set(profile).profile for profile in PROFILES] == list(PROFILES)
    assert (PAPER.entropy_kind, PAPER.transform, PAPER.volume_variant) == ("joint", "identity", "paper")
    assert (STANDARD.entropy_kind, STANDARD.transform) == ("chow_liu", "michaelis")
    assert STANDARD.half_value_bits == 16
    with pytest.raises(ValueError, match="profile must be one of paper, standard, not 'mine'"):
        parameter_set("mine")  # type: ignore[arg-type]


def test_the_scale_puts_v_at_nine_tenths_of_the_reference() -> None:
    assert STANDARD.scale_records("event") == pytest.approx(1e8 / 2.1972245773362196)
    assert STANDARD.reference_factors("object") == Factors(Fraction(1, 2), Fraction(3, 4), 1e4, Fraction(95, 100))
    for refused in (STANDARD.scale_records, STANDARD.reference_factors):
        with pytest.raises(ValueError, match="grain must be one of"):
            refused("household")  # type: ignore[arg-type]


def test_g_of_a_domain() -> None:
    assert CITY.price.joint("mobility") == Joint("additive", 4_000_000)
    with pytest.raises(ValueError, match=r"no value_fen \(A_k\) is set for the domain 'health', only for: mobility"):
        CITY.price.joint("health")
    with pytest.raises(ValueError, match="only for: none"):
        STANDARD.price.joint("health")


@pytest.mark.parametrize("parameters", [PAPER, STANDARD, CITY], ids=["paper", "standard", "city"])
def test_a_set_goes_to_a_plain_mapping_and_back(parameters: ParameterSet) -> None:
    assert parameter_set_from(plain(parameters)) == parameters
    assert parameter_set_from(plain(parameters)).content_hash == parameters.content_hash


@unhurried
@given(
    st.fractions(0, Fraction(1, 2)),
    st.fractions(Fraction(1, 4), 4),
    st.fractions(1, 9),
    st.floats(1, 1e9),
    st.floats(1, 99),
)
def test_whatever_is_set_comes_back_to_the_last_digit(
    margin: Fraction, guide_margin: Fraction, rho: Fraction, records: float, bits: float
) -> None:
    parameters = replace(
        STANDARD,
        reference_records={**STANDARD.reference_records, "person": records},
        half_value_bits=bits,
        price=PriceParameters(margin=margin, rho=rho),
        guide=GuideParameters(margin=guide_margin),
    )
    assert parameter_set_from(plain(parameters)) == parameters


def test_what_is_left_out_is_that_of_the_profile() -> None:
    assert parameter_set_from(NAMED) == replace(STANDARD, version="2026q4")
    assert parameter_set_from({**NAMED, "profile": "paper"}) == replace(PAPER, version="2026q4")
    found = parameter_set_from({**NAMED, "price": {"margin": "1/10"}, "guide": {"kappa": 8}})
    assert (found.price.margin, found.price.rho, found.guide.kappa) == (Fraction(1, 10), 2, 8)
    assert found.guide.eta == Fraction(1, 10)


@pytest.mark.parametrize("written", [0.15, "0.15", "3/20", Decimal("0.15"), Fraction(3, 20)])
def test_a_number_may_be_written_in_several_ways(written: Any) -> None:
    assert parameter_set_from({**NAMED, "price": {"margin": written}}).price.margin == Fraction(3, 20)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"versions": "x"}, "versions is no parameter; did you mean version?"),
        ({"price": {"marign": 0.1}}, r"price\.marign is no parameter; did you mean margin\?"),
        ({"guide": {"zzz": 1}}, r"guide\.zzz is no parameter$"),
        ({"version": " "}, "version must not be empty"),
        ({"version": 2026}, "version must be a word, not 2026"),
        ({"profile": "mine"}, "profile must be one of paper, standard, not 'mine'"),
        ({"transform": "ratio"}, "transform must be one of michaelis"),
        ({"volume_variant": "linear"}, "volume_variant must be one of"),
        ({"quality_mode": "table"}, "quality_mode must be one of"),
        ({"entropy_kind": "all"}, "entropy_kind must be one of"),
        ({"entropy_basis": "guess"}, "entropy_basis must be one of"),
        ({"volume_unit": "pages"}, "volume_unit must be one of rows, cells, bytes"),
        ({"half_value_bits": 0}, "half_value_bits must be finite and above 0"),
        ({"half_value_bits": "many"}, "half_value_bits must be a finite number, not 'many'"),
        ({"half_value_bits": True}, "half_value_bits must be a number, not True"),
        ({"half_value_bits": None}, "half_value_bits must be a number, not None"),
        ({"half_value_bits": "1/0"}, "half_value_bits must be a finite number, not '1/0'"),
        ({"reference_records": {"person": 1}}, "reference_records must be given for person, event, aggregate, object"),
        ({"reference_records": 5}, "reference_records must be a mapping by name, not 5"),
        ({"reference_records": {1: 5}}, "reference_records must be a mapping by name"),
        (
            {"reference_records": {"person": 1, "event": 1, "aggregate": 0, "object": 1}},
            "reference_records of aggregate must be finite and above 0",
        ),
        ({"beta_quality": {"accuracy": 1}}, "beta_quality must be given for normativity"),
        ({"beta_quality": dict.fromkeys(STANDARD.beta_quality, 0.2)}, "weights must sum to 1, not 1.2"),
        ({"beta_floor": 0.2}, "beta of normativity must lie"),
        ({"severity_weights": {"critical": 1, "warning": 0.6, "info": 0}}, "severity_weights of info must be"),
        ({"price": 3}, "price must be a mapping by name, not 3"),
        ({"price": {"form": "cobb_douglas"}}, "price: g must not be cobb_douglas: it falls below cost"),
        ({"price": {"form": "guess"}}, "price: g must be one of"),
        ({"price": {"margin": 0.51}}, "price: margin must be 1/2 or less"),
        ({"price": {"uplift": 4.1}}, "price: λ must be 4 or less"),
        ({"price": {"value_fen": {"mobility": -1}}}, "price: value_fen of mobility must be 0 or more"),
        ({"price": {"value_fen": {"mobility": "much"}}}, r"price\.value_fen\.mobility must be a finite number"),
        ({"price": {"adjustments": {"governance": 1}}}, "price: adjustments must be given for governance"),
        ({"price": {"subsidised": []}}, "price: adjustments of governance 4/5 is below 1, below cost"),
        ({"price": {"subsidised": ["health"]}}, "price: subsidised must be some of"),
        ({"price": {"subsidised": "governance"}}, r"price\.subsidised must be a list, not 'governance'"),
        ({"price": {"useful_life_months": 0}}, "price: useful_life_months must be above 0"),
        ({"price": {"band_tolerance": 1.5}}, "price: band_tolerance must be 1 or less"),
        ({"guide": {"exponent_records": 0.2}}, "guide: the exponents of S, T, N and W must sum to 1"),
        ({"guide": {"margin": 0.2}}, "guide: m must be 1/β_lo - 1 or more"),
        ({"guide": {"kappa": 0}}, "guide: κ must be above 0"),
        ({"guide": {"reference_scarcity": 0}}, "guide: reference of scarcity must be above 0"),
        ({"guide": {"reference_coverage": 1.1}}, "guide: reference of coverage must be 1 or less"),
        ({"guide": {"comparable_half_life_days": 0}}, "guide: comparable_half_life_days must be above 0"),
        ({"guide": {"half_lives_days": {"daily": 30}}}, "guide: half_lives_days must be given for realtime"),
        (
            {"guide": {"half_lives_days": {**HALF_LIVES_DAYS, "realtime": 0}}},
            "guide: half_lives_days of realtime must be above 0",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parameter_set_from({**NAMED, **changes})


@pytest.mark.parametrize("wrong", [*NOT_FINITE, ".nan"])
def test_no_parameter_is_nan_or_infinite(wrong: Any) -> None:
    for place in ("half_value_bits", "beta_floor"):
        with pytest.raises(ValueError, match=f"{place} must be a finite number"):
            parameter_set_from({**NAMED, place: wrong})
    for part, name in (("price", "margin"), ("price", "rho"), ("guide", "eta"), ("guide", "most_step")):
        with pytest.raises(ValueError, match=f"{part}.{name} must be a finite number"):
            parameter_set_from({**NAMED, part: {name: wrong}})


@pytest.mark.parametrize("missing", ["profile", "version"])
def test_a_set_names_its_profile_and_version(missing: str) -> None:
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        parameter_set_from({name: value for name, value in NAMED.items() if name != missing})
    with pytest.raises(ValueError, match="the parameter set must be a mapping by name"):
        parameter_set_from([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes", [{"transform": "michaelis"}, {"entropy_kind": "chow_liu"}, {"volume_variant": "normalised"},
                {"entropy_basis": "sample"}]
)  # fmt: skip
def test_a_set_of_the_paper_is_literal(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"of the profile paper must be .*, as printed"):
        replace(PAPER, **changes)
    assert replace(STANDARD, **changes).profile == "standard"


def test_a_set_that_differs_in_anything_has_another_hash() -> None:
    others = [
        replace(STANDARD, half_value_bits=17.0),
        replace(STANDARD, price=PriceParameters(margin=Fraction(1, 5))),
        replace(STANDARD, guide=GuideParameters(kappa=6)),
        replace(STANDARD, severity_weights={"critical": 1.0, "warning": 0.5, "info": 0.2}),
        CITY,
    ]
    assert len({each.content_hash for each in (STANDARD, *others)}) == 6
    assert replace(STANDARD).content_hash == STANDARD.content_hash


def test_a_set_is_not_changed_from_outside() -> None:
    values = {"mobility": 1}
    price = PriceParameters(value_fen=values)
    values["mobility"] = 2
    assert price.value_fen["mobility"] == 1
    for mapping in (price.value_fen, STANDARD.beta_quality, STANDARD.guide.half_lives_days, price.adjustments):
        with pytest.raises(TypeError):
            mapping["accuracy"] = 1  # type: ignore[index]
