"""Check digits computed by the engine are those of the standards, and every single wrong character is noticed."""

from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.classification import check_digits

IDENTITY, CREDIT, CARD = check_digits.identity_number(), check_digits.credit_code(), check_digits.bank_card()
CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
some = settings(deadline=None, max_examples=40)


def holds(condition: str, value: str) -> bool | None:
    found = duckdb.execute(f"select {condition} from (select ? as v)", [value]).fetchone()
    assert found is not None
    holds_so: bool | None = found[0]
    return holds_so


@pytest.mark.parametrize("value", ["11010519491231002X", "11010519491231002x", "440524188001010014"])
def test_examples_of_the_standard_of_identity_numbers(value: str) -> None:
    """Both stand in GB 11643-1999."""
    assert holds(IDENTITY, value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("110105194912310021", False),
        ("11010519491331002X", None),
        ("110105199902300015", False),
        ("01010519491231002X", None),
        ("1101051949123100", None),
        ("110105 19491231002X", None),
        ("", None),
    ],
)
def test_what_is_no_identity_number(value: str, said: bool | None) -> None:
    """A wrong digit, a thirteenth month, a thirtieth of February, a division that begins with 0, too short, a blank."""
    assert holds(IDENTITY, value) is said


def test_examples_of_credit_codes_and_cards() -> None:
    """The code is the example of GB 32100-2015; the card numbers are those that payment systems are tested with."""
    assert holds(CREDIT, "91350100M000100Y43") and not holds(CREDIT, "91350100M000100Y44")
    assert holds(CREDIT, "91350100M000100O43") is None, "the letter O is not used"
    for card in ("4111111111111111", "5555555555554444", "3530111333300000", "4111 1111 1111 1111", "378282246310005"):
        assert holds(CARD, card), card
    assert not holds(CARD, "4111111111111112") and holds(CARD, "41111111111") is None


def luhn_digit(body: str) -> str:
    """The digit that makes the sum end in 0, counted once more without SQL."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        worth = int(digit) * (2 if place % 2 == 0 else 1)
        total += worth // 10 + worth % 10
    return str(-total % 10)


def identity_digit(body: str) -> str:
    """ISO 7064, MOD 11-2, by its own recursion rather than by weights."""
    remainder = 0
    for digit in body:
        remainder = (remainder + int(digit)) * 2 % 11
    check = (12 - remainder) % 11
    return "X" if check == 10 else str(check)


def credit_digit(body: str) -> str:
    total = sum(CREDIT_CHARACTERS.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return CREDIT_CHARACTERS[-total % 31]


days = st.dates(min_value=date(1900, 1, 1), max_value=date(2025, 12, 31))


@some
@given(st.integers(110000, 659999), days, st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_any_wrong_digit_of_an_identity_number_is_noticed(
    division: int, day: date, serial: int, place: int, step: int
) -> None:
    body = f"{division}{day:%Y%m%d}{serial:03d}"
    assert holds(IDENTITY, body + identity_digit(body))
    wrong = body[:place] + str((int(body[place]) + step) % 10) + body[place + 1 :]
    assert not holds(IDENTITY, wrong + identity_digit(body))


@some
@given(st.text("0123456789", min_size=11, max_size=17), st.integers(1, 11), st.integers(1, 9))
def test_any_wrong_digit_of_a_card_is_noticed(rest: str, place: int, step: int) -> None:
    body = "6" + rest
    assert holds(CARD, body + luhn_digit(body))
    wrong = body[:place] + str((int(body[place]) + step) % 10) + body[place + 1 :]
    assert not holds(CARD, wrong + luhn_digit(body))


@some
@given(st.text("0123456789", min_size=6, max_size=6), st.text(CREDIT_CHARACTERS, min_size=9, max_size=9))
def test_a_credit_code_has_one_check_character(division: str, organisation: str) -> None:
    body = "91" + division + organisation
    every = [body + character for character in CREDIT_CHARACTERS]
    right = duckdb.execute(f"select v from (select unnest(?) as v) where {CREDIT}", [every]).fetchall()
    assert right == [(body + credit_digit(body),)]
