"""An address is good for one file of one delivery, for a quarter of an hour, and cannot be made or altered."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.problems import Problem
from market_api.sharing.addresses import FileAddress, milliseconds, read_token, token_of
from tests.market_api.builders import NOON

KEY = bytes(range(32))
ADDRESS = FileAddress(f"dlv_{7:028x}", "0123456789abcdef", milliseconds(NOON + timedelta(minutes=15)))
TOKEN = token_of(KEY, ADDRESS)


def code(token: str, key: bytes = KEY, **later: float) -> str:
    with pytest.raises(Problem) as caught:
        read_token(key, token, NOON + timedelta(**later))
    return caught.value.code


def test_an_address_is_read_back_until_its_time_is_over() -> None:
    assert read_token(KEY, TOKEN, NOON) == ADDRESS
    assert read_token(KEY, TOKEN, NOON + timedelta(minutes=15, milliseconds=-1)) == ADDRESS
    assert code(TOKEN, minutes=15) == "not_entitled"


def test_a_token_is_fit_for_a_path() -> None:
    assert all(each.isascii() and (each.isalnum() or each in "_-") for each in TOKEN)


def test_another_key_makes_another_code() -> None:
    assert code(TOKEN, bytes(32)) == "not_found"


@given(place=st.integers(0, len(TOKEN) - 1), character=st.sampled_from("0aZ_-./%\\\n٣"))
def test_no_character_can_be_altered(place: int, character: str) -> None:
    altered = TOKEN[:place] + character + TOKEN[place + 1 :]
    if altered != TOKEN:
        assert code(altered) == "not_found"


def test_what_was_signed_for_one_thing_is_good_for_no_other() -> None:
    own = TOKEN.rpartition("-")[2][-43:]
    for other in (
        f"dlv_{8:028x}-0123456789abcdef-{ADDRESS.expires_ms}",
        f"{ADDRESS.delivery_id}-0123456789abcdee-{ADDRESS.expires_ms}",
        f"{ADDRESS.delivery_id}-0123456789abcdef-{ADDRESS.expires_ms + 1}",
    ):
        assert code(f"{other}-{own}") == "not_found"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    assert code(text) == "not_found"


@given(delivery=st.integers(0, 2**100), file=st.integers(0, 2**64 - 1), seconds=st.integers(1, 10**7))
def test_every_address_is_read_back(delivery: int, file: int, seconds: int) -> None:
    expires = milliseconds(NOON + timedelta(seconds=seconds))
    address = FileAddress(f"dlv_{delivery % 16**28:028x}", f"{file:016x}", expires)
    assert read_token(KEY, token_of(KEY, address), NOON) == address
