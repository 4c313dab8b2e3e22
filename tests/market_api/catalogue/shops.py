"""A market with a catalogue: who sells, who holds the rights below, who buys, who oversees."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from market_api.market import Market
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, served
from tests.market_api.catalogue.releases import OWNER, a_folder

TERMS = {"purposes": ["urban_management"], "users": 10, "pulls": 24}


@dataclass(frozen=True)
class Shop:
    """The market and its participants; the seller's party is the owner of the component."""

    folder: Path
    clock: SetClock
    market: Market
    seller: Participant
    buyer: Participant
    regulator: Participant

    @cached_property
    def client(self) -> TestClient:
        return served(self.market)

    def list(self, release: str, who: Participant | None = None, **changes: Any) -> httpx.Response:
        """Ask for a listing; all of a sale is the seller's, unless told otherwise."""
        seller = who or self.seller
        body = {"release": release, "terms": TERMS, "shares": [[seller.participant_id, "1"]], **changes}
        return self.act(seller, "/v1/listings", body)

    def listed(self, release: str, who: Participant | None = None, **changes: Any) -> dict[str, Any]:
        """The same, where it succeeds."""
        answer = self.list(release, who, **changes)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def act(self, who: Participant, path: str, body: Any, **headers: str) -> httpx.Response:
        answer: httpx.Response = self.client.post(path, json=body, headers={**who.changing, **headers})
        return answer

    def get(self, path: str, who: Participant | None = None, **headers: str) -> httpx.Response:
        answer: httpx.Response = self.client.get(path, headers={**(who or self.buyer).headers, **headers})
        return answer

    def told(self, path: str, who: Participant | None = None) -> Any:
        """What is read there."""
        answer = self.get(path, who)
        assert answer.status_code == 200, answer.text
        return answer.json()


def a_shop(released: Path, folder: Path, database_url: str | None = None) -> Shop:
    """A market over the real release, and what a test adds to its folder."""
    clock = SetClock()
    market = a_market(a_folder(released, folder), clock, database_url)
    return Shop(
        folder,
        clock,
        market,
        a_participant(market, "developer", "Zhihui Mobility", party=OWNER),
        a_participant(market, "app_developer"),
        a_participant(market, "regulator"),
    )
