"""Receipts: what a person takes home after a withdrawal or a request, signed, with no value of the data in it.

The document is modelled on the consent record of ISO/IEC TS 27560:2023: its field names where it has one, such as
`pii_principal_id` and `event_state`, and names that begin with `x_` where it has none. Nobody has assessed whether it
conforms.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.black_box.recording import Record
from vault.contract import PERSONAL_ROLES, SourceContract
from vault.moments import text_of
from vault.rights.consents import ConsentEvent
from vault.rights.tables import receipts
from vault.signing import sign

SCHEMA = "urn:jinku:consent-receipt:1"
VAULT = "city_data_vault"


def withdrawal_receipt(
    record: Record,
    key: Ed25519PrivateKey,
    events: Mapping[str, Sequence[ConsentEvent]],
    contracts: Mapping[str, SourceContract],
    at: datetime,
) -> Mapping[str, Any]:
    """The signed receipt of withdrawals, by source; it is kept in the registry as it is given."""
    flat = [event for of_source in events.values() for event in of_source]
    document = {
        **_header(flat[0].pii_principal_id, at),
        "pii_processing": {
            "language": "en",
            "purposes": [_purpose(event, contracts[event.source]) for event in flat],
        },
        "party_identification": _parties({source: contracts[source] for source in events}),
        "event": {
            "event_time": _iso(at),
            "event_type": "explicit",
            "event_state": "withdrawn",
            "entity_id": flat[0].entity_id,
        },
        "x_effect": _effect(is_erasure=any(event.is_erasure for event in flat)),
    }
    return _issue(record, key, document)


def correction_receipt(
    record: Record,
    key: Ed25519PrivateKey,
    principal: str,
    source: str,
    contract: SourceContract,
    column: str,
    at: datetime,
) -> Mapping[str, Any]:
    """The signed receipt of a request to correct one column."""
    document = {
        **_header(principal, at),
        "party_identification": _parties({source: contract}),
        "event": {"event_time": _iso(at), "event_type": "explicit", "event_state": "correction_requested"},
        "x_correction": {"source": source, "column": column},
        "x_effect": f"{contract.provider.name} is asked to deliver the corrected value; the latest delivery counts.",
    }
    return _issue(record, key, document)


def receipts_of(connection: sa.Connection, principal: str) -> tuple[Mapping[str, Any], ...]:
    """Every receipt that a person was given, oldest first."""
    statement = sa.select(receipts.c.document).where(receipts.c.pii_principal_id == principal)
    return tuple(json.loads(text) for text in connection.execute(statement.order_by(receipts.c.issued_at)).scalars())


def _header(principal: str, at: datetime) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA,
        "x_receipt_id": str(uuid.uuid4()),
        "pii_principal_id": principal,
        "x_issued_at": _iso(at),
    }


def _purpose(event: ConsentEvent, contract: SourceContract) -> dict[str, Any]:
    columns = [*contract.columns, *(column for table in contract.tables for column in table.columns)]
    return {
        "record_id": event.record_id,
        "purpose": event.purpose,
        "lawful_basis": contract.legal_basis.basis,
        "pii_information": [
            {"pii_type": column.name, "sensitive_pii_category": column.role == "sensitive"}
            for column in columns
            if column.role in PERSONAL_ROLES
        ],
        "pii_controllers": [VAULT, event.source],
        "storage_locations": [VAULT],
        "retention_period": {"x_until": contract.legal_basis.expires.isoformat()},
    }


def _parties(contracts: Mapping[str, SourceContract]) -> list[dict[str, str]]:
    providers = [
        {"party_id": source, "party_name": contract.provider.name, "party_role": "provider"}
        for source, contract in contracts.items()
    ]
    return [{"party_id": VAULT, "party_name": "City data vault", "party_role": "pii_controller"}, *providers]


def _effect(*, is_erasure: bool) -> str:
    told = "The next run removes your rows from the vault and makes everything anew that rested on them."
    if is_erasure:
        return f"{told} The received files that hold them can then no longer be opened by anyone."
    return told


def _issue(record: Record, key: Ed25519PrivateKey, document: dict[str, Any]) -> Mapping[str, Any]:
    signed = {**document, "x_signature": dict(sign(key, document))}
    record.connection.execute(
        sa.insert(receipts).values(
            receipt_id=document["x_receipt_id"],
            pii_principal_id=document["pii_principal_id"],
            document=json.dumps(signed, ensure_ascii=False),
            issued_at=document["x_issued_at"],
        )
    )
    return signed


def _iso(at: datetime) -> str:
    return datetime.fromisoformat(text_of(at)).astimezone(UTC).isoformat()
