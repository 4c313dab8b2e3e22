"""A price explained: every symbol is there, every formula gives the value beside it, and what would raise it does."""

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.valuation.entropy_tree import column_shares
from orchestration.valuation.explanation import COST, GUIDE, NEGOTIATED, PARTS, VALUE, Line, explained, factor_ratios
from orchestration.valuation.figures import bits, constant, figure, money, money_change
from orchestration.valuation.findings import findings_in_words
from orchestration.valuation.improvements import Improvement, improvements, independent
from orchestration.valuation.reading import read
from pricing.comparables import Factors
from pricing.component_price import PricedFacts, priced
from pricing.density import chow_liu, record_entropy
from pricing.params import ParameterSet, parameter_set
from pricing.price_record import document_of
from tests.orchestration.valuation.valuations import (
    AGE_DAYS,
    NAME,
    RECORDS,
    TRADED,
    Z,
    entropy,
    facts,
    history,
    measures_told,
    parameters,
    valuation,
)
from vault.valuations import Valuation

SYMBOLS = {
    VALUE: ["N", "C", "V", "Z", "Z", "Z", "Z", "Z", "Z", "Q", "E", "D", "I"],
    COST: ["ΣC_x", "C_xm", "P'", "k_y", "C_y"],
    NEGOTIATED: ["A_k", "A_k·I", "g", "γ", "P¹", "listed"],
    GUIDE: ["S", "T", "N", "W", "Φ", "C0", "n", "θ", "P_b", "anchor", "P''", "β", "P²", "listed"],
}
ARITHMETIC = {
    "e": math.e,
    "log": math.log,
    "log2": math.log2,
    "tanh": math.tanh,
    "max": max,
    "min": min,
    "clip": lambda value, least, most: min(max(value, least), most),
}


def number(text: str) -> float:
    """What a formula or a value comes to, words and units left out."""
    bare = re.sub(r",(?=\d{3})|¥| (storage|compute|governance|acquisition|rows|cells|bits)", "", text)
    for sign, meaning in (("−", "-"), ("·", "*"), ("^", "**"), (")²", ")**2"), ("ln 9", "log(9)")):
        bare = bare.replace(sign, meaning)
    return float(eval(bare.lstrip("<>"), {"__builtins__": {}}, ARITHMETIC))


def line_of(lines: tuple[Line, ...], symbol: str, part: str | None = None) -> Line:
    return next(line for line in lines if line.symbol == symbol and part in (None, line.part))


def with_price(**changes: Any) -> ParameterSet:
    return parameters(price=replace(parameters().price, **changes))


def paper() -> ParameterSet:
    """The white paper's own set, with prices of ours."""
    return replace(parameter_set("paper"), price=parameters().price)


CASES: dict[str, tuple[PricedFacts, ParameterSet]] = {
    "as it is": (facts(), parameters()),
    "traded": (facts(trading=TRADED), parameters()),
    "guided": (facts(regime="public_guided", trading=TRADED), parameters()),
    "guided to a set ceiling": (facts(regime="public_guided", ceiling_fen=100_000), parameters()),
    "free": (facts(regime="public_free"), parameters()),
    "for three licences": (facts(expected_licences=3), parameters()),
    "without any cost": (facts(field_costs=(), model_cost_fen=0), parameters()),
    "old and rare": (facts(age_days=4_000, factors=Factors(1, 0.01, 5, 0)), parameters()),
    "poor in everything": (facts(factors=Factors(0.1, 0.01, 5, 0)), parameters()),
    "common and large": (facts(10**9, factors=Factors(0.01, 1, 10**9, 1)), parameters()),
    "cost uplift": (facts(), with_price(form="cost_uplift")),
    "ces": (facts(), with_price(form="ces", rho=3)),
    "maximum": (facts(), with_price(form="maximum")),
    "paper": (facts(), paper()),
    "normalised": (facts(), parameters(volume_variant="normalised")),
    "saturating": (facts(), parameters(transform="exp_saturation")),
    "logarithmic": (facts(), parameters(transform="log1p_bits")),
    "exact cost": (facts(model_cost_fen=Fraction(40_000, 3)), parameters()),
    "nothing measured": (facts(measures=replace(facts().measures, records=0, z={}, entropy_bits=0.0)), parameters()),
}


@pytest.mark.parametrize(("of", "by"), CASES.values(), ids=CASES.keys())
def test_every_formula_gives_the_value_beside_it(of: PricedFacts, by: ParameterSet) -> None:
    lines = explained(valuation(of=of, by=by))
    for line in lines:
        if line.formula:
            least = 0.006 if "¥" in line.value else 0.0006  # half of the last digit shown
            assert number(line.formula) == pytest.approx(number(line.value), rel=0.006, abs=least), line
    assert [part for part in PARTS if any(line.part == part for line in lines)] == list(PARTS)


