"""The catalogue over HTTP: find components, see what they are and why they cost what they cost, and take it all in the
standards of other systems."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response

from market_api.callers import Caller, allowed
from market_api.catalogue.answers import Content, answered, json_content, kept
from market_api.catalogue.explanation import explained, sale_explained
from market_api.catalogue.exporting import ADDRESS, LD_JSON, YAML, catalogue_page, contract_text, wants_yaml
from market_api.catalogue.facts import preview_document, schema_document
from market_api.catalogue.files import datasheet_bytes, listed_datasheet, page_bytes
from market_api.catalogue.offered import trade_of, with_notice
from market_api.catalogue.prices import AllowedPrices, allowed_prices
from market_api.catalogue.reading import component_document, listing_document, listing_of, versions_page
from market_api.catalogue.requests import Filter
from market_api.catalogue.search import Order, Search, found_page
from market_api.catalogue.words import filter_word
from market_api.fields import FEN_MAX, Fen, Moment
from market_api.market import Market
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.problems import Problem
from market_api.rates.tables import rates_on
from market_api.trading.splitting import CALENDAR, receivers_of
from pricing.negotiated import Regime
from vault.contract import ApplicationField
from vault.moments import text_of

router = APIRouter(tags=["catalogue"])

EXPORT_PAGE_SIZE_MAX = 200
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

Reader = Annotated[Caller, allowed("catalogue.read")]
Component = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["zone_hourly_mobility"])]
Number = Annotated[
    int | None, Query(alias="release", ge=1, lt=10**9, description="Of an earlier release; left out: the newest")
]
PageToken = Annotated[str, Query(alias="pageToken", max_length=4000)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]


@router.get("/v1/components")
def search_components(
    caller: Reader,
    q: Annotated[str, Query(max_length=200, description="Words, each by its beginning; all must be found")] = "",
    field: ApplicationField | None = None,
    regime: Regime | None = None,
    max_price_fen: Annotated[int | None, Query(ge=0, le=FEN_MAX, description="Of a posted price")] = None,
    column: Annotated[Filter | None, Query(description="Name of a column")] = None,
    concept: Annotated[Filter | None, Query(description="Concept that a column stands for")] = None,
    updated_since: Annotated[Moment | None, Query()] = None,
    order: Order = "newest",
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> Response:
    """Find what is listed now."""
    filters = {"field": field, "regime": regime, "column": column, "concept": concept}
    asked = Search(
        text=q,
        filters=tuple(filter_word(kind, value) for kind, value in filters.items() if value is not None),
        max_price_fen=max_price_fen,
        updated_since=None if updated_since is None else text_of(updated_since),
        order=order,
    )

    def make(connection: sa.Connection) -> Content:
        rows, following = found_page(connection, asked, page_token, page_size)
        token = {"nextPageToken": following} if following else {}
        return json_content({"items": [listing_document(row) for row in rows], **token})

    return kept(caller, make)


@router.get("/v1/components/{component}")
def read_component(component: Component, caller: Reader, number: Number = None) -> Response:
    """A component as it is listed now, or one of its releases: terms, prices, facts, and where the rest is."""
    return kept(caller, lambda connection: json_content(component_document(listing_of(connection, component, number))))


@router.get("/v1/components/{component}/versions")
def list_versions(
    component: Component, caller: Reader, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> Response:
    """The releases of a component that were listed, the newest first, each with what it changed."""
    return kept(caller, lambda connection: json_content(versions_page(connection, component, page_token, page_size)))


@router.get("/v1/components/{component}/datasheet")
def read_datasheet(component: Component, caller: Reader, number: Number = None) -> Response:
    """The signed datasheet, byte for byte: whoever has the vault's public key can verify it."""
    row = caller.market.read(lambda connection: listing_of(connection, component, number))
    return answered(caller.request, Content(datasheet_bytes(caller.market.settings, row)))


