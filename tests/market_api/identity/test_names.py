"""Names: what is none, and which two are one to the eye."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.identity.names import name_key, registered_name

letters = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Zs", "Po", "Ps", "Pe"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("  Riverside   Transit\u00a0Ltd ", "Riverside Transit Ltd"),
        ("城市出行科技有限公司", "城市出行科技有限公司"),
        ("ＡＣＭＥ（北京）数据", "ACME(北京)数据"),
        ("Müller & Söhne GmbH", "Müller & Söhne GmbH"),
        ("Cafe\u0301 Data", "Café Data"),
        ("デジタル庁 Data", "デジタル庁 Data"),
        ("서울 Data", "서울 Data"),
        ("Газпром", "Газпром"),
        ("人工智能〇一", "人工智能〇一"),
        ("C++ Tools (1999) Ltd.", "C++ Tools (1999) Ltd."),
    ],
)
def test_a_name_is_kept_in_its_composed_form(given_name: str, kept: str) -> None:
    assert registered_name(given_name) == kept


@pytest.mark.parametrize(
    "name",
    [
        "River\u200bside",  # zero-width space
        "River\u200dside",  # zero-width joiner
        "\ufeffRiverside",  # byte order mark
        "Riverside\u202e dtL",  # turns the direction of writing
        "Riverside\u2066x",
        "Riverside\x00",
        "Riverside\x1b[31m",
        "Riverside\u206a",  # switches the shaping of letters
        "Riverside\ue000",  # for private use
        "Riverside\ud800",  # half of a pair
        "River\u3164side",  # Hangul filler, which is a letter and blank
        "Riverside\u2800",  # blank Braille
        "Soft\u00adware",  # soft hyphen
    ],
)
def test_what_cannot_be_seen_is_in_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        registered_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Аcme",  # Cyrillic А
        "Acmе",  # Cyrillic е
        "Ρaypal",  # Greek Ρ
        "Goοgle",  # Greek ο
        "数据 Аcme",
        "Γазпром",  # Greek among Cyrillic
        "デジタルㄅ",  # Katakana and Bopomofo
        "서울デジタル",
    ],
)
def test_letters_that_look_alike_are_not_mixed(name: str) -> None:
    with pytest.raises(ValueError, match="look alike"):
        registered_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("!!! 123", "no letter"),
        ("   ", "no letter"),
        ("Data 🚀", "neither letters"),
        ("Data ৪", "neither letters"),  # Bengali 4, which looks like 8
        ("A\u0338cme", "neither letters"),  # a stroke through it that does not compose
        ("Acme\ufe0f", "neither letters"),  # variation selector
        ("Ꭺcme", "script in which"),  # Cherokee
        ("აბგ", "script in which"),
        ("🄰cme", None),  # becomes A by NFKC, or is refused: never kept as it came
    ],
)
def test_signs_and_other_scripts_make_no_name(name: str, why: str | None) -> None:
    if why is None:
        assert registered_name(name) == "Acme"
        return
    with pytest.raises(ValueError, match=why):
        registered_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Riverside Transit Ltd", "riverside transit ltd"),
        ("Riverside Transit Ltd", "RIVERSIDE-TRANSIT LTD."),
        ("Riverside Transit", "ＲＩＶＥＲＳＩＤＥ　Ｔｒａｎｓｉｔ"),
        ("ﬁnance data", "Finance Data"),
        ("Straße", "STRASSE"),
        ("Café Data", "Cafe\u0301 Data"),
        ("СОСО", "COCO"),  # Cyrillic throughout
        ("ΑΒΕ", "ABE"),  # Greek throughout
        ("城市出行(北京)", "城市出行（北京）"),
        ("Kelvin K", "Kelvin \u212a"),  # the sign of the unit
    ],
)
def test_names_that_are_one_to_the_eye_have_one_key(one: str, other: str) -> None:
    assert name_key(registered_name(one)) == name_key(registered_name(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Café", "Cafes"), ("城市出行", "城市出租"), ("Acme 1", "Acme 2"), ("バス", "ハス"), ("Müller", "Muller")],
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert name_key(registered_name(one)) != name_key(registered_name(other))


@given(letters)
def test_a_name_that_is_kept_is_kept_as_it_is_the_next_time(text: str) -> None:
    try:
        name = registered_name(text)
    except ValueError:
        return
    assert registered_name(name) == name
    assert name_key(name) and name_key(name) == name_key(name.casefold()) == name_key(name.upper())


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_is_refused_with_a_reason(text: str) -> None:
    reason = ""
    try:
        name = registered_name(text)
    except ValueError as refusal:
        reason = str(refusal)
    assert reason.startswith("it ") or (name.isprintable() and name_key(name))
