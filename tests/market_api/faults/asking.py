"""Asking the market as a participant, and what it answered."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from market_api.log import head
from market_api.market import Market
from market_api.problems import MEDIA_TYPE
from tests.market_api.builders import Participant
from tests.market_api.faults.addresses import Address


def ask(
    client: TestClient,
    address: Address,
    who: Participant | None,
    ids: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Ask at an address as it wants to be asked. headers: in the place of those that are sent otherwise."""
    own = {} if who is None else who.changing
    body = address.body(ids)
    told = {"If-Match": "*", **own, **(headers or {})}
    return client.request(address.method, address.at(ids), headers=told, json=body)


def code_of(answer: Response) -> str:
    """The stable code of a refusal, also of one that the sharing protocol tells in its own words."""
    document: dict[str, Any] = answer.json()
    if "errorCode" in document:
        return str(document["errorCode"])
    assert answer.headers["Content-Type"] == MEDIA_TYPE, answer.text
    return str(document["code"])


def refusal_of(answer: Response, *without: str) -> tuple[int, str]:
    """A refusal without what differs from request to request. without: ids that it may repeat."""
    document: dict[str, Any] = answer.json() if answer.content else {}
    document.pop("instance", None)
    text = repr(sorted(document.items()))
    for each in without:
        text = text.replace(each, "(id)")
    return answer.status_code, text


def log_size(market: Market) -> int:
    """How many entries the black box has: what changes nothing adds none."""
    return int(market.read(lambda connection: connection.execute(sa.select(head.c.size)).scalar_one()))
