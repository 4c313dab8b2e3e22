"""A receipt can be checked by anyone with the public key, and tells nothing of the data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.builders import NOON
from tests.vault.rights.people import ANN, collected, people, pseudonym
from vault.black_box.recording import recording
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.rights.consents import withdraw
from vault.rights.corrections import corrections_of, request_correction
from vault.rights.receipts import SCHEMA, correction_receipt, receipts_of, withdrawal_receipt
from vault.signing import public_keys, signing_key, verify_signature


def given(vault: Vault, is_erasure: bool = True) -> Mapping[str, Any]:
    with recording(vault, NOON) as record:
        principal = pseudonym(vault, ANN)
        events = withdraw(record, principal, "people", ("care", "research"), NOON, "subject", is_erasure=is_erasure)
        return withdrawal_receipt(record, signing_key(vault), {"people": events}, {"people": people()}, NOON)


def is_signed(vault: Vault, receipt: Mapping[str, Any]) -> bool:
    document = {key: value for key, value in receipt.items() if key != "x_signature"}
    return verify_signature(document, receipt["x_signature"], public_keys(vault.home))


def test_it_is_signed_as_it_stands(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    receipt = given(vault)
    assert is_signed(vault, json.loads(json.dumps(receipt)))
    assert not is_signed(vault, {**receipt, "pii_principal_id": "another"})


def test_it_says_what_was_withdrawn_in_the_standards_words(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    receipt = given(vault)
    assert receipt["schema_version"] == SCHEMA and receipt["pii_principal_id"] == pseudonym(vault, ANN)
    assert receipt["event"]["event_state"] == "withdrawn"
    purposes = receipt["pii_processing"]["purposes"]
    assert [each["purpose"] for each in purposes] == ["care", "research"]
    assert {each["lawful_basis"] for each in purposes} == {"statutory"}
    assert {"pii_type": "illness", "sensitive_pii_category": True} in purposes[0]["pii_information"]
    assert {each["party_name"] for each in receipt["party_identification"]} == {"City data vault", "Water office"}
    assert "no longer be opened" in receipt["x_effect"]
    assert "no longer be opened" not in given(vault, is_erasure=False)["x_effect"]


def test_it_holds_no_value_and_is_kept(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    receipt = given(vault)
    assert ANN not in json.dumps(receipt) and "flu" not in json.dumps(receipt)
    with open_registry(vault.home).connect() as connection:
        assert receipts_of(connection, pseudonym(vault, ANN)) == (receipt,)


def test_a_correction_is_a_request_to_the_provider(tmp_path: Path) -> None:
    vault = collected(tmp_path, people())
    principal = pseudonym(vault, ANN)
    with recording(vault, NOON) as record:
        request_correction(record, principal, "people", "illness", "subject", NOON)
        receipt = correction_receipt(record, signing_key(vault), principal, "people", people(), "illness", NOON)
    assert is_signed(vault, receipt) and receipt["x_correction"] == {"source": "people", "column": "illness"}
    with open_registry(vault.home).connect() as connection:
        (asked,) = corrections_of(connection, principal)
    assert (asked.source, asked.column, asked.requested_at) == ("people", "illness", NOON)
