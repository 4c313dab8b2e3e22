"""The negotiated price: the axioms of g, A_k from trades, and what the regimes make of a price."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.negotiated import (
    FORMS,
    Form,
    Joint,
    Trade,
    cobb_douglas,
    cold_start_value,
    domain_value,
    excess_revenue,
    joint_price,
    negotiated_price,
    permitted_revenue,
    price_ceiling,
    regulated_price,
    traded_value,
)
from tests.pricing.markets import NOT_FINITE, amounts_fen, shares, unhurried

forms = st.sampled_from(FORMS)
A_MILLIONTH_OF_A_FEN = Fraction(1, 10**6)


def joint(form: Form = "additive", value: int = 4_000_000) -> Joint:
    return Joint(form, value)


@unhurried
@given(forms, shares, amounts_fen)
def test_g1_no_price_is_below_cost(form: Form, index: Fraction, cost: int) -> None:
    assert joint_price(index, cost, joint(form)) >= cost


@unhurried
@given(forms, shares, shares, amounts_fen, amounts_fen)
def test_g2_more_value_or_cost_never_lowers_the_price(
    form: Form, index: Fraction, more: Fraction, cost: int, added: int
) -> None:
    assert joint_price(index + more, cost, joint(form)) >= joint_price(index, cost, joint(form)) - A_MILLIONTH_OF_A_FEN
    assert joint_price(index, cost + added, joint(form)) >= joint_price(index, cost, joint(form)) - A_MILLIONTH_OF_A_FEN


@unhurried
@given(forms, shares, amounts_fen, amounts_fen, st.integers(1, 1000))
def test_g3_the_unit_of_money_does_not_matter(form: Form, index: Fraction, cost: int, value: int, unit: int) -> None:
    in_units = joint_price(index, cost * unit, joint(form, value * unit))
    assert abs(in_units - unit * joint_price(index, cost, joint(form, value))) <= A_MILLIONTH_OF_A_FEN


@unhurried
@given(forms, shares, amounts_fen)
def test_g4_a_little_more_value_moves_the_price_a_little(form: Form, index: Fraction, cost: int) -> None:
    step = Fraction(1, 10**9)
    moved = joint_price(index + step, cost, joint(form)) - joint_price(index, cost, joint(form))
    assert abs(moved) <= step * (4_000_000 + cost) + A_MILLIONTH_OF_A_FEN


@unhurried
@given(forms, amounts_fen)
def test_g5_without_value_the_price_is_the_cost(form: Form, cost: int) -> None:
    assert joint_price(0, cost, joint(form)) == cost


@unhurried
@given(st.sampled_from(["additive", "ces", "maximum"]), shares, shares, amounts_fen, amounts_fen)
def test_g6_a_bundle_is_never_dearer_than_its_parts(
    form: Form, one: Fraction, other: Fraction, cost: int, other_cost: int
) -> None:
    parts = joint_price(one, cost, joint(form)) + joint_price(other, other_cost, joint(form))
    assert joint_price(one + other, cost + other_cost, joint(form)) <= parts + A_MILLIONTH_OF_A_FEN


def test_the_cold_start_form_is_not_subadditive() -> None:
    parts = joint_price(0.1, 1000, joint("cost_uplift")) + joint_price(0.5, 100, joint("cost_uplift"))
    assert joint_price(0.6, 1100, joint("cost_uplift")) > parts


@unhurried
@given(shares, amounts_fen)
def test_ces_with_rho_1_is_the_additive_form(index: Fraction, cost: int) -> None:
    ces = joint_price(index, cost, Joint("ces", 4_000_000, rho=1))
    assert ces == joint_price(index, cost, joint("additive"))


def test_ces_of_a_right_angle_is_its_hypotenuse() -> None:
    assert joint_price(1, 300, joint("ces", 400)) == pytest.approx(500, rel=1e-30)
    assert joint_price(1, 0, joint("ces", 0)) == 0


def test_cobb_douglas_is_refused_because_it_falls_below_cost() -> None:
    assert cobb_douglas(4_776_060, 1_516_859) < 4_776_060
    assert cobb_douglas(4_776_060, 0) == 0
    with pytest.raises(ValueError, match="must not be cobb_douglas: it falls below cost"):
        Joint("cobb_douglas")  # type: ignore[arg-type]


def test_the_price_is_rounded_once_at_its_end() -> None:
    assert negotiated_price(0, 3_980_050, joint(), 0.15) == 4_577_058
    assert negotiated_price(0, Fraction(10, 3), joint(), 0.5) == 5


def trades(*implied: float, **changes: object) -> list[Trade]:
    """Trades whose price implies these A_k, at a cost of 1000, I of 0.5 and γ of 0.15."""
    return [
        Trade((1000 + Fraction(str(value)) / 2) * Fraction("1.15"), 1000, 0.5, **changes)  # type: ignore[arg-type]
        for value in implied
    ]


def test_the_value_of_a_domain_is_the_median_of_ten_trades() -> None:
    assert traded_value(trades(1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000_000)) == Fraction(11, 2)
    assert traded_value(trades(*range(11))) == 5


def test_trades_between_friends_do_not_count() -> None:
    friendly = trades(900, 900, 900, arms_length=False)
    assert traded_value(trades(*range(11)) + friendly) == 5
    with pytest.raises(ValueError, match="needs 10 arm's-length trades, there are 9"):
        traded_value(trades(*range(9)) + friendly)


def test_value_never_lowers_a_price_even_if_trades_were_below_cost() -> None:
    assert traded_value(trades(*([-100] * 10))) == 0


def test_a_domain_with_few_trades_starts_from_its_costs() -> None:
    assert cold_start_value([1000, 3000, 9000]) == 3000
    assert cold_start_value([1000, 3000], uplift=0.5) == 1000
    assert domain_value(trades(*range(9)), [700]) == 700
    assert domain_value(trades(*range(11)), [700]) == 5


@unhurried
@given(amounts_fen, amounts_fen)
def test_each_regime_has_its_price(price_fen: int, ceiling_fen: int) -> None:
    assert regulated_price(price_fen, "market") == price_fen
    assert regulated_price(price_fen, "public_guided", ceiling_fen) == min(price_fen, ceiling_fen)
    assert regulated_price(price_fen, "public_free") == 0


@unhurried
@given(amounts_fen, st.integers(1, 10**4))
def test_at_the_ceiling_the_expected_licences_earn_no_more_than_permitted(permitted: int, licences: int) -> None:
    ceiling_fen = price_ceiling(permitted, licences)
    assert ceiling_fen * licences <= permitted < (ceiling_fen + 1) * licences


def test_what_a_period_earns_too_much_the_next_may_not_earn() -> None:
    permitted = permitted_revenue(1000, 50, 60)
    excess = excess_revenue(1200, permitted)
    assert (permitted, excess) == (1110, 90)
    assert permitted_revenue(1000, 50, 60, excess) == 1020
    assert excess_revenue(1000, permitted) == 0
    assert permitted_revenue(10, 0, 0, earlier_excess_fen=11) == 0


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: joint_price(wrong, 1, joint()),
        lambda: joint_price(1, wrong, joint()),
        lambda: negotiated_price(1, 1, joint(), wrong),
        lambda: Joint("additive", wrong),
        lambda: Joint("cost_uplift", 1, wrong),
        lambda: Joint("ces", 1, 1, wrong),
        lambda: Trade(wrong, 1, 1),
        lambda: Trade(1, wrong, 1),
        lambda: Trade(1, 1, wrong),
        lambda: cold_start_value([wrong]),
        lambda: cobb_douglas(wrong, 1),
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="γ must be 1/2 or less"):
        negotiated_price(0.5, 1000, joint(), 0.51)
    with pytest.raises(ValueError, match="λ must be 4 or less"):
        Joint("cost_uplift", uplift=4.1)
    with pytest.raises(ValueError, match="ρ must be 1 or more"):
        Joint("ces", rho=0.9)
    with pytest.raises(ValueError, match="g must be one of"):
        Joint("guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="I of a trade must be above 0"):
        Trade(1, 1, 0)
    with pytest.raises(ValueError, match="at least one component"):
        cold_start_value([])
    with pytest.raises(ValueError, match="needs a ceiling"):
        regulated_price(1, "public_guided")
    with pytest.raises(ValueError, match="regime must be"):
        regulated_price(1, "barter")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected_licences must be 1 or more"):
        price_ceiling(1, 0)
    with pytest.raises(ValueError, match="tax must be a whole number of fen"):
        permitted_revenue(1, 1, -1)
