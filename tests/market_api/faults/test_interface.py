"""The whole interface as it is described, asked by schemathesis with what fits the description and what does not: no
fault of the market, and every answer is one that the description tells of.

Each address is asked by a participant who may, with real ids and made-up ones; what changes something is tried on a
market of its own.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS

from market_api.app import application
from market_api.permissions import ROLES
from market_api.problems import KINDS, MEDIA_TYPE
from tests.market_api.faults.addresses import Address, addresses_of
from tests.market_api.faults.busy import Busy, a_busy_market

FEW, MANY = 5, 40
"""Requests to an address, of those that fit its description, and as many of those that do not."""

CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}, "seed": 20261127}
)
RULES_BEYOND_THE_DESCRIPTION = "positive_data_acceptance"
"""A request that fits is still refused by the rules of trade, so this one check is not asked."""

OPEN = "open"


class Market:
    """A market to be asked, and another whenever something was changed."""

    def __init__(self, make: Callable[[], Busy]) -> None:
        self._make = make
        self.renew()

    def renew(self) -> None:
        self.busy = self._make()
        self.app = application(self.busy.market)


def operations(schema: Any, addresses: Mapping[str, Address], role: str) -> list[tuple[APIOperation, Address]]:
    """What a role is the first to be permitted, or what nobody needs a permission for."""
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()
        address = addresses[f"{operation.method.upper()} {operation.path}"]
        if (sorted(address.roles) or [OPEN])[0] == role:
            found.append((operation, address))
    return found


def with_ids(case: Case, ids: Mapping[str, str]) -> None:
    """Put ids of what there is in the place of made-up ones."""
    for within in (case.path_parameters, case.body):
        if isinstance(within, dict):
            within.update({name: ids[name] for name in within if name in ids})


def tried(market: Market, operation: APIOperation, address: Address, mode: GenerationMode, examples: int) -> list[int]:
    """The statuses of the answers to many requests at one address, each of which was held to the description."""
    statuses: list[int] = []
    checks = [each for each in CHECKS.get_all() if each.__name__ != RULES_BEYOND_THE_DESCRIPTION]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == FEW,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
    def asked(case: Case, is_real: bool) -> None:
        if is_real and mode is GenerationMode.POSITIVE:
            with_ids(case, market.busy.ids)
        who = market.busy.party_of(address.act) if address.act else None
        answer = case.call(headers={} if who is None else who.headers, app=market.app)
        statuses.append(answer.status_code)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        case.validate_response(answer, checks=checks)

    try:
        asked()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "only what takes nothing cannot be asked wrongly"
    return statuses


@pytest.fixture(params=[pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.faults)])
def examples(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def market(
    examples: int, request: pytest.FixtureRequest, pulled_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Market:
    """On SQLite; where much is tried, on PostgreSQL, which is the stricter of the two."""
    from tests.postgres import fresh_database

    def made() -> Busy:
        server = None if examples == FEW else request.getfixturevalue("postgres_server")
        url = server and fresh_database(server)
        return a_busy_market(pulled_home, tmp_path_factory.mktemp("interface"), url)

    return Market(made)


@pytest.mark.parametrize("role", [OPEN, *sorted(ROLES)])
def test_the_market_answers_as_it_is_described(
    market: Market, examples: int, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", market.app, config=CONFIG)
    addresses = {str(each): each for each in addresses_of(market.app)}
    statuses: Counter[int] = Counter()
    caplog.set_level(logging.ERROR)
    for operation, address in operations(schema, addresses, role):
        if address.does_change:
            market.renew()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            statuses.update(tried(market, operation, address, mode, examples))
    assert not [each.message for each in caplog.records if each.name.startswith("jinku")]
    assert sum(statuses.values()) >= examples or role == "provider"


def test_every_address_is_asked_by_somebody(market: Market) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", market.app, config=CONFIG)
    addresses = {str(each): each for each in addresses_of(market.app)}
    asked = {str(address) for role in (OPEN, *ROLES) for _, address in operations(schema, addresses, role)}
    assert asked == {name for name, address in addresses.items() if address.is_described}


def test_the_description_says_who_may_what_is_needed_and_how_it_is_refused(busy: Busy) -> None:
    app: FastAPI = application(busy.market)
    told = app.openapi()
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    for address in addresses_of(app):
        if not address.is_described:
            continue
        operation = told["paths"][address.path][address.method.lower()]
        assert (key in operation.get("parameters", [])) == address.does_change, str(address)
        assert ("security" in operation) == (address.act is not None), str(address)
        assert "default" in operation["responses"] and "422" not in operation["responses"]
        refusal = told["components"]["responses"][operation["responses"]["default"]["$ref"].rpartition("/")[2]]
        assert MEDIA_TYPE in refusal["content"]
    assert set(told["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(KINDS)
    assert "HTTPValidationError" not in str(told)
