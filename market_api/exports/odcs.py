"""The contract and datasheet of a release as a data contract of the Open Data Contract Standard (ODCS) v3.1.0.

What the standard has a place for stands there; the rest stands in `customProperties`, so nothing that a buyer may know
is lost. Source: bitol-io/open-data-contract-standard, v3.1.0.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from market_api.exports.listing import (
    ListingFacts,
    licence_in_words,
    require_permitted,
    rights_until,
    terms_document,
)
from market_api.exports.quality_rules import QualityRule, promises, quality_rule
from pricing.money import fen_to_yuan
from vault.contract import REFRESH_PERIOD_DAYS
from vault.releases.datasheet import Document, datasheet_hash, time_text

API_VERSION = "v3.1.0"

STATUSES: Mapping[str, str] = MappingProxyType(
    {"listed": "active", "superseded": "deprecated", "retired": "retired", "frozen": "suspended"}
)
"""By state of the listing, in the standard's words; it has none for a freeze."""

NUMBER_FORMATS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("integer", "int8"): "i8",
        ("integer", "int16"): "i16",
        ("integer", "int32"): "i32",
        ("integer", "int64"): "i64",
        ("number", "float32"): "f32",
        ("number", "float64"): "f64",
    }
)
"""By logical type and the type in the table. Left out, the standard takes an integer for one of 32 bits."""

PASSED_ON = (
    "form",
    "subject",
    "grain",
    "permittedUses",
    "releaseTier",
    "minimumGroup",
    "countColumns",
    "membershipIsSensitive",
    "differentialPrivacy",
    "populationShare",
    "refreshPeriod",
    "pricing",
    "crossBorder",
)
"""Of the contract, what the standard has no place for."""

COLUMN_PASSED_ON = ("role", "unit", "eventTime", "decisionResolution", "conceptId")


def odcs_contract(datasheet: Document, listing: ListingFacts) -> dict[str, Any]:
    """The data contract of a listed release, as plain JSON values.

    datasheet: as signed, its signature verified by the caller. Raises ValueError as `require_permitted` and
    `rights_until` do.
    """
    require_permitted(datasheet, listing.terms)
    contract = datasheet["contract"]
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"urn:jinku:component:{datasheet['component']}",
        "name": contract["title"]["en"],
        "version": str(datasheet["number"]),
        "status": STATUSES[listing.state],
        "tenant": contract["provider"],
        "domain": contract["applicationField"],
        "dataProduct": datasheet["component"],
        "tags": [contract["applicationField"], contract["form"], contract["subject"]],
        "contractCreatedTs": datasheet["published_at"],
        "description": _description(contract, listing),
        "schema": [_table(datasheet)],
        "servers": [_server(listing)],
        "price": _price(listing),
        "team": {"name": contract["owner"].removeprefix("team:"), "description": f"Owner at {contract['provider']}"},
        "support": [_support(listing)],
        "slaProperties": list(_service_levels(datasheet, listing)),
        "authoritativeDefinitions": list(_definitions(listing)),
        "customProperties": _properties({**_of_release(datasheet), **_of_listing(listing)}),
    }


def _description(contract: Document, listing: ListingFacts) -> dict[str, str]:
    return {
        "purpose": contract["purpose"],
        "usage": f"Permitted: {', '.join(listing.terms.purposes)}.",
        "limitations": f"{licence_in_words(listing.terms)}. It is not passed on; nobody is to be re-identified.",
    }


def _server(listing: ListingFacts) -> dict[str, str]:
    words = "Where a licensee pulls, with its own token."
    return {"server": "market", "type": "api", "location": listing.access_url, "description": words}


def _price(listing: ListingFacts) -> dict[str, Any]:
    """In whole units of the currency: the standard knows no smaller ones."""
    amount = {} if listing.price_fen is None else {"priceAmount": float(fen_to_yuan(listing.price_fen))}
    return {**amount, "priceCurrency": listing.currency, "priceUnit": "licence"}


def _support(listing: ListingFacts) -> dict[str, str]:
    words = f"Disputes are opened at the market over listing {listing.listing_id}."
    return {"channel": "market", "url": listing.access_url, "scope": "issues", "description": words}


