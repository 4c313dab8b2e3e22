"""A listing that no market could hold is refused before anything is told of it."""

from datetime import date, timedelta
from typing import Any

import pytest

from market_api.exports.listing import licence_in_words, require_permitted, rights_until
from tests.market_api.exports.listings import NOON, datasheet, listing, terms


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"price_fen": -1}, "price_fen"),
        ({"price_fen": 1.5}, "price_fen"),
        ({"regime": "public_free"}, "no price above 0"),
        ({"access_url": "/v1/shares"}, "access_url"),
        ({"access_url": "javascript:alert(1)"}, "access_url"),
        ({"access_url": "https://market.example/ <b>"}, "access_url"),
        ({"contract_url": "ftp://market.example/contract"}, "contract_url"),
        ({"issued": NOON.replace(tzinfo=None)}, "time zone"),
        ({"modified": NOON - timedelta(seconds=1)}, "before it is issued"),
    ],
)
def test_a_listing_that_cannot_be_is_refused(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        listing(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"purposes": ()},
        {"purposes": ("",)},
        {"users": 0},
        {"term_days": 0},
        {"pulls": 0},
        {"exclusive_days": 0},
        {"users": True},
        {"term_days": 1.5},
    ],
)
def test_terms_that_permit_nothing_or_have_no_measure_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"purpose|whole number"):
        terms(**changes)


def test_a_purpose_beyond_the_contract_cannot_be_licensed() -> None:
    require_permitted(datasheet(), terms(purposes=("transport_planning", "model_training")))
    with pytest.raises(ValueError, match="not advertising"):
        require_permitted(datasheet(), terms(purposes=("model_training", "advertising")))


def test_rights_hold_until_the_first_of_them_ends_and_without_any_nothing_is_licensed() -> None:
    assert rights_until(datasheet("hire_base_profile")) == date(2027, 6, 30)
    with pytest.raises(ValueError, match="names no right"):
        rights_until(datasheet(change=lambda document: document.update(rights=[])))


def test_a_licence_is_told_in_words() -> None:
    assert licence_in_words(terms(users=1, pulls=1)) == "A licence holds 365 days for 1 user, 1 pull in all"
    assert licence_in_words(terms(pulls=None, exclusive_days=30)) == (
        "A licence holds 365 days for 5 users, pulls are not counted, exclusive for 30 days"
    )
