"""Names and reasons with letters that deceive: what cannot be seen is refused, what looks like another is another's."""

import json
import logging

import pytest
from fastapi.testclient import TestClient

from tests.market_api.faults.addresses import addresses_of, models_of
from tests.market_api.faults.asking import code_of, log_size
from tests.market_api.faults.busy import Busy
from tests.market_api.identity.applicants import applied, apply

UNSEEN = (*"\u200b\u200d\u202e\u2066\ufeff\u00ad\u2028\u0007\u0000\ue000\U000e0041",)
"""Of no width, turning the direction of writing, control, private, and tags."""

LINE = "\u2028"
"""Ends a line: a space in a name, and the end of one of the lines of a statement."""

NAME = "Harbour Analytics Ltd"
LOOK_ALIKES = (
    "HARBOUR ANALYTICS LTD",
    "Harbour  Analytics   Ltd",
    "Harbour Analytics Ltd.",
    "Ｈａｒｂｏｕｒ Ａｎａｌｙｔｉｃｓ Ｌｔｄ",
    "𝐇𝐚𝐫𝐛𝐨𝐮𝐫 Analytics Ltd",
    "Harbour-Analytics-Ltd",
    "Harbour\u00a0Analytics\u3000Ltd",
)
MIXED = ("Hаrbour Analytics Ltd", "Harbour Αnalytics Ltd", "Harbour Analytiсs Ltd", "Ꮋarbour Analytics Ltd")
"""With a letter of Cyrillic, Greek, Cyrillic and Cherokee among those of Latin."""

NOTHING = ("", " ", "\u3164\u3164", "\u2800", "...", "12345", "🙂🙂", "\u0301\u0301")


@pytest.fixture(scope="module")
def taken(client: TestClient) -> None:
    applied(client, registered_name=NAME)


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_looks_like_anothers_is_taken(client: TestClient, taken: None, name: str) -> None:
    answer = apply(client, registered_name=name)
    assert answer.status_code == 409 and code_of(answer) == "taken", answer.text


@pytest.mark.parametrize("name", [*MIXED, *NOTHING, *(f"Harbour{sign} Two Ltd" for sign in UNSEEN if sign != LINE)])
def test_a_name_that_deceives_or_is_none_is_refused(client: TestClient, taken: None, name: str) -> None:
    answer = apply(client, registered_name=name)
    assert answer.status_code == 422 and code_of(answer) == "invalid_request", answer.text


def test_names_of_any_honest_script_are_kept_and_told_as_they_are(client: TestClient) -> None:
    for name in ("城市出行科技有限公司", "Città di Verità", "株式会社データ", "서울데이터", "Данные и Город"):
        answer = apply(client, registered_name=name)
        assert answer.status_code == 201, (name, answer.text)


@pytest.mark.parametrize("sign", UNSEEN)
def test_a_reason_with_letters_that_are_not_seen_is_refused_wherever_one_is_given(
    busy: Busy, client: TestClient, sign: str
) -> None:
    before, tried = log_size(busy.market), 0
    for address in addresses_of(client.app):  # type: ignore[arg-type]
        for member in ("reason", "statement"):
            if address.does_change and isinstance(address.example, dict) and member in address.example:
                body = {**address.body(busy.ids), member: f"It is looked{sign} at."}
                headers = {**busy.party_of(address.act or "").changing, "Content-Type": "application/json"}
                answer = client.post(address.at(busy.ids), content=json.dumps(body), headers=headers)
                may_be = sign == LINE and member == "statement"
                assert answer.status_code == 422 or may_be, (str(address), answer.text)
                tried += 1
    assert tried >= 10 and (log_size(busy.market) == before or sign == LINE)


def test_no_name_reaches_the_logs_or_the_black_box(
    busy: Busy, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        applied(client, registered_name="Quayside Freight Ltd", owner_registration="91350100M000100Q55")
    regulator = busy.parties["regulator"]
    told = client.get("/v1/oversight/log?pageSize=500", headers=regulator.headers).text
    for secret in ("Quayside", "91350100M000100Q55"):
        assert secret not in told and secret not in caplog.text


def test_every_text_that_is_kept_has_a_bound(client: TestClient) -> None:
    unbounded = [
        f"{name}.{member}"
        for name, schema in models_of(client.app).items()  # type: ignore[arg-type]
        if name.endswith(("Request", "Change", "Decision", "Retirement")) and name != "QueryRequest"
        for member, told in schema["properties"].items()
        for kind in (told, *told.get("anyOf", ()))
        if kind.get("type") == "string" and not {"maxLength", "pattern", "enum", "const", "format"} & set(kind)
    ]
    assert not unbounded
