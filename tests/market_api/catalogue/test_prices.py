"""No price is allowed below cost, above a ceiling or outside of what the model says, whatever is priced."""

import math
from fractions import Fraction

from hypothesis import assume, given, settings

from market_api.catalogue.prices import AllowedPrices, allowed_prices, posted_price
from market_api.catalogue.recomputation import number
from market_api.problems import Problem
from pricing.money import exact
from tests.market_api.catalogue.prices_of import Document, price_parts

FEW = settings(max_examples=40, deadline=None)


def allowed_of(price: Document) -> AllowedPrices | None:
    """What may be asked; None where a ceiling below the cost leaves nothing."""
    try:
        return allowed_prices({"price": price})
    except Problem:
        return None


def tried(allowed: AllowedPrices) -> set[int]:
    """Prices around all that matters."""
    known = {0, 1, allowed.cost_fen, allowed.negotiated_fen, allowed.guide_fen, allowed.ceiling_fen or 0}
    if allowed.band is not None:
        known |= {allowed.band.lowest_fen, allowed.band.highest_fen}
    return {max(0, price_fen + step) for price_fen in known for step in (-1, 0, 1)}


@FEW
@given(price_parts())
def test_nothing_is_posted_below_its_cost_or_above_its_ceiling(price: Document) -> None:
    allowed = allowed_of(price)
    assume(allowed is not None)
    assert allowed is not None
    cost = exact(number(price["steps"]["negotiated"]["cost_price_fen"]))
    for price_fen in tried(allowed):
        if allowed.refusal(price_fen) is not None:
            continue
        if price["regime"] == "public_free":
            assert price_fen == 0
        elif price["regime"] == "market":
            assert price_fen >= cost
        else:
            assert cost - Fraction(1, 2) <= price_fen <= price["steps"]["negotiated"]["ceiling_fen"]


@FEW
@given(price_parts())
def test_what_is_posted_where_none_is_asked_is_allowed(price: Document) -> None:
    allowed = allowed_of(price)
    assume(allowed is not None)
    assert allowed is not None
    price_fen = posted_price(allowed, None)
    assert allowed.refusal(price_fen) is None
    assert price_fen >= allowed.cost_fen


def test_a_cost_of_a_part_of_a_fen_is_posted_as_a_whole_one() -> None:
    allowed = AllowedPrices("market", cost_fen=1, negotiated_fen=0, guide_fen=0, ceiling_fen=None, band=None)
    assert posted_price(allowed, None) == 1
    assert allowed.refusal(0) is not None and allowed.refusal(2) is not None


@FEW
@given(price_parts())
def test_the_edges_of_the_band_are_allowed_and_what_lies_beyond_is_not(price: Document) -> None:
    allowed = allowed_of(price)
    assume(allowed is not None and allowed.band is not None and price["regime"] == "market")
    assert allowed is not None and allowed.band is not None
    lowest_fen, highest_fen = allowed.band.lowest_fen, allowed.band.highest_fen
    assume(lowest_fen <= highest_fen)
    assert allowed.refusal(lowest_fen) is None
    assert allowed.refusal(highest_fen) is None
    if highest_fen + 1 != allowed.unasked_fen:
        assert allowed.refusal(highest_fen + 1) is not None
    if lowest_fen - 1 != allowed.unasked_fen:
        assert allowed.refusal(lowest_fen - 1) is not None


@FEW
@given(price_parts())
def test_a_market_cost_in_whole_fen_is_never_rounded_down(price: Document) -> None:
    allowed = allowed_of(price)
    assume(allowed is not None and price["regime"] == "market")
    assert allowed is not None
    assert allowed.cost_fen == math.ceil(exact(number(price["steps"]["negotiated"]["cost_price_fen"])))
