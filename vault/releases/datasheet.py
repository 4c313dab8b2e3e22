"""The datasheet (元件规格书) of a release: what the component promises, what was measured of this version, who reviewed
and priced it, what it was made from, and the hash of everything, in one signed document of plain JSON values.

Only what a buyer may know goes in: the contract's public keys, the steps of the price without the vault's costs of
single fields and without other buyers' trades. What was left out is named by hash and stays in the vault.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from vault.contract import ComponentContract
from vault.releases.evidence import Evidence, QualityEvidence, ReviewEvidence, SourceBatch
from vault.rights.confirmations import Right, right_in_force
from vault.rights.standard_contracts import Confirmation
from vault.signing import canonical
from vault.valuations import Valuation

FORMAT = "jinku-datasheet/1"
DATASHEET, TABLE = "datasheet.json", "table"
"""Of a release's folder: its datasheet, and the folder of its rows."""

PUBLIC_KEYS = frozenset(
    [
        "title",
        "description",
        "applicationField",
        "form",
        "subject",
        "grain",
        "columns",
        "purpose",
        "permittedUses",
        "releaseTier",
        "minimumGroup",
        "countColumns",
        "membershipIsSensitive",
        "differentialPrivacy",
        "fingerprint",
        "populationShare",
        "refreshPeriod",
        "pricing",
        "expectations",
        "owner",
        "provider",
        "crossBorder",
    ]
)
"""Of a contract. What is not named here, such as costs and authors, stays in the vault."""

PUBLIC_COLUMN_KEYS = frozenset(
    ["name", "logicalType", "role", "unit", "primaryKey", "eventTime", "decisionResolution", "conceptId", "description"]
)

Document = Mapping[str, Any]


def release_id(component: str, number: int) -> str:
    """A release's name, such as 'zone_hourly_mobility@3'."""
    return f"{component}@{number}"


def hash_of(value: Any) -> str:
    """SHA-256 of a value's canonical JSON (RFC 8785), as hex. Raises ValueError as `vault.signing.canonical` does."""
    return hashlib.sha256(canonical({"value": value})).hexdigest()


def datasheet_hash(document: Document) -> str:
    """The hash of a whole datasheet, its signature included, whatever spaces stand in its file."""
    return hashlib.sha256(canonical(document)).hexdigest()


def facts_of(evidence: Evidence, data_hash: str, day: date) -> dict[str, Any]:
    """All of a datasheet that the evidence tells; None where there is no evidence, which the gate refuses.

    data_hash: of the very rows to be released; day: on which rights must be in force.
    """
    contract = public_contract(evidence.contract)
    told: dict[str, Any] = {
        "component": evidence.component,
        "tier": evidence.contract.release_tier,
        "run": evidence.run_id,
        "contract": contract,
        "measures": None if evidence.valuation is None else _measures(evidence.valuation),
        "quality": None if evidence.quality is None else _quality(evidence.quality),
        "review": None if evidence.review is None else _review(evidence.review),
        "price": None if evidence.valuation is None else _price(evidence.valuation),
        "rights": _rights(evidence, day),
        "lineage": _lineage(evidence.batches),
    }
    told["hashes"] = hashes_of(told, data_hash, evidence.model_hash, evidence.contract_hash)
    return told


def hashes_of(told: Document, data_hash: str, model_hash: str, contract_hash: str) -> dict[str, str]:
    """The hash of every part of a datasheet, and of all of them: the content. Equal content is no new release.

    Raises ValueError as `hash_of` does.
    """
    parts = ("contract", "quality", "review", "price", "rights", "lineage")
    hashes = {"data": data_hash, "model": model_hash, "contracts": contract_hash}
    hashes |= {name: hash_of(_lasting(name, told[name])) for name in parts}
    return {**hashes, "content": hash_of(hashes)}


def completed(facts: Document, number: int, at: datetime, table: Document, files: Sequence[Document]) -> dict[str, Any]:
    """The datasheet of a release, still to be signed. table: its rows and columns; files: path, bytes and sha256."""
    return {
        "format": FORMAT,
        "release": release_id(facts["component"], number),
        "number": number,
        "published_at": time_text(at),
        **facts,
        "table": table,
        "files": list(files),
    }


def public_contract(contract: ComponentContract) -> dict[str, Any]:
    """What a contract tells its buyers."""
    told = contract.model_dump(mode="json", by_alias=True, exclude_none=True)
    if contract.differential_privacy is not None:
        told["differentialPrivacy"] = _public_noise(told)
    columns = [{key: each[key] for key in each if key in PUBLIC_COLUMN_KEYS} for each in told["columns"]]
    return {**{key: told[key] for key in told if key in PUBLIC_KEYS}, "columns": columns}


