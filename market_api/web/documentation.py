"""The page of the interface, for people: made from the market's own description, without a script or anything that is
loaded from elsewhere, so that it works without a network."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from markupsafe import Markup, escape

from market_api.permissions import ACTS
from market_api.problems import KINDS
from market_api.web.description import act_of, methods_of
from market_api.web.security_headers import DOCUMENTATION

TEMPLATES = Path(__file__).parent / "templates"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
VALUES_SHOWN = 8
LAST = "running"
"""What people look for least."""
BEGINNING = """\
MARKET={url}
TOKEN=$(curl -s $MARKET/oauth/token -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials \\
  | jq -r .access_token)
curl -s $MARKET/v1/components -H "Authorization: Bearer $TOKEN\""""


@dataclass(frozen=True)
class Member:
    """A parameter of an address, or a member of a body. link: the body that it is itself."""

    name: str
    place: str
    type: str
    is_needed: bool
    words: str
    link: str = ""


@dataclass(frozen=True)
class Operation:
    """One address with one method. further: what its description says after its first sentence; call: with curl."""

    method: str
    path: str
    tag: str
    summary: str
    further: str
    act: str | None
    parameters: tuple[Member, ...]
    body: str
    call: str

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return anchor(f"{self.method} {self.path}")

    @property
    def scope(self) -> str:
        """That its token needs."""
        return "" if self.act is None else ACTS[self.act].scope

    @property
    def roles(self) -> Sequence[str]:
        """Who may do it."""
        return () if self.act is None else sorted(ACTS[self.act].roles)


def install_page(app: FastAPI, url: str) -> None:
    """Have an application answer its page. url: by which clients reach it."""

    @cache
    def page() -> str:
        return page_of(app, url)

    def show(request: Request) -> Response:
        return HTMLResponse(page())

    app.add_api_route(DOCUMENTATION, show, include_in_schema=False)


def page_of(app: FastAPI, url: str) -> str:
    """The page of an application."""
    document = app.openapi()
    operations = list(operations_of(app))
    tags = sorted(dict.fromkeys(each.tag for each in operations), key=lambda tag: tag == LAST)
    return (
        _environment()
        .get_template("documentation.html")
        .render(
            title=document["info"]["title"],
            description=document["info"]["description"],
            version=document["openapi"],
            beginning=BEGINNING.format(url=url),
            tags=[(tag, [each for each in operations if each.tag == tag]) for tag in tags],
            schemas=list(_bodies(document, {each.body for each in operations})),
            kinds=list(KINDS.items()),
        )
    )


def operations_of(app: FastAPI) -> Iterator[Operation]:
    """All that the description of an application tells of, in the order of its features."""
    document = app.openapi()
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(methods_of(route)):
                yield _operation(document, route, method)


