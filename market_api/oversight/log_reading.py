"""The black box as a regulator reads it: entries with their payloads, the proof of each, and whether all stands."""

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

import sqlalchemy as sa

from market_api.market import Market
from market_api.paging import page, read_number
from market_api.problems import Problem
from vault.black_box import tables
from vault.black_box.checkpoints import read_line, state_of
from vault.black_box.entries import Entry, leaf_of
from vault.black_box.merkle import leaf_hash
from vault.black_box.proofs import prove_inclusion, prove_inclusions

_ENTRY = tables.entries.c
_SHOWN = sa.select(tables.entries, tables.payloads.c.salt, tables.payloads.c.payload).outerjoin(
    tables.payloads, tables.payloads.c.leaf_index == _ENTRY.leaf_index
)
_VERIFYING = Lock()
"""Whoever verifies reads every row: one at a time in each process."""


def entries_page(
    connection: sa.Connection, kind: str | None, subject: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of entries, the first first; all, or those of a kind and of a subject."""
    query = _SHOWN.where(_ENTRY.leaf_index > read_number(token))
    if kind is not None:
        query = query.where(_ENTRY.kind == kind)
    if subject is not None:
        query = query.where(_ENTRY.subject == subject)
    rows = connection.execute(query.order_by(_ENTRY.leaf_index).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.leaf_index), _document)


def proved_entry(connection: sa.Connection, index: int) -> Mapping[str, Any]:
    """An entry with the proof that the signed log holds it, which whoever has the public key can check.

    The salt shows that the payload is the one that was logged. Raises Problem `not_found`, and `wrong_state` while it
    is not signed.
    """
    row = connection.execute(_SHOWN.where(_ENTRY.leaf_index == index)).one_or_none()
    if row is None:
        raise Problem("not_found", f"The black box has no entry {index}.")
    line, _ = state_of(connection)
    if line is None or read_line(line).size <= index:
        raise Problem("wrong_state", "The entry is not signed yet; try again in a few seconds.")
    return {**_document(row), "salt": _salt(row), "proof": prove_inclusion(connection, index)}


def subject_page(connection: sa.Connection, subject: str, token: str, size: int) -> dict[str, Any]:
    """A page of the entries about one subject, such as an order or a participant, the first first, each with the proof
    that the signed log holds it; `proof` is null for a few seconds, until it is signed.

    The salt shows that the payload is the one that was logged. Found by an index, however long the log is. Raises
    Problem `invalid_request`.
    """
    rows = connection.execute(about(subject, read_number(token)).limit(size + 1)).all()
    entries = [Entry(*row[:6]) for row in rows[:size]]
    proofs = {entry.index: proof for entry, proof in zip(entries, prove_inclusions(connection, entries), strict=True)}

    def document(row: sa.Row[Any]) -> dict[str, Any]:
        return {**_document(row), "salt": _salt(row), "proof": proofs[row.leaf_index]}

    return page(rows, size, lambda row: str(row.leaf_index), document)


def about(subject: str, after: int) -> sa.Select[Any]:
    """The entries about a subject after an index, in order."""
    return _SHOWN.where(_ENTRY.subject == subject, _ENTRY.leaf_index > after).order_by(_ENTRY.leaf_index)


def verification(market: Market) -> Mapping[str, Any]:
    """Hold every row against every other, the signatures and the witness. Raises Problem `rate_limited` while another
    does."""
    if not _VERIFYING.acquire(blocking=False):
        raise Problem("rate_limited", "The black box is being verified; ask again when that is done.")
    try:
        found = market.verify()
    finally:
        _VERIFYING.release()
    signed = found.checkpoint
    return {
        "is_whole": found.is_whole,
        "entries": found.entries,
        "erased_payloads": found.erased,
        "problems": [{"kind": each.kind, "what": each.what} for each in found.problems],
        "more_problems": found.more_problems,
        "checkpoint": None if signed is None else {**signed.signed, "signature": dict(signed.signature)},
    }


def _salt(row: sa.Row[Any]) -> str | None:
    return None if row.salt is None else bytes(row.salt).hex()


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "index": row.leaf_index,
        "at": row.at,
        "kind": row.kind,
        "actor": row.actor,
        "subject": row.subject,
        "payload_hash": row.payload_hash,
        "entry_hash": leaf_hash(leaf_of(*row[:6])).hex(),
        "payload": None if row.payload is None else json.loads(row.payload),
    }