@router.get("/v1/components/{component}/datasheet.html", response_class=Response)
def read_datasheet_page(component: Component, caller: Reader, number: Number = None) -> Response:
    """The datasheet as a page for people, as it was signed; with a notice on top while the component is not traded."""
    row = caller.market.read(lambda connection: listing_of(connection, component, number))
    headers = {"Content-Security-Policy": PAGE_POLICY}
    page = with_notice(page_bytes(caller.market.settings, row), row)
    return answered(caller.request, Content(page, "text/html", headers))


@router.get("/v1/components/{component}/schema")
def read_schema(component: Component, caller: Reader, number: Number = None) -> Response:
    """The columns: what the contract promises of each, and what was counted."""

    def make(connection: sa.Connection) -> Content:
        row = listing_of(connection, component, number)
        return json_content(schema_document(listed_datasheet(caller.market.settings, row)))

    return kept(caller, make)


@router.get("/v1/components/{component}/preview")
def read_preview(component: Component, caller: Reader, number: Number = None) -> Response:
    """What the component looks like: columns, facts and synthetic rows. No row of it is real."""

    def make(connection: sa.Connection) -> Content:
        row = listing_of(connection, component, number)
        return json_content(preview_document(listed_datasheet(caller.market.settings, row)))

    return kept(caller, make)


@router.get("/v1/components/{component}/price")
def read_price(
    component: Component,
    caller: Reader,
    number: Number = None,
    price_fen: Annotated[Fen | None, Query(description="A price to be taken apart; left out: the posted one")] = None,
) -> Response:
    """Why it costs what it costs: every step in figures and words, what moves it most, and who gets what of a sale."""
    at = caller.market.clock()
    day = at.astimezone(CALENDAR).date().isoformat()

    def make(connection: sa.Connection) -> Content:
        row = listing_of(connection, component, number)
        document = listed_datasheet(caller.market.settings, row)
        allowed_now = allowed_prices(document)
        told = explained(document, allowed_now, row.price_fen)
        sale = _sale(caller.market, row, allowed_now, price_fen, at)
        return json_content(
            {**told, "listing_id": row.listing_id, "state": row.state, "trade": trade_of(row), "sale": sale}
        )

    return kept(caller, make, also=day)


@router.get("/v1/components/{component}/contract", response_class=Response)
def read_contract(
    component: Component,
    caller: Reader,
    number: Number = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Response:
    """The contract in the Open Data Contract Standard 3.1, as YAML or JSON by the header Accept."""
    as_yaml = wants_yaml(accept)

    def make(connection: sa.Connection) -> Content:
        row = listing_of(connection, component, number)
        content = contract_text(caller.market, row, as_yaml=as_yaml)
        return Content(content, YAML if as_yaml else "application/json")

    return kept(caller, make, also=str(as_yaml))


@router.get(ADDRESS, response_class=Response)
def read_catalogue(
    caller: Reader,
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=EXPORT_PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Response:
    """The catalogue as DCAT 3 in JSON-LD, with ODRL offers; the header Link names the next page."""

    def make(connection: sa.Connection) -> Content:
        document, following = catalogue_page(caller.market, connection, page_token, page_size)
        content = json_content(document)
        place = f"{caller.market.settings.public_url}{ADDRESS}?pageToken={following}&pageSize={page_size}"
        return Content(content.body, LD_JSON, {"Link": f'<{place}>; rel="next"'} if following else {})

    return kept(caller, make)


def _sale(
    market: Market, row: sa.Row[Any], allowed_now: AllowedPrices, price_fen: int | None, at: datetime
) -> dict[str, Any]:
    """A sale taken apart, at the price asked about, else the posted one, else P²; or why it cannot be."""
    amount_fen = next(each for each in (price_fen, row.price_fen, allowed_now.guide_fen) if each is not None)
    receivers = receivers_of(row.seller_id, row.shares)
    may_be_posted = allowed_now.refusal(amount_fen)
    try:
        rates = rates_on(at.astimezone(CALENDAR).date(), row.taxpayer)
    except Problem as problem:
        return {"price_fen": amount_fen, "unknown": problem.detail}
    return {**sale_explained(amount_fen, rates, receivers), "may_be_posted": may_be_posted is None}
