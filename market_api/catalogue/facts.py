"""What a datasheet tells of its columns and of the release, in the form in which the catalogue shows it."""

from collections.abc import Mapping
from typing import Any

from market_api.catalogue.synthetic import synthetic_rows
from vault.releases.datasheet import Document

SYNTHETIC = (
    "The rows are made up from the datasheet alone: its types, declared ranges and sets of values, resolution, and how "
    "many values and nulls were counted. None of them is real, and what relates columns is not kept."
)
OF_COLUMN = ("unit", "conceptId", "eventTime", "decisionResolution")


def listing_facts(document: Document) -> dict[str, Any]:
    """What of a release is shown in lists, as plain values."""
    contract, steps = document["contract"], document["price"]["steps"]
    return {
        "description": contract["description"],
        "purpose": contract["purpose"],
        "form": contract["form"],
        "subject": contract["subject"],
        "grain": list(contract["grain"]),
        "provider": contract["provider"],
        "tier": document["tier"],
        "refresh_period": contract["refreshPeriod"],
        "rows": document["table"]["rows"],
        "columns": [each["name"] for each in contract["columns"]],
        "quality": document["quality"]["quality"],
        "information_value": steps["valuation"]["value_index"],
        "smallest_group": document["review"]["smallest_group"],
        "published_at": document["published_at"],
        "rights_until": min(right["valid_until"] for right in document["rights"]),
    }


def schema_document(document: Document) -> dict[str, Any]:
    """The columns of a release: what the contract promises of each and what was counted."""
    rows = max(1, document["table"]["rows"])
    counted = {each["name"]: each for each in document["table"]["columns"]}
    bits = {each["name"]: each["bits"] for each in document["measures"]["columns"]}
    return {
        "component": document["component"],
        "release": document["release"],
        "rows": document["table"]["rows"],
        "grain": list(document["contract"]["grain"]),
        "columns": [
            _column(each, counted.get(each["name"]), bits.get(each["name"]), rows)
            for each in document["contract"]["columns"]
        ],
        "expectations": list(document["contract"].get("expectations", ())),
    }


def preview_document(document: Document) -> dict[str, Any]:
    """What a component looks like before it is bought: schema, facts, and rows that are marked as synthetic."""
    review, quality = document["review"], document["quality"]
    return {
        "component": document["component"],
        "release": document["release"],
        "synthetic": True,
        "about": SYNTHETIC,
        "rows": synthetic_rows(document),
        "schema": schema_document(document),
        "facts": {
            **listing_facts(document),
            "quality_scores": dict(quality["scores"]),
            "expectations": quality["expectations"],
            "expectations_held": quality["expectations_held"],
            "entropy_bits": document["measures"]["entropy_bits"],
            "security": review["security"],
            "checks": [{"check": each["check"], "outcome": each["outcome"]} for each in review["checks"]],
            "sources": [each["source"] for each in document["lineage"]],
        },
    }


def _column(declared: Document, counted: Mapping[str, Any] | None, bits: float | None, rows: int) -> dict[str, Any]:
    told = {
        "name": declared["name"],
        "logical_type": declared["logicalType"],
        "role": declared["role"],
        "description": declared["description"],
        **{_snake(key): declared[key] for key in OF_COLUMN if key in declared},
        "bits": bits,
    }
    if counted is None:
        return told
    of_table = {key: counted[key] for key in ("type", "nulls", "distinct")}
    return {**told, **of_table, "null_rate": round(counted["nulls"] / rows, 6)}


def _snake(key: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in key)