def test_the_steps_stand_in_the_order_of_the_formulas() -> None:
    lines = explained(valuation())
    assert [line.symbol for line in lines] == [symbol for part in PARTS for symbol in SYMBOLS[part]]
    assert [line.part for line in lines] == [part for part in PARTS for _ in SYMBOLS[part]]
    assert [line.words for line in lines if line.symbol == "Z"] == list(Z)
    assert line_of(lines, "V").formula == "1/(1 + e^(−12,265/455,120))"
    assert line_of(lines, "N").value == "12,265 rows" and line_of(lines, "N").formula == "12,000 + 265"
    assert line_of(lines, "ΣC_x").value == "¥399.16" and "¥300.00 governance" in line_of(lines, "ΣC_x").formula
    assert line_of(lines, "k_y").words == "ecosystem governance (subsidised)"
    assert line_of(lines, "T").formula == "2^(−max(0, 95 − 31)/180)"
    assert line_of(lines, "P''").words == "assessed price, at its floor"
    assert not any(line.before for line in lines)


def test_values_are_those_of_the_record_and_not_of_the_formulas() -> None:
    told = valuation()
    told.document["price"]["negotiated"]["price_fen"] = 1
    assert line_of(explained(told), "P¹").value == "¥0.01"


def test_a_guided_price_tells_its_ceiling_and_a_free_one_is_nothing() -> None:
    guided = explained(valuation(of=facts(regime="public_guided")))
    assert line_of(guided, "ceiling").words == "the cost price"
    assert line_of(guided, "listed", GUIDE).formula == "min(¥2,398.95, ¥1,919.16)"
    assert line_of(guided, "listed").value == "¥1,919.16"
    declared = explained(valuation(of=facts(regime="public_guided", ceiling_fen=100)))
    assert line_of(declared, "ceiling").words == "set by the contract"
    free = explained(valuation(of=facts(regime="public_free")))
    assert line_of(free, "listed").value == line_of(free, "listed", GUIDE).value == "¥0.00"
    assert not any(line.symbol == "ceiling" for line in free)


def test_bounds_that_bind_stand_in_the_formula() -> None:
    poor = line_of(explained(valuation(of=facts(factors=Factors(0.1, 0.01, 5, 0)))), "Φ")
    assert poor.formula == "clip(0.250^0.3 · 0.250^0.25 · 0.250^0.15 · 0.250^0.3, 0.333333, 3)"
    assert "clip" not in line_of(explained(valuation()), "Φ").formula


def test_what_is_not_known_is_told_without_a_formula() -> None:
    lines = explained(
        valuation(
            of=facts(factors=Factors(1, 1, RECORDS, 0)),
            population_share=None,
            age={"newest": None, "age_days": 0, "update_period_days": 0, "half_life_days": None},
            sources=[{"table": "base/a", "rows": 1, "batches": 1}, {"table": "base/b", "rows": 1, "batches": 1}],
        )
    )
    assert line_of(lines, "N").formula == "", "what the sources sum to is not what was priced"
    assert line_of(lines, "S", GUIDE).formula == line_of(lines, "T", GUIDE).formula == ""
    assert line_of(lines, "W").formula == "1·0" and line_of(lines, "W").value == "0"
    assert line_of(lines, "C0").value == "none yet"
    nothing = explained(valuation(of=facts(field_costs=(), model_cost_fen=0)))
    assert line_of(nothing, "P²").value == "none" and nothing[-1].symbol == "P²"
    assert line_of(nothing, "ΣC_x").words == "no field has a cost"


def test_a_waived_dimension_leaves_the_score() -> None:
    measures = replace(facts().measures, waived=("timeliness",), z={**Z, "timeliness": 0.0})
    lines = explained(valuation(of=facts(measures=measures)))
    assert next(line for line in lines if line.words == "timeliness").value == "waived"
    assert line_of(lines, "Q").formula.count("·") == 5
    assert number(line_of(lines, "Q").formula) == pytest.approx(number(line_of(lines, "Q").value), rel=0.005)


def test_a_target_is_told_beside_the_price_and_changes_nothing_of_it() -> None:
    target = {"name": "trips", "bits": 2.5, "target_bits": 3.0, "corrected_bits": 2.6, "chance_bits": 0.1}
    measures = {**measures_told(entropy()), "target": target}
    told, plain = valuation(measures=measures), valuation()
    line = line_of(explained(told), "E_app")
    assert (line.words, line.value, line.formula) == (
        "what the rest tells of trips, of 3 bits (not priced)",
        "2.50 bits",
        "max(0, 2.60 − 0.100)",
    )
    assert [each for each in explained(told) if each.symbol != "E_app"] == list(explained(plain))
    assert improvements(told) == improvements(plain)


