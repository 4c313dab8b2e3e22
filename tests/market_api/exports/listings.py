"""Datasheets as a run of the city signs them, and listings that offer them."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from market_api.exports.dcat import CatalogueFacts, Entry
from market_api.exports.listing import LicenceTerms, ListingFacts

DATASHEETS = tuple(sorted((Path(__file__).parent / "datasheets").glob("*.json")))
"""Three releases of the sample city: of an enterprise register, of stations by day, of zones by hour."""

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CATALOGUE_URL = "https://market.example/v1/catalogue.jsonld"


def datasheet(name: str = "zone_hourly_mobility", change: Callable[[dict[str, Any]], None] | None = None) -> Any:
    """A real datasheet, or one that was changed, whose signature then no longer holds."""
    document = json.loads((Path(__file__).parent / "datasheets" / f"{name}.json").read_text("utf-8"))
    if change is not None:
        change(document)
    return document


def expecting(*expectations: Mapping[str, Any]) -> Any:
    """A datasheet whose contract expects just this; of each only what matters need be given."""
    whole = [
        {"arguments": {}, "severity": "warning", "weight": 1.0, "reason": "It matters", **each} for each in expectations
    ]
    return datasheet(change=lambda document: document["contract"].update(expectations=whole))


def terms(**changes: Any) -> LicenceTerms:
    return LicenceTerms(
        **{"purposes": ("model_training",), "users": 5, "term_days": 365, "pulls": 10, **changes}  # type: ignore[arg-type]
    )


def listing(**changes: Any) -> ListingFacts:
    given: dict[str, Any] = {
        "listing_id": "lst_0193",
        "seller_id": "par_07",
        "seller_name": "Mobility Lab",
        "price_fen": 250_439,
        "regime": "market",
        "terms": terms(),
        "access_url": "https://market.example/v1/shares",
        "state": "listed",
        "issued": NOON,
        "modified": NOON + timedelta(hours=2),
        **changes,
    }
    return ListingFacts(**given)


def catalogue(**changes: Any) -> CatalogueFacts:
    given: dict[str, Any] = {
        "url": CATALOGUE_URL,
        "title": "Data components of the city",
        "description": "What the city's vault released and somebody offers.",
        "publisher_name": "City market",
        "issued": NOON,
        "modified": NOON,
        **changes,
    }
    return CatalogueFacts(**given)


def numbered(document: Any, number: int) -> Any:
    """The same component in another release."""
    return {**deepcopy(document), "number": number, "release": f"{document['component']}@{number}"}


def entries() -> list[Entry]:
    """Every datasheet, each in a listing of its own."""
    names = [path.stem for path in DATASHEETS]
    return [(datasheet(name), listing(listing_id=f"lst_{name}")) for name in names]
