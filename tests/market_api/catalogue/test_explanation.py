"""A price is explained in figures and words that an app developer can follow, to the fen."""

import json
import re
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.catalogue.effects import effects
from market_api.catalogue.explanation import explained, sale_explained
from market_api.catalogue.price_steps import decimal_text
from market_api.catalogue.prices import allowed_prices
from market_api.problems import Problem
from market_api.rates.receivers import Receiver
from market_api.rates.tables import rates_on
from tests.market_api.catalogue.prices_of import Document, price_parts
from tests.market_api.catalogue.releases import a_release, priced_at
from tests.market_api.catalogue.shops import Shop

SHEETS = Path(__file__).parent.parent / "exports" / "datasheets"
DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def sheet(name: str = "zone_hourly_mobility") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHEETS / f"{name}.json").read_text())
    return found


def told(name: str = "zone_hourly_mobility") -> dict[str, Any]:
    document = sheet(name)
    return explained(document, allowed_prices(document), 254_670)


def step(document: dict[str, Any], symbol: str) -> dict[str, Any]:
    return next(each for each in document["steps"] if each["symbol"] == symbol)


def test_a_beta_that_the_regulator_set_is_told_as_that() -> None:
    document = sheet()
    assert "demand against supply" in step(told(), "P²")["words"]
    document["price"]["flags"] = ["β is 1.1 as the regulator set it (record bov_7): Scarce."]
    explanation = explained(document, allowed_prices(document), 254_670)
    assert "as the regulator set it" in step(explanation, "P²")["words"]
    assert "demand against supply" not in step(explanation, "P²")["words"]
    assert explanation["flags"] == document["price"]["flags"]


def test_every_step_has_its_figure_and_its_words() -> None:
    document = told()
    symbols = [each["symbol"] for each in document["steps"]]
    assert symbols == [
        *("N", "V", "Z·β", "Q", "E", "D", "I"),
        *("ΣC_x", "C_xm", "P'", "C_y", "A_k·I", "g", "P¹"),
        *("P_b", "C₀", "anchor", "S", "T", "W", "Φ", "P''", "P²"),
    ]
    for each in document["steps"]:
        assert each["words"].endswith(".")
        assert each["value"] is None or DECIMAL.fullmatch(each["value"])


def test_the_figures_are_those_of_the_datasheet() -> None:
    document = told()
    assert step(document, "P¹")["value"] == "250439"
    assert step(document, "P²")["value"] == "254670"
    assert step(document, "C_y")["value"] == "155734.4"
    assert step(document, "I")["value"] == "0.373606060639839"
    assert "¥2,504.39" in step(document, "P¹")["words"]
    assert document["prices"] == {
        "posted_fen": 254_670,
        "cost_fen": 194_668,
        "negotiated_fen": 250_439,
        "guide_fen": 254_670,
        "ceiling_fen": None,
    }


def test_the_band_and_the_reserve_are_told() -> None:
    document = told()
    assert (document["negotiation"]["lowest_fen"], document["negotiation"]["highest_fen"]) == (212_874, 288_004)
    assert document["auction"]["reserve_fen"] == 254_670


def test_a_ceiling_bounds_what_is_told() -> None:
    document = told("station_air_daily")
    assert document["prices"]["ceiling_fen"] == document["negotiation"]["highest_fen"] == 118_501
    assert "the regime leaves ¥1,185.01" in step(document, "P¹")["words"]


def test_what_moves_a_price_most_is_told_in_words() -> None:
    document = told("station_air_daily")
    most = document["moves_most"]["negotiated"]
    assert (most["symbol"], most["effect_fen"]) == ("Z", 36_322)
    assert most["words"].endswith("a tenth less of it would make P¹ ¥363.22 lower.")


def test_a_cost_that_is_a_tenth_lower_lowers_a_price_by_as_much_as_told() -> None:
    document = sheet()
    priced_at(100_000)(document)
    told_of = {each.symbol: each for each in effects(document["price"]["steps"])}
    whole = document["price"]["steps"]
    cheaper = sheet()
    priced_at(90_000)(cheaper)
    for price, effect in (("negotiated", "negotiated_fen"), ("guided", "guide_fen")):
        lower = whole[price]["price_fen"] - cheaper["price"]["steps"][price]["price_fen"]
        assert getattr(told_of["ΣC_x"], effect) == lower


@settings(max_examples=40, deadline=None)
@given(price_parts())
def test_whatever_is_priced_has_effects_and_is_told_in_order(price: Document) -> None:
    found = effects(price["steps"])
    sizes = [max(abs(each.negotiated_fen or 0), abs(each.guide_fen or 0)) for each in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size > 0 for size in sizes)


def test_a_price_that_does_not_follow_is_not_explained() -> None:
    document = sheet()
    document["price"]["steps"]["guided"]["price_fen"] += 1
    with pytest.raises(Problem) as caught:
        explained(document, allowed_prices(document), None)
    assert (caught.value.code, caught.value.further["steps"]) == (
        "not_cleared",
        ["guided.price_fen", "guided.listed_fen"],
    )


@given(st.fractions())
def test_a_decimal_is_the_number_to_fifteen_digits(value: Fraction) -> None:
    text = decimal_text(value)
    assert DECIMAL.fullmatch(text)
    assert abs(Fraction(text) - value) <= abs(value) / 10**14


@given(st.integers(0, 10**13), st.integers(0, 100))
def test_a_sale_taken_apart_is_whole(price_fen: int, percent: int) -> None:
    receivers = [
        Receiver("par_a", "seller", Fraction(percent, 100)),
        Receiver("par_b", "provider", 1 - Fraction(percent, 100)),
    ]
    sale = sale_explained(price_fen, rates_on(date(2026, 11, 27), "general"), receivers)
    assert sum(sale[name] for name in ("vat_fen", "fee_fen", "seller_fen", "providers_fen")) == price_fen
    assert not any("par_" in line for line in sale["words"])


# over HTTP


def test_a_price_is_told_with_what_becomes_of_a_sale(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    document = shop.told("/v1/components/zone_hours/price")
    sale = document["sale"]
    assert (sale["price_fen"], sale["may_be_posted"]) == (listing["price_fen"], True)
    assert sale["vat_fen"] + sale["fee_fen"] + sale["seller_fen"] + sale["providers_fen"] == sale["price_fen"]
    assert (sale["vat_rate"], sale["fee_rate"], sale["seller_share"]) == ("0.06", "0.02", "1")
    assert shop.seller.participant_id not in json.dumps(document)


def test_any_price_can_be_taken_apart(shop: Shop) -> None:
    shop.listed(a_release(shop.folder))
    sale = shop.told("/v1/components/zone_hours/price?price_fen=1000000000")["sale"]
    assert (sale["price_fen"], sale["may_be_posted"]) == (1_000_000_000, False)
    assert shop.get("/v1/components/zone_hours/price?price_fen=-1").json()["code"] == "invalid_request"