def test_what_changed_since_is_told() -> None:
    first, second = history(2)
    lines = explained(second, first)
    changed = {line.symbol: line.before for line in lines if line.before}
    assert line_of(lines, "N").before == "12,265 rows" and line_of(lines, "N", GUIDE).before == "12,265"
    assert {"V", "I", "A_k·I", "g", "P¹", "listed", "T"} <= set(changed)
    assert not {"Q", "Z", "E", "D", "C_xm", "γ"} & set(changed)
    measures = replace(facts().measures, z={**Z, "accuracy": 0.5})
    worse = explained(valuation(), valuation(of=facts(measures=measures)))
    assert [(line.words, line.before) for line in worse if line.symbol == "Z" and line.before] == [
        ("accuracy", "0.500")
    ]


def test_factors_are_clipped_as_the_price_clips_them() -> None:
    told = read(valuation(of=facts(factors=Factors(0.5, 0.001, RECORDS, 0.95))))
    assert told.price.guided is not None
    scarcity, timeliness, records, coverage = factor_ratios(told.price.guided, told.parameters.guide)
    assert (scarcity.ratio, scarcity.is_clipped) == (1.0, False)
    assert (timeliness.ratio, timeliness.is_clipped) == (0.25, True) and records.is_clipped
    assert (coverage.effect, coverage.exponent) == (1.0, 0.3)
    product = scarcity.effect * timeliness.effect * records.effect * coverage.effect
    assert product == pytest.approx(float(told.price.guided.adjustment))


def test_a_document_reads_back_as_what_it_was_made_of() -> None:
    of, by = facts(trading=TRADED), parameters()
    told = read(valuation(of=of, by=by))
    assert (told.price, told.entropy) == (priced(of, by), entropy())
    assert document_of(told.facts, told.parameters, told.price) == document_of(of, by, priced(of, by))


