"""Both prices put in line, and a record that gives the same price again."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.comparables import Comparable, Factors
from pricing.component_price import FieldCost, Trading, priced
from pricing.money import round_half_up
from pricing.price_record import differences, document_of, recomputed
from tests.pricing.prices import facts, parameters


def sale(price_fen: int, buyer: str, age_days: float = 10.0) -> Comparable:
    return Comparable(price_fen, age_days, buyer, factors=Factors(0.5, 0.8, 2e5, 0.9))


TRADED = Trading(tuple(sale(price, buyer) for price, buyer in ((900, "a"), (1000, "b"), (1100, "c"))), Fraction(11, 10))


def test_value_and_both_prices_follow_the_formulas() -> None:
    found = priced(facts(), parameters())
    assert found.valuation.value_index == pytest.approx(0.9 * 1.0 * 0.5)
    cost = Fraction(157) + Fraction(1, 3)
    assert found.negotiated.cost_price_fen == cost == found.negotiated.adjusted_cost_fen
    assert found.negotiated.price_fen == round_half_up(
        Fraction(115, 100) * (cost + 4_000_000 * Fraction(repr(found.valuation.value_index)))
    )
    assert found.guided is not None
    assert found.guided.base_fen == cost * Fraction(5, 4)
    assert found.guided.price_fen == round_half_up(found.guided.assessed_fen * found.guided.beta_market)


def test_a_guided_price_stops_at_its_ceiling_and_a_free_one_is_nothing() -> None:
    guided = priced(facts(regime="public_guided"), parameters()).negotiated
    assert guided.listed_fen == guided.ceiling_fen == 157 < guided.price_fen
    declared = priced(facts(regime="public_guided", ceiling_fen=160), parameters())
    assert declared.negotiated.listed_fen == 160
    assert declared.guided is not None and declared.guided.listed_fen == min(160, declared.guided.price_fen)
    free = priced(facts(regime="public_free"), parameters())
    assert free.negotiated.listed_fen == 0 and free.negotiated.price_fen > 0


def test_without_any_cost_there_is_no_guide_price() -> None:
    found = priced(facts(field_costs=(), model_cost_fen=0), parameters())
    assert found.guided is None and found.negotiated.price_fen > 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"domain": "catering"}, "no value_fen (A_k) is set for the domain 'catering'"),
        ({"ecosystem": "fishery"}, "ecosystem must be one of"),
        ({"regime": "barter"}, "regime must be market"),
        ({"model_cost_fen": -1}, "model_cost_fen must be 0 or more"),
        ({"model_cost_fen": float("nan")}, "model_cost_fen must be a finite number"),
        ({"field_costs": (FieldCost("a", {}), FieldCost("a", {}))}, "the cost of a field is counted once"),
        ({"trading": Trading(beta_market=2)}, "β must be 6/5 or less"),
        ({"expected_licences": 0}, "expected_licences must be 1 or more"),
    ],
)
def test_what_is_outside_its_domain_is_named(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        priced(facts(**changed), parameters())


def test_a_negative_cost_of_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="storage of x must be a whole number of fen, 0 or more"):
        FieldCost("x", {"storage": -1})


amounts = st.integers(0, 10**9)


@given(
    st.lists(amounts, max_size=4),
    st.fractions(0, 10**9),
    st.floats(0, 40, allow_nan=False),
    st.floats(0, 1),
    st.sampled_from([Trading(), TRADED]),
    st.sampled_from(["market", "public_guided", "public_free"]),
)
def test_a_record_gives_the_same_price_to_the_fen(
    costs: list[int], model_fen: Fraction, bits: float, share: float, trading: Trading, regime: str
) -> None:
    measured = replace(facts().measures, entropy_bits=bits, z={"accuracy": share}, waived=("timeliness",))
    fields = tuple(FieldCost(f"raw/t.{place}", {"storage": fen}) for place, fen in enumerate(costs))
    given_facts = facts(measures=measured, field_costs=fields, model_cost_fen=model_fen, trading=trading, regime=regime)
    price = priced(given_facts, parameters())
    text = json.dumps(document_of(given_facts, parameters(), price), sort_keys=True)
    again = recomputed(json.loads(text))
    assert again == price
    assert differences(json.loads(text)) == ()


def test_a_record_that_was_tampered_with_tells_where() -> None:
    document = document_of(facts(), parameters(), priced(facts(), parameters()))
    document["price"]["negotiated"]["price_fen"] += 1
    assert differences(document) == ("negotiated.price_fen",)
    document["facts"]["measures"]["entropy_bits"] = 15.0
    assert "valuation.density" in differences(document) and "negotiated.joint_fen" in differences(document)