def _table(datasheet: Document) -> dict[str, Any]:
    contract = datasheet["contract"]
    types = {each["name"]: each["logicalType"] for each in contract["columns"]}
    expectations = contract.get("expectations", ())
    rules = [quality_rule(each, types) for each in expectations]
    table_types = {each["name"]: each["type"] for each in datasheet["table"]["columns"]}
    return {
        "name": datasheet["component"],
        "physicalName": datasheet["component"],
        "logicalType": "object",
        "physicalType": datasheet["table"]["format"],
        "businessName": contract["title"]["en"],
        "description": contract["description"],
        "dataGranularityDescription": f"One row for each {', '.join(contract['grain'])}",
        "properties": [
            _column(each, contract["grain"], table_types.get(each["name"]), expectations, rules)
            for each in contract["columns"]
        ],
        "quality": [dict(rule.document) for rule in rules if rule.column is None],
    }


def _column(
    column: Document,
    grain: Sequence[str],
    table_type: str | None,
    expectations: Sequence[Document],
    rules: Sequence[QualityRule],
) -> dict[str, Any]:
    name, key = column["name"], column["name"] in grain
    told: dict[str, Any] = {
        "name": name,
        "logicalType": column["logicalType"],
        "description": column["description"],
        "classification": column["role"],
        "primaryKey": key,
        "required": any(promises(each, "expect_column_values_to_not_be_null", name) for each in expectations),
        "unique": any(promises(each, "expect_column_values_to_be_unique", name) for each in expectations),
    }
    if key:
        told["primaryKeyPosition"] = grain.index(name) + 1
    if table_type is not None:
        told["physicalType"] = table_type
        number_format = NUMBER_FORMATS.get((column["logicalType"], table_type))
        told |= {"logicalTypeOptions": {"format": number_format}} if number_format else {}
    told["customProperties"] = _properties({key: column[key] for key in COLUMN_PASSED_ON if key in column})
    told["quality"] = [dict(rule.document) for rule in rules if rule.column == name]
    return told


def _service_levels(datasheet: Document, listing: ListingFacts) -> Iterator[dict[str, Any]]:
    """How often it is refreshed, since when it is there, and until when it may be."""
    contract = datasheet["contract"]
    days = REFRESH_PERIOD_DAYS[contract["refreshPeriod"]]
    if days is not None:  # what is static promises no refresh
        words = f"Refreshed {contract['refreshPeriod']}: no more than this lies between two refreshes"
        yield {"property": "frequency", "value": days, "unit": "d", "description": words}
    yield {"property": "generalAvailability", "value": time_text(listing.issued)}
    yield {
        "property": "endOfLife",
        "value": rights_until(datasheet).isoformat(),
        "description": "Last day of the rights that it rests on",
        "driver": "regulatory",
    }


def _definitions(listing: ListingFacts) -> Iterator[dict[str, str]]:
    if listing.datasheet_url is not None:
        yield {"type": "canonical", "url": listing.datasheet_url, "description": "The signed datasheet"}


def _of_release(datasheet: Document) -> dict[str, Any]:
    """What was measured, reviewed, priced and granted of this release, and how to tell that it is this one."""
    contract, quality, price = datasheet["contract"], datasheet["quality"], datasheet["price"]
    return {
        "titleZh": contract["title"]["zh"],
        **{key: contract[key] for key in PASSED_ON if key in contract},
        "release": datasheet["release"],
        "datasheetSha256": datasheet_hash(datasheet),
        "signedBy": datasheet["signature"]["key_id"],
        "rows": datasheet["table"]["rows"],
        "entropyBits": datasheet["measures"]["entropy_bits"],
        "qualityScores": quality["scores"],
        "quality": quality["quality"],
        "securityReview": {key: datasheet["review"][key] for key in ("review", "security", "reviewed_at")},
        "priceEpoch": price["epoch"],
        "priceRecordSha256": price["record_hash"],
        "rights": datasheet["rights"],
        "sources": [each["source"] for each in datasheet["lineage"]],
        "hashes": datasheet["hashes"],
    }


def _of_listing(listing: ListingFacts) -> dict[str, Any]:
    return {
        "listing": listing.listing_id,
        "listingRegime": listing.regime,
        "listingModified": time_text(listing.modified),
        "seller": {"id": listing.seller_id, "name": listing.seller_name},
        "licence": terms_document(listing.terms),
        "vatIncluded": True,
    }


def _properties(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in values.items()]
