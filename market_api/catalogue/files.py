"""The files of a listed release as they were signed: the datasheet byte for byte, and its page."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.clearance import signed_datasheet
from market_api.problems import Problem
from market_api.settings import MarketSettings
from vault.releases.datasheet import DATASHEET, Document, datasheet_hash
from vault.releases.reading import PAGE


def listed_datasheet(settings: MarketSettings, listing: sa.Row[Any]) -> Document:
    """The datasheet of a listing, signed and the one that was listed. Raises Problem `not_cleared`."""
    signed = signed_datasheet(settings, listing.release_id)
    if signed.hash != listing.datasheet_hash:
        raise _altered(listing.release_id)
    return signed.document


def datasheet_bytes(settings: MarketSettings, listing: sa.Row[Any]) -> bytes:
    """The datasheet's file. Raises Problem `not_cleared` where it is not what was listed."""
    signed = signed_datasheet(settings, listing.release_id)
    try:
        content = (signed.folder / DATASHEET).read_bytes()
        found = datasheet_hash(json.loads(content))
    except (OSError, ValueError):
        raise _altered(listing.release_id) from None
    if found != listing.datasheet_hash:
        raise _altered(listing.release_id)
    return content


def page_bytes(settings: MarketSettings, listing: sa.Row[Any]) -> bytes:
    """The datasheet as a page, whose hash the datasheet states. Raises Problem `not_cleared`, and `not_found` where the
    release has none."""
    document = listed_datasheet(settings, listing)
    stated = {each["path"]: each["sha256"] for each in document["files"]}
    if PAGE not in stated:
        raise Problem("not_found", f"{listing.release_id} has no page.", "component")
    folder = signed_datasheet(settings, listing.release_id).folder
    try:
        content = (folder / PAGE).read_bytes()
    except OSError:
        raise _altered(listing.release_id) from None
    if hashlib.sha256(content).hexdigest() != stated[PAGE]:
        raise _altered(listing.release_id)
    return content


def _altered(release_id: str) -> Problem:
    return Problem("not_cleared", f"What lies there is not what was listed as {release_id}.", "component")
