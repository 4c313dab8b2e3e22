"""Every address of the market as its application has it, so that a new one is tried by all of these tests."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from market_api.permissions import ACTS
from market_api.web.description import act_of, changes, methods_of

MADE_UP = "0" * 28
SHARING = {"share": "jinku", "schema": "components", "table": "zone_hours"}
FITTING: Mapping[str, Mapping[str, Any]] = {
    "/v1/orders": {"price_fen": 100_000},
    "/v1/negotiations/{negotiation_id}/offers": {"price_fen": 95_000},
    "/v1/disputes": {"evidence": []},
    "/v1/disputes/{dispute_id}/statements": {"evidence": []},
    "/v1/evaluation/disputes/{dispute_id}/statements": {"evidence": []},
}
"""What an example has to say instead, so that the market of these tests takes it."""


@dataclass(frozen=True)
class Address:
    """A method and a path; the act that it names, None where it is open; the names in its path; what a body looks
    like, None where it takes none; whether it takes an Idempotency-Key; and whether the interface tells of it."""

    method: str
    path: str
    act: str | None
    names: tuple[str, ...]
    queries: tuple[str, ...]
    example: Any
    does_change: bool
    is_described: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, ids: Mapping[str, str]) -> str:
        """The path with these in it; what is not among them is made up."""
        told = {**SHARING, "index": "0", "token": "none", **ids}
        return self.path.format_map({name: told.get(name, f"ord_{MADE_UP}") for name in self.names})

    def body(self, ids: Mapping[str, str]) -> Any:
        """The example with these in it, where it has members of their names."""
        body = deepcopy(self.example)
        if isinstance(body, dict):
            body |= {name: ids[name] for name in body if name in ids} | FITTING.get(self.path, {})
        return body

    @property
    def roles(self) -> frozenset[str]:
        """Whose participants may ask it."""
        return ACTS[self.act].roles if self.act else frozenset()


def addresses_of(app: FastAPI) -> list[Address]:
    """All of them."""
    return [
        Address(
            method,
            route.path,
            act_of(route),
            tuple(each.name for each in route.dependant.path_params),
            tuple(each.alias for each in route.dependant.query_params),
            _example(app, route, method),
            changes(route),
            route.include_in_schema,
        )
        for route in routes_of(app)
        for method in sorted(methods_of(route))
    ]


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """Those that answer for the market."""
    return (route for route in app.routes if isinstance(route, APIRoute))


def models_of(app: FastAPI) -> Mapping[str, Any]:
    """What bodies are made of, by name, as the interface is described."""
    schemas: Mapping[str, Any] = app.openapi()["components"]["schemas"]
    return schemas


def _example(app: FastAPI, route: APIRoute, method: str) -> Any:
    if route.body_field is None:
        return None
    told = app.openapi()["paths"][route.path_format][method.lower()]["requestBody"]["content"]["application/json"]
    schema = told["schema"]
    named = next(each["$ref"] for each in (schema, *schema.get("anyOf", ())) if "$ref" in each)
    return models_of(app)[named.rpartition("/")[2]]["examples"][0]
