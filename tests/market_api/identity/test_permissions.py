"""The table of who may do what, cell by cell, asked of a server; and that no address stands beside it."""

from importlib import import_module
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from market_api import features
from market_api.app import application
from market_api.callers import Caller, allowed
from market_api.market import Market
from market_api.permissions import ACTS, ROLES, SCOPES, refusal, scopes_of
from market_api.web.description import act_of
from tests.market_api.builders import Participant, a_market, a_participant

OPEN = {
    "/health",
    "/ready",
    "/metrics",
    "/oauth/token",
    "/v1/applications",
    "/v1/enrolments",
    "/openapi.json",
    "/docs",
    "/delta-sharing/files/{token}",
}
"""What nobody needs a token for; the address of a file is itself what permits it."""

COLUMNS = ("provider", "developer", "app_developer", "operator", "evaluator", "regulator")
TABLE = """
account.read                yes yes yes yes yes yes
account.credentials         yes yes yes yes yes yes
account.statement           yes yes yes yes yes yes
account.withdraw            yes yes yes no  no  no
participant.read            no  no  no  yes no  no
participant.decide          no  no  no  yes no  no
participant.enrol_anew      no  no  no  yes no  no
participant.freeze          no  no  no  no  no  yes
funds.deposit               no  no  no  yes no  no
funds.reverse               no  no  no  yes no  no
funds.payout                no  no  no  yes no  no
catalogue.read              yes yes yes yes yes yes
listing.read                no  yes no  no  no  no
listing.create              no  yes no  no  no  no
listing.change              no  yes no  no  no  no
listing.retire              no  yes no  no  no  no
listing.freeze              no  no  no  no  no  yes
order.place                 no  yes yes no  no  no
order.read                  yes yes yes no  no  no
negotiation.open            no  yes yes no  no  no
negotiation.answer          yes yes yes no  no  no
negotiation.waive           no  no  no  no  no  yes
auction.create              no  yes no  no  no  no
auction.read                yes yes yes yes yes yes
auction.bid                 no  yes yes no  no  no
dispute.open                no  yes yes no  no  no
dispute.read                yes yes yes no  no  no
dispute.answer              yes yes yes no  no  no
dispute.evidence            no  no  no  no  yes no
dispute.decide              no  no  no  yes no  no
entitlement.read            yes yes yes yes yes yes
data.pull                   no  yes yes no  no  no
data.trace                  no  no  no  no  no  yes
oversight.trades            no  no  no  no  no  yes
oversight.screens           no  no  no  no  no  yes
oversight.cases             no  no  no  no  no  yes
oversight.permit_revenue    no  no  no  no  no  yes
oversight.set_beta          no  no  no  no  no  yes
oversight.log               no  no  no  yes no  yes
oversight.export_trades     no  no  no  yes no  no
"""
"""Who may do what, written a second time by hand: whoever changes the table says here that it was meant."""

CELLS = [
    (words[0], role, word == "yes")
    for words in (line.split() for line in TABLE.strip().splitlines())
    for role, word in zip(COLUMNS, words[1:], strict=True)
]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"), rate_limit="100000/minute")


@pytest.fixture(scope="module")
def client(market: Market) -> TestClient:
    """A client of an application that has an address for each act."""
    app = application(market)
    router = APIRouter()

    def address_of(act: str) -> Any:
        def answer(caller: Annotated[Caller, allowed(act)]) -> dict[str, str]:
            return {"role": caller.role}

        return answer

    for act in [*ACTS, "nobody.knows"]:
        router.add_api_route(f"/acts/{act}", address_of(act))
    app.include_router(router)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def callers(market: Market) -> dict[str, Participant]:
    return {role: a_participant(market, role) for role in sorted(ROLES)}


def test_the_table_is_the_one_that_was_meant() -> None:
    assert {act for act, _, _ in CELLS} == set(ACTS) and set(COLUMNS) == ROLES
    assert {(act, role) for act, role, may in CELLS if may} == {
        (act, role) for act, rule in ACTS.items() for role in rule.roles
    }


@pytest.mark.parametrize("role", COLUMNS)
def test_each_cell_of_the_table_holds_over_the_network(
    client: TestClient, callers: dict[str, Participant], role: str
) -> None:
    for act, _, may in (cell for cell in CELLS if cell[1] == role):
        answer = client.get(f"/acts/{act}", headers=callers[role].headers)
        assert answer.status_code == (200 if may else 403), (act, answer.text)
        if not may:
            assert answer.json()["act"] == act


@pytest.mark.parametrize("role", COLUMNS)
def test_an_act_that_the_table_lacks_is_nobodys(client: TestClient, callers: dict[str, Participant], role: str) -> None:
    assert client.get("/acts/nobody.knows", headers=callers[role].headers).status_code == 403


def test_without_a_token_no_act_is_anybodys(client: TestClient) -> None:
    assert {client.get(f"/acts/{act}").status_code for act in ACTS} == {401}


@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_needs_its_scope(act: str) -> None:
    rule = ACTS[act]
    for role in rule.roles:
        assert refusal(act, role, frozenset({rule.scope})) is None
        assert refusal(act, role, frozenset(SCOPES) - {rule.scope}) is not None
        assert refusal(act, role, frozenset()) is not None
        assert rule.scope in scopes_of(role)


def test_no_role_but_a_known_one_may_anything() -> None:
    for role in ("", "admin", "OPERATOR", "operator ", "*"):
        assert scopes_of(role) == frozenset()
        assert all(refusal(act, role, frozenset(SCOPES)) is not None for act in ACTS)


def test_every_address_names_its_act_or_is_listed_as_open(market: Market) -> None:
    routes = application(market).routes
    guarded = [route for route in routes if isinstance(route, APIRoute) and act_of(route) is not None]
    assert {getattr(route, "path", repr(route)) for route in routes if route not in guarded} == OPEN
    assert len(guarded) > 30


def test_every_open_address_of_a_feature_is_counted() -> None:
    for name in features.ROUTERS:
        for route in import_module(name).router.routes:
            if route.path in OPEN:
                calls = [dependency.call for dependency in route.dependant.dependencies]
                assert any(getattr(call, "is_open", False) for call in calls), route.path