def test_what_columns_add_sums_to_the_entropy_of_the_record() -> None:
    rows = tuple(((zone, zone // 3, hour, 1), 1 + zone % 2) for zone in range(9) for hour in range(4))
    found = record_entropy(("zone", "borough", "hour", "city"), rows)
    shares = {share.name: share for share in column_shares(found)}
    assert math.fsum(share.added_bits for share in shares.values()) == pytest.approx(found.bits)
    assert shares["borough"].repeats == "zone" and shares["borough"].repeated_share == pytest.approx(1)
    assert shares["zone"].repeats is None and shares["zone"].shared_bits == 0
    assert shares["city"].bits == 0 and shares["city"].repeated_share == 0
    assert column_shares(found)[0].name == "zone"
    assert column_shares(record_entropy((), ())) == ()
    (alone,) = column_shares(record_entropy(("a",), (((1,), 1), ((2,), 1))))
    assert (alone.bits, alone.repeats) == (1.0, None)


def test_a_column_made_independent_brings_its_own_bits_and_no_more() -> None:
    found = entropy()
    for column in found.columns:
        assert found.bits - 1e-9 <= independent(found, column.name) <= found.marginal_sum_bits + 1e-9
        rest = [each for each in found.columns if each != column]
        pairs = [pair for pair in found.pairs if column.name not in (pair.first, pair.second)]
        assert independent(found, column.name) == pytest.approx(chow_liu(rest, pairs).bits + column.weighted_bits)


def gain_of(told: Valuation, symbol: str, start: str = "") -> Improvement:
    return next(each for each in improvements(told) if each.symbol == symbol and each.words.startswith(start))


def test_what_would_raise_the_value_is_priced_anew_and_ordered() -> None:
    told = valuation(of=facts(trading=TRADED))
    found = improvements(told)
    assert [each.negotiated_gain_fen for each in found] == sorted(
        (each.negotiated_gain_fen for each in found), reverse=True
    )
    assert all(each.negotiated_gain_fen >= 0 and (each.guide_gain_fen or 0) >= 0 for each in found)
    assert {each.symbol for each in found} == {"Z", "N", "T", "W", "E"}
    better = priced(facts(trading=TRADED, measures=replace(facts().measures, z={**Z, "accuracy": 1.0})), parameters())
    accuracy = gain_of(told, "Z", "accuracy 1 instead of 0.931")
    assert (accuracy.value_index, accuracy.negotiated_fen) == (
        better.valuation.value_index,
        better.negotiated.price_fen,
    )
    doubled = gain_of(told, "N")
    assert doubled.words == "twice the source records: 24,530 instead of 12,265"
    assert doubled.negotiated_gain_fen > 0 and (doubled.guide_gain_fen or 0) > 0
    fresh = gain_of(told, "T")
    assert fresh.negotiated_gain_fen == 0 < (fresh.guide_gain_fen or 0) and fresh.has_effect
    assert gain_of(told, "E").words.startswith("something new instead of trips_per_day, which repeats trips: 3.")


def test_of_two_columns_that_repeat_each_other_one_is_tried() -> None:
    tried = [each.words.split(",")[0].split()[-1] for each in improvements(valuation()) if each.symbol == "E"]
    assert "trips_per_day" in tried and "trips" not in tried and "zone_id" not in tried
    assert len(tried) == len(set(tried))


def test_what_is_as_good_as_it_gets_is_not_offered() -> None:
    measures = replace(facts().measures, z=dict.fromkeys(Z, 1.0), records=10**15)
    best = valuation(of=facts(measures=measures, factors=Factors(1, 1, 10**15, 1)), by=paper())
    (more,) = improvements(best)
    assert more.symbol == "N" and not more.has_effect
    unpriced = improvements(valuation(of=facts(field_costs=(), model_cost_fen=0)))
    assert all(each.guide_fen is None and each.guide_gain_fen is None for each in unpriced)
    nothing = improvements(valuation(of=facts(measures=replace(facts().measures, records=0))))
    assert not any(each.symbol == "N" for each in nothing)


def test_completeness_raises_coverage_too() -> None:
    factors = Factors(1, 1, RECORDS, Fraction(85, 200))
    of = facts(trading=TRADED, factors=factors, measures=replace(facts().measures, z={**Z, "completeness": 0.5}))
    gain = gain_of(valuation(of=of, completeness=0.5), "Z", "completeness")
    assert gain.negotiated_gain_fen > 0 and (gain.guide_gain_fen or 0) > 0
    unknown = gain_of(valuation(of=of, completeness=0.5, population_share=None), "Z", "completeness")
    assert unknown.guide_gain_fen == 0


@given(
    records=st.integers(0, 10**9),
    scores=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    share=st.fractions(0, 1),
    cost_fen=st.integers(1, 10**9),
    regime=st.sampled_from(["market", "public_guided", "public_free"]),
)
def test_no_improvement_lowers_anything(
    records: int, scores: list[float], share: Fraction, cost_fen: int, regime: Any
) -> None:
    measures = replace(facts().measures, records=records, z=dict(zip(Z, scores, strict=True)))
    of = facts(measures=measures, model_cost_fen=cost_fen, regime=regime, factors=Factors(share, share, records, share))
    told = valuation(of=of, completeness=scores[1])
    for each in improvements(told):
        if each.words.startswith("completeness"):
            continue  # W of this case is not made of it
        assert each.value_index_gain >= 0 and each.negotiated_gain_fen >= 0 and (each.guide_gain_fen or 0) >= 0, each
    assert explained(told)


def test_figures_never_read_as_what_they_are_not() -> None:
    shown = {0: "0", 1: "1", 0.9: "0.900", 0.9999: "0.9999", 0.9999999: ">0.999999", 1.0000001: "<1.000001"}
    shown |= {
        0.0123: "0.0123",
        22.41: "22.41",
        455120.2: "455,120",
        -3.25: "−3.25",
        123.456: "123.46",
        1e-5: "0.0000100",
    }
    assert {number: figure(number) for number in shown} == shown
    assert (constant(Fraction(15, 100)), constant(1_000_000), constant(-0.5)) == ("0.15", "1,000,000", "−0.5")
    assert (bits(0), bits(1e-16), bits(2.5)) == ("0 bits", "0 bits", "2.50 bits")
    assert (money(123_456), money(-5), money(Fraction(1, 2))) == ("¥1,234.56", "−¥0.05", "¥0.01")
    assert (money_change(100), money_change(-100), money_change(0)) == ("+¥1.00", "−¥1.00", "¥0.00")


def test_what_the_lint_found_is_told_in_words() -> None:
    lint = [
        {"kind": "superset_cheaper", "dearer_id": NAME, "dearer_fen": 300, "cheaper_ids": ["a"], "cheaper_fen": 200},
        {"kind": "bundle_dearer", "dearer_id": NAME, "dearer_fen": 300, "cheaper_ids": ["a", "b"], "cheaper_fen": 250},
    ]
    assert findings_in_words(valuation(lint=lint)) == (
        f"a holds all that {NAME} does and more, and costs less: ¥2.00 to ¥3.00",
        f"a and b together hold what {NAME} does, and cost less: ¥2.50 to ¥3.00",
    )
    assert findings_in_words(valuation()) == ()
    assert AGE_DAYS > 31, "the builder's data is late, so that T has something to tell"