def anchor(words: str) -> str:
    """A name of a place on the page."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _operation(document: Mapping[str, Any], route: APIRoute, method: str) -> Operation:
    told = document["paths"][route.path_format][method.lower()]
    summary, _, further = " ".join(told.get("description", told["summary"]).split()).partition(". ")
    content = told.get("requestBody", {}).get("content", {})
    reference = content.get(JSON, {}).get("schema", {})
    body = _referred(reference)
    members = [_parameter(_resolved(document, each)) for each in told.get("parameters", [])]
    return Operation(
        method=method,
        path=route.path_format,
        tag=told["tags"][0],
        summary=summary.rstrip(".") + ".",
        further=further,
        act=act_of(route),
        parameters=tuple(members),
        body=body,
        call=_call(method, route.path_format, members, content, _example(document, body), act_of(route)),
    )


def _parameter(told: Mapping[str, Any]) -> Member:
    schema = told.get("schema", {})
    words = told.get("description") or _words(schema)
    return Member(told["name"], told["in"], type_words(schema), told.get("required", False), words)


def type_words(schema: Mapping[str, Any]) -> str:
    """A schema in words, such as 'integer, at least 1'."""
    if choices := [each for each in schema.get("anyOf", schema.get("oneOf", [])) if each.get("type") != "null"]:
        return " or ".join(dict.fromkeys(type_words(each) for each in choices))
    if reference := _referred(schema):
        return reference
    if "const" in schema:
        return f"'{schema['const']}'"
    if values := schema.get("enum"):
        more = "" if len(values) <= VALUES_SHOWN else " …"
        return ", ".join(map(str, values[:VALUES_SHOWN])) + more
    name = {"array": "list"}.get(schema.get("type", "any"), schema.get("type", "any"))
    if schema.get("type") == "array" and (inside := type_words(schema.get("items", {}))) != "any":
        name = f"list of {inside}"
    return ", ".join([name, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    words = (("minimum", "at least"), ("maximum", "at most"), ("exclusiveMaximum", "below"), ("default", "usually"))
    for key, told in words:
        if (value := schema.get(key)) not in (None, ""):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            yield f"{told} {value:,.15g}" if is_number else f"{told} {value}"


def _bodies(document: Mapping[str, Any], named: set[str]) -> Iterator[Mapping[str, Any]]:
    """The bodies that requests name, and those within them."""
    schemas = document["components"]["schemas"]
    known, waiting = set[str](), sorted(named - {""})
    while waiting:
        name = waiting.pop(0)
        known.add(name)
        members = list(_members(schemas[name]))
        inside = {link for each in members for link in each.link.split() if link in schemas}
        waiting += sorted(inside - known - set(waiting))
        yield {"name": name, "words": " ".join(schemas[name].get("description", "").split()), "members": members}


def _members(schema: Mapping[str, Any]) -> Iterator[Member]:
    needed = schema.get("required", [])
    for name, told in schema.get("properties", {}).items():
        yield Member(name, "body", type_words(told), name in needed, _words(told), _link(told))


def _words(schema: Mapping[str, Any]) -> str:
    """What a schema, or one of its choices, says of itself, else an example of it."""
    told = [schema, *schema.get("anyOf", ())]
    words = [each["description"] for each in told if each.get("description")]
    examples = [f"Such as {each['examples'][0]}" for each in told if each.get("examples")]
    return next(iter([*words, *examples]), "")


def _link(schema: Mapping[str, Any]) -> str:
    """The body that a member is, or is a list of."""
    inside = schema.get("items", schema)
    choices = [_referred(inside), *(_referred(each) for each in inside.get("anyOf", inside.get("oneOf", [])))]
    return next((each for each in choices if each), "")


def _referred(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _resolved(document: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document["components"]["parameters"][_referred(told)] if "$ref" in told else told
    return found


def _example(document: Mapping[str, Any], body: str) -> Any:
    examples = document["components"]["schemas"].get(body, {}).get("examples", []) if body else []
    return examples[0] if examples else None


def _call(
    method: str, path: str, members: Sequence[Member], content: Mapping[str, Any], example: Any, act: str | None
) -> str:
    """The request with curl."""
    needed = [f"{each.name}=…" for each in members if each.place == "query" and each.is_needed]
    query = f"?{'&'.join(needed)}" if needed else ""
    method_told = "" if method == "GET" else f"-X {method} "
    lines = [f'curl -s {method_told}"$MARKET{path}{query}"']
    if act is not None:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if any(each.name == "Idempotency-Key" for each in members):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if FORM in content:
        lines.append('-u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials')
    elif example is not None:
        lines.append(f"--json '{json.dumps(example, ensure_ascii=False, indent=2)}'")
    return " \\\n  ".join(lines)


def breakable(path: str) -> Markup:
    """An address that may be broken into lines before its slashes."""
    return Markup("<wbr>/").join(escape(part) for part in path.split("/"))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "anchor": anchor,
        "breakable": breakable,
        "spoken": lambda word: word.replace("_", " "),
    }
    return environment
