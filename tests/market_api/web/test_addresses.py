"""Addresses: found by their first words as they are found without, and described as they are."""

from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.market import Market
from market_api.web.routing import RouteIndex
from tests.market_api.builders import a_market, served

TEMPLATES = (
    "/v1/orders",
    "/v1/orders/{order}",
    "/v1/orders/open",
    "/v1/{kind}",
    "/v1/{kind}/{name}",
    "/v1/files/{name:path}",
    "/{word}",
    "/health",
    "/v1/orders/{order}/cancel",
    "/",
)
words = st.sampled_from(["v1", "orders", "open", "files", "health", "cancel", "", "x", "%2F", "orders "])


def an_app(templates: Sequence[str]) -> FastAPI:
    router = APIRouter()
    for number, template in enumerate(templates):
        router.add_api_route(template, endpoint(f"{number} {template}"), methods=["GET" if number % 3 else "POST"])
    app = FastAPI(redirect_slashes=False)
    app.router.routes.extend(router.routes)
    return app


def endpoint(told: str) -> object:
    def answer() -> str:
        return told

    return answer


@settings(max_examples=40, deadline=None)  # each makes two applications
@given(st.permutations(TEMPLATES), st.lists(words, max_size=5), st.sampled_from(["GET", "POST", "PUT"]))
def test_the_index_finds_what_the_framework_finds(templates: list[str], path: list[str], method: str) -> None:
    plain, indexed = an_app(templates), an_app(templates)
    indexed.router.middleware_stack = RouteIndex(indexed.router)
    address = "http://testserver/" + "/".join(path)
    one, other = (TestClient(app).request(method, address) for app in (plain, indexed))
    assert (one.status_code, one.text) == (other.status_code, other.text)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def interface(market: Market) -> Any:
    return served(market).get("/openapi.json").json()


def test_every_address_is_in_the_interface(interface: Any) -> None:
    told = interface["paths"]
    assert {"/health", "/oauth/token", "/v1/account", "/v1/applications", "/v1/participants/{participant_id}"} <= set(
        told
    )


def test_requests_have_examples(interface: Any) -> None:
    schemas = interface["components"]["schemas"]
    own = [name for name in schemas if name.endswith("Request")]
    assert own and all(schemas[name].get("examples") for name in own), [
        n for n in own if not schemas[n].get("examples")
    ]


def test_an_address_with_a_slash_more_is_another_one(market: Market) -> None:
    assert served(market).get("/v1/account/").status_code == 404
