"""Evidence: references to what is signed already, each looked up and kept as it was found.

An entry of the black box is named by its index and its leaf's hash, and kept with the proof that the signed log holds
it. A field of the datasheet is named with the hash of the datasheet that was sold, and kept with its value. What cannot
be found, or does not concern the sale, is no evidence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.clearance import signed_datasheet
from market_api.disputes.requests import DatasheetField, LogEntry
from market_api.market import Market
from market_api.paging import page, read_number
from market_api.problems import Problem
from vault.black_box import tables
from vault.black_box.checkpoints import read_line, state_of
from vault.black_box.entries import Entry, leaf_of
from vault.black_box.merkle import leaf_hash
from vault.black_box.proofs import prove_inclusion

VALUE_CHARACTERS_MAX = 2_000
OWN_ACTOR = "market"

_ENTRY = tables.entries.c
_COLUMNS = (_ENTRY.leaf_index, _ENTRY.at, _ENTRY.kind, _ENTRY.actor, _ENTRY.subject, _ENTRY.payload_hash)


def found_evidence(
    market: Market, connection: sa.Connection, order: sa.Row[Any], dispute: sa.Row[Any], wanted: Sequence[Any]
) -> list[dict[str, Any]]:
    """The references as they are kept.

    Raises Problem `not_found` for an entry that does not concern the sale, `invalid_request` for what is not as it is
    said to be, `wrong_state` for an entry that is not signed yet, and `not_cleared` where the datasheet is gone.
    """
    return [
        _entry(connection, order, dispute, each) if isinstance(each, LogEntry) else _field(market, order, each)
        for each in wanted
    ]


def entries_page(
    connection: sa.Connection, order: sa.Row[Any], dispute: sa.Row[Any], token: str, size: int
) -> Mapping[str, Any]:
    """A page of the entries that may be referred to: those about the sale, written by its parties or the market."""
    query = (
        sa.select(*_COLUMNS, tables.payloads.c.payload)
        .outerjoin(tables.payloads, tables.payloads.c.leaf_index == _ENTRY.leaf_index)
        .where(_concerning(order, dispute), _ENTRY.leaf_index > read_number(token))
        .order_by(_ENTRY.leaf_index)
        .limit(size + 1)
    )
    rows = connection.execute(query).all()
    return page(rows, size, lambda row: str(row.leaf_index), lambda row: _told(row, order))


def _concerning(order: sa.Row[Any], dispute: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Entries of others name others, so there are those of the sale's parties and of the market alone."""
    subjects = {order.order_id, order.payment_id, dispute.dispute_id, dispute.entitlement_id} - {None}
    return sa.and_(_ENTRY.subject.in_(subjects), _ENTRY.actor.in_([order.buyer_id, order.seller_id, OWN_ACTOR]))


def _told(row: sa.Row[Any], order: sa.Row[Any]) -> dict[str, Any]:
    """An entry as a party may know it: its payload names all who earn by the sale, so of it the step alone."""
    roles = {order.buyer_id: "buyer", order.seller_id: "seller"}
    return {
        "index": row.leaf_index,
        "entry_hash": leaf_hash(leaf_of(*row[:6])).hex(),
        "at": row.at,
        "kind": row.kind,
        "subject": row.subject,
        "by": roles.get(row.actor, OWN_ACTOR),
        "step": None if row.payload is None else json.loads(row.payload).get("step"),
    }


def _entry(connection: sa.Connection, order: sa.Row[Any], dispute: sa.Row[Any], wanted: LogEntry) -> dict[str, Any]:
    query = sa.select(*_COLUMNS).where(_concerning(order, dispute), _ENTRY.leaf_index == wanted.index)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Problem("not_found", f"The black box has no entry {wanted.index} about this sale.", "evidence")
    if leaf_hash(leaf_of(*asdict(Entry(*row)).values())).hex() != wanted.entry_hash:
        raise Problem("invalid_request", f"Entry {wanted.index} has another hash.", "evidence")
    line, _ = state_of(connection)
    if line is None or read_line(line).size <= wanted.index:
        raise Problem("wrong_state", "The entry is not signed yet; try again in a few seconds.", "evidence")
    return {**wanted.model_dump(), "proof": prove_inclusion(connection, wanted.index)}


def _field(market: Market, order: sa.Row[Any], wanted: DatasheetField) -> dict[str, Any]:
    if wanted.datasheet_hash != order.datasheet_hash:
        raise Problem("invalid_request", "It is not the datasheet by which the component was sold.", "evidence")
    signed = signed_datasheet(market.settings, order.release_id)
    if signed.hash != order.datasheet_hash:
        raise Problem("not_cleared", "The datasheet by which the component was sold is not there any more.", "evidence")
    value = _value_at(signed.document, wanted.field.split("."))
    if len(json.dumps(value, ensure_ascii=False)) > VALUE_CHARACTERS_MAX:
        raise Problem("invalid_request", f"'{wanted.field}' is a large part; name a field within it.", "evidence")
    return {**wanted.model_dump(), "value": value}


def _value_at(document: Any, steps: Sequence[str]) -> Any:
    found = document
    for step in steps:
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list | tuple) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            raise Problem("invalid_request", f"The datasheet has no field '{'.'.join(steps)}'.", "evidence")
    return found
