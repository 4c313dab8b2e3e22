"""What changed from one release of a component to the next, from both signed datasheets; no value of the data."""

from collections.abc import Mapping
from typing import Any

from vault.releases.datasheet import Document

OF_COLUMN = ("logicalType", "role", "unit", "decisionResolution", "conceptId")


def differences_between(
    earlier: Document, later: Document, earlier_price_fen: int | None, later_price_fen: int | None
) -> dict[str, Any]:
    """The change notice of a new release: columns, rows, quality, purposes and prices, each before and after.

    The prices are the posted ones, None where it is on request.
    """
    before, after = _columns(earlier), _columns(later)
    return {
        "component": later["component"],
        "from_release": earlier["release"],
        "to_release": later["release"],
        "columns_added": sorted(set(after) - set(before)),
        "columns_removed": sorted(set(before) - set(after)),
        "columns_changed": [
            {"name": name, "changed": _changed(before[name], after[name])}
            for name in sorted(set(before) & set(after))
            if before[name] != after[name]
        ],
        "grain": _pair(earlier["contract"]["grain"], later["contract"]["grain"]),
        "rows": _pair(earlier["table"]["rows"], later["table"]["rows"]),
        "quality": _pair(earlier["quality"]["quality"], later["quality"]["quality"]),
        "quality_scores": _changed(earlier["quality"]["scores"], later["quality"]["scores"]),
        "permitted_uses": _pair(earlier["contract"]["permittedUses"], later["contract"]["permittedUses"]),
        "refresh_period": _pair(earlier["contract"]["refreshPeriod"], later["contract"]["refreshPeriod"]),
        "price_fen": _pair(earlier_price_fen, later_price_fen),
        "negotiated_fen": _pair(*(_listed(each, "negotiated") for each in (earlier, later))),
        "guide_fen": _pair(*(_listed(each, "guided") for each in (earlier, later))),
    }


def _columns(document: Document) -> dict[str, dict[str, Any]]:
    """What a reader of each column relies on."""
    types = {each["name"]: each["type"] for each in document["table"]["columns"]}
    return {
        each["name"]: {**{key: each.get(key) for key in OF_COLUMN}, "type": types.get(each["name"])}
        for each in document["contract"]["columns"]
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted({*before, *after})
    return {name: _pair(before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _pair(before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after}


def _listed(document: Document, price: str) -> int | None:
    step = document["price"]["steps"][price]
    return None if step is None else step["listed_fen"]
