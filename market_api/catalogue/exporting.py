"""The catalogue and its contracts in the standards of other systems: DCAT 3 with ODRL offers, and ODCS 3.1."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import yaml

from market_api.catalogue.files import listed_datasheet
from market_api.catalogue.offered import of_sellers_in_trade
from market_api.catalogue.tables import listings
from market_api.exports.dcat import CatalogueFacts, Entry, dcat_catalogue
from market_api.exports.listing import LicenceTerms, ListingFacts
from market_api.exports.odcs import odcs_contract
from market_api.identity.tables import participants
from market_api.market import Market
from market_api.paging import page_token, read_token
from market_api.problems import Problem

ADDRESS = "/v1/catalogue.jsonld"
TITLE = "Jinku market: data components"
DESCRIPTION = "Released data components (数据元件) that are offered for licence, each with its signed datasheet."
PUBLISHER = "Jinku market"
LD_JSON = "application/ld+json"
YAML = "application/yaml"


def catalogue_page(market: Market, connection: sa.Connection, token: str, size: int) -> tuple[Mapping[str, Any], str]:
    """A page of the catalogue as DCAT, and the token of the next one, '' where this is the last.

    What is listed but is not what was signed any more, and whose seller may not trade now, is left out: nobody could
    license it.
    """
    rows = _listed(connection, token, size)
    entries = [entry for row in rows[:size] if (entry := _entry(market, row)) is not None]
    document = dcat_catalogue(_catalogue(market, connection), entries)
    return document, page_token(rows[size - 1].listing_id) if len(rows) > size else ""


def contract_text(market: Market, listing: sa.Row[Any], *, as_yaml: bool) -> bytes:
    """The contract of a listing as ODCS. listing: with its seller's name. Raises Problem `not_cleared`."""
    document = listed_datasheet(market.settings, listing)
    contract = odcs_contract(document, listing_facts_of(market, listing))
    if as_yaml:
        return yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=120).encode()
    return json.dumps(contract, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def listing_facts_of(market: Market, listing: sa.Row[Any]) -> ListingFacts:
    """A listing as the exports know it."""
    place = f"{market.settings.public_url}/v1/components/{listing.component}"
    terms = json.loads(listing.terms)
    return ListingFacts(
        listing_id=listing.listing_id,
        seller_id=listing.seller_id,
        seller_name=listing.seller_name or listing.seller_id,
        price_fen=listing.price_fen,
        regime=listing.regime,
        terms=LicenceTerms(
            purposes=tuple(terms["purposes"]),
            users=terms["users"],
            term_days=terms["term_days"],
            pulls=terms["pulls"],
            exclusive_days=terms["exclusive_days"] or None,
        ),
        access_url=f"{place}/data",
        state=listing.state,
        issued=datetime.fromisoformat(listing.created_at),
        modified=datetime.fromisoformat(listing.changed_at),
        contract_url=f"{place}/contract?release={listing.release_number}",
        datasheet_url=f"{place}/datasheet?release={listing.release_number}",
    )


def wants_yaml(accept: str) -> bool:
    """Whether a client asks for YAML rather than JSON, by its header Accept; JSON where it has no choice."""
    weights = dict(_weight(each) for each in accept.split(",") if each.strip())
    of_yaml = max((weights.get(name, 0.0) for name in (YAML, "application/x-yaml", "text/yaml")), default=0.0)
    return of_yaml > weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip().lower() for each in part.split(";"))
    for each in parameters:
        if each.startswith("q="):
            try:
                return name, min(1.0, max(0.0, float(each[2:])))
            except ValueError:
                return name, 0.0
    return name, 1.0


def _listed(connection: sa.Connection, token: str, size: int) -> Sequence[sa.Row[Any]]:
    own = listings.c
    query = (
        sa.select(listings, participants.c.registered_name.label("seller_name"))
        .outerjoin(participants, participants.c.participant_id == own.seller_id)
        .where(own.state == "listed", own.listing_id > read_token(token), *of_sellers_in_trade(connection))
        .order_by(own.listing_id)
    )
    return connection.execute(query.limit(size + 1)).all()


def _entry(market: Market, row: sa.Row[Any]) -> Entry | None:
    try:
        return listed_datasheet(market.settings, row), listing_facts_of(market, row)
    except Problem:
        return None


def _catalogue(market: Market, connection: sa.Connection) -> CatalogueFacts:
    own = listings.c
    found = sa.select(sa.func.min(own.created_at), sa.func.max(own.changed_at)).where(own.state == "listed")
    first, last = connection.execute(found).one()
    now = market.clock().isoformat()
    return CatalogueFacts(
        url=f"{market.settings.public_url}{ADDRESS}",
        title=TITLE,
        description=DESCRIPTION,
        publisher_name=PUBLISHER,
        issued=datetime.fromisoformat(first or now),
        modified=datetime.fromisoformat(last or now),
    )