def _public_noise(contract: Document) -> dict[str, Any]:
    """What noise is claimed, and how much one unit counts for in each noisy column; no query of the vault."""
    claim = {key: value for key, value in contract["differentialPrivacy"].items() if key != "cells"}
    figures = {
        name: {key: value for key, value in each.items() if key != "query"}
        for name, each in contract["contributions"].items()
    }
    return {**claim, "figures": figures}


def time_text(at: datetime) -> str:
    """A time as datasheets write it: UTC, to the second. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Any) -> Any:
    """Values as JSON gives them back, so that what was recorded and what is at hand have one hash."""
    return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _lasting(name: str, told: Any) -> Any:
    """What of a part makes the release another one. When it was found, and in which words, does not."""
    if told is None or name in ("contract", "rights", "lineage"):
        return told
    if name == "review":
        outcomes = {each["check"]: each["outcome"] for each in told["checks"]}
        return {key: told[key] for key in ("security", "policy_hash", "blocking", "smallest_group")} | {
            "outcomes": outcomes
        }
    lasting = {"quality": ("scores", "quality", "weights"), "price": ("regime", "steps")}[name]
    return {key: told[key] for key in lasting}


def _measures(valuation: Valuation) -> dict[str, Any]:
    measures = valuation.document["measures"]
    known = ("name", "bits", "null_rate", "distinct_values", "method")
    found: dict[str, Any] = plain(
        {
            **{key: measures[key] for key in ("rows", "measured_rows", "basis")},
            "entropy_bits": measures["entropy"]["bits"],
            "columns": [{key: each[key] for key in known} for each in measures["columns"]],
            "left_out": list(measures["left_out"]),
        }
    )
    return found


def _quality(quality: QualityEvidence) -> dict[str, Any]:
    return {
        "scores": dict(quality.scores),
        "quality": quality.quality,
        "weights": quality.weights,
        "expectations": quality.expectations,
        "expectations_held": quality.expectations_held,
        "gate_closed": quality.gate_closed,
        "evaluated_at": time_text(quality.evaluated_at),
    }


def _review(review: ReviewEvidence) -> dict[str, Any]:
    return {
        "review": review.review_id,
        "security": review.security,
        "data_hash": review.data_hash,
        "model_hash": review.model_hash,
        "contract_hash": review.contract_hash,
        "policy_hash": review.policy_hash,
        "blocking": sorted(review.blocking),
        "checks": [
            {"check": each.check, "part": each.part, "outcome": each.outcome, "reason": each.reason}
            for each in review.checks
        ],
        "smallest_group": review.smallest_group,
        "reviewed_at": time_text(review.reviewed_at),
    }


def _price(valuation: Valuation) -> dict[str, Any]:
    document = plain(valuation.document)
    return {
        "valuation": valuation.valuation_id,
        "valued_at": time_text(valuation.valued_at),
        "epoch": valuation.epoch,
        "regime": document["facts"]["regime"],
        "steps": document["price"],
        "flags": document["flags"],
        "record_hash": hash_of(document),
    }


def _rights(evidence: Evidence, day: date) -> list[dict[str, Any]]:
    """The right that each source and the component rest on: the one in force, else the last that was asked for."""
    sources = sorted({batch.source for batch in evidence.batches})
    asked: list[tuple[Confirmation, str]] = [("holding", source) for source in sources]
    asked.append(("processing", evidence.component))
    found = [_right_for(evidence.rights, confirmation, subject, day) for confirmation, subject in asked]
    return [_right(right, day) for right in found if right is not None]


def _right_for(rights: Sequence[Right], confirmation: Confirmation, subject: str, day: date) -> Right | None:
    asked = (confirmation, subject)
    own = [each for each in rights if (each.application.confirmation, each.application.subject) == asked]
    return right_in_force(own, confirmation, subject, day) or (own[-1] if own else None)


def _right(right: Right, day: date) -> dict[str, Any]:
    application = right.application
    return {
        "confirmation": application.confirmation,
        "holder": application.holder,
        "subject": application.subject,
        "resources": sorted(application.resources),
        "purposes": sorted(application.purposes),
        "basis": application.basis,
        "valid_from": application.valid_from.isoformat(),
        "valid_until": application.valid_until.isoformat(),
        "contract": right.contract,
        "terms_hash": right.terms_hash,
        "state": right.state(day),
    }


def _lineage(batches: Sequence[SourceBatch]) -> list[dict[str, Any]]:
    """Source by source, each with its batches in the order in which they came."""
    ordered = sorted(batches, key=lambda batch: (batch.source, time_text(batch.received_at), batch.sha256))
    return [
        {
            "source": source,
            "batches": [
                {"sha256": each.sha256, "rows": each.rows, "received_at": time_text(each.received_at)}
                for each in ordered
                if each.source == source
            ],
        }
        for source in sorted({batch.source for batch in batches})
    ]
