"""The page of the interface: all of it is there, nothing of it is loaded or run."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from market_api.app import application
from market_api.market import Market
from market_api.problems import KINDS
from market_api.web.documentation import operations_of, page_of, type_words
from tests.market_api.builders import a_market, served
from tests.pages import HOSTILE, Page

URL = "http://127.0.0.1:3002"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return a_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def app(market: Market) -> FastAPI:
    return application(market)


def read(app: FastAPI, folder: Path) -> Page:
    """The page as it is read."""
    path = folder / "page.html"
    path.write_text(page_of(app, URL))
    return Page(path)


def test_every_address_of_the_description_stands_on_the_page(app: FastAPI, tmp_path: Path) -> None:
    page = read(app, tmp_path)
    told = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert {(each.method, each.path) for each in operations_of(app)} == told and len(told) > 100
    for each in operations_of(app):
        assert each.anchor in page.identifiers and each.path in page.text and each.summary in page.text
    assert len(set(page.identifiers)) == len(page.identifiers)


def test_every_code_of_a_refusal_stands_on_the_page(app: FastAPI, tmp_path: Path) -> None:
    told = read(app, tmp_path).between("Refusals", "This page is made")
    assert all(code in told and kind.title in told for code, kind in KINDS.items())


def test_every_link_leads_to_a_place_on_the_page(app: FastAPI, tmp_path: Path) -> None:
    page = read(app, tmp_path)
    assert {link.removeprefix("#") for link in page.links if link != "/openapi.json"} <= set(page.identifiers)


def test_nothing_is_run_and_nothing_is_loaded(app: FastAPI, market: Market, tmp_path: Path) -> None:
    page = read(app, tmp_path)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed", "base", "form"}
    assert "url(" not in page.source and "@import" not in page.source and " on" not in str(page.tags)
    assert {attributes["href"] for tag, attributes in page.tags if tag == "link"} == {"data:,"}
    answer = served(market).get("/docs")
    assert (
        answer.text.splitlines()[0] == "<!DOCTYPE html>" and "script" not in answer.headers["Content-Security-Policy"]
    )


def test_a_description_that_holds_markup_is_shown_as_text(market: Market, tmp_path: Path) -> None:
    app = application(market)
    app.add_api_route("/other", lambda: None, description=HOSTILE, tags=["other"])
    source = read(app, tmp_path).source
    assert "<script>" not in source and "&lt;script&gt;alert(1)&lt;/script&gt;" in source


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1.0, "maximum": 1e13}, "integer, at least 1, at most 10,000,000,000,000"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Evidence"}}, "list of Evidence"),
        ({"enum": ["a", "b"]}, "a, b"),
        ({"const": "x"}, "'x'"),
        ({"type": "boolean", "default": True}, "boolean, usually True"),
        ({}, "any"),
    ],
)
def test_a_schema_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema) == words


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_browser_without_a_network(app: FastAPI, browser: Any, tmp_path: Path, width: int) -> None:
    page = read(app, tmp_path)
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    tab = context.new_page()
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("requestfailed", lambda request: noise.append(request.url))
    tab.goto(page.path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width and noise == []
    context.close()
