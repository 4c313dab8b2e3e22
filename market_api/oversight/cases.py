"""Cases: a flag that a regulator looks into, and what it decided, for a reason. A flag alone has no consequence."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.identity.participants import unique
from market_api.market import Transaction
from market_api.oversight.tables import cases
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.screens.flags import Flag
from market_api.states import CASE, advance, begin, locked
from vault.releases.datasheet import hash_of

TOLD = (
    "case_id",
    "state",
    "flag_id",
    "kind",
    "measure",
    "threshold",
    "explanation",
    "opened_by",
    "opening_reason",
    "decision",
    "decided_by",
    "reason",
    "created_at",
    "changed_at",
)


def open_case(transaction: Transaction, flag_id: str, flag: Flag | None, reason: str) -> Mapping[str, Any]:
    """Open a case about a flag and keep it as the screens gave it. flag: None where they do not.

    Raises Problem `not_found` then, and `taken` where a case about it is open.
    """
    if flag is None:
        raise Problem("not_found", "The screens do not flag this over the period; look at them again.", "flag_id")
    values = {
        "case_id": transaction.new_identifier("cse"),
        "flag_id": flag_id,
        "kind": flag.kind,
        "subjects": json.dumps(flag.subjects, ensure_ascii=False),
        "measure": flag.measure,
        "threshold": flag.threshold,
        "explanation": flag.explanation,
        "opened_by": transaction.actor,
        "opening_reason": reason,
    }
    told = {"flag_id": flag_id, "kind": flag.kind, "subjects": list(flag.subjects), "reason_hash": hash_of(reason)}
    with unique("A case about this flag is open.", "flag_id"):
        return _document(begin(transaction, CASE, cases, values, told))


def close_case(transaction: Transaction, case_id: str, decision: str, reason: str) -> Mapping[str, Any]:
    """Decide a case, once. What is to follow, such as a freeze, is an act of its own.

    Raises Problem `not_found` and `wrong_state`.
    """
    row = locked(transaction, CASE, cases, case_id)
    told = {"decision": decision, "reason_hash": hash_of(reason)}
    changes = {"decision": decision, "reason": reason, "decided_by": transaction.actor}
    advance(transaction, CASE, cases, row, "close", told, **changes)
    return case_of(transaction.connection, case_id)


def case_of(connection: sa.Connection, case_id: str) -> Mapping[str, Any]:
    """A case. Raises Problem `not_found`."""
    row = connection.execute(sa.select(cases).where(cases.c.case_id == case_id)).one_or_none()
    if row is None:
        raise Problem("not_found", f"There is no case '{case_id}' for you.")
    return _document(row)


def cases_page(connection: sa.Connection, state: str | None, token: str, size: int) -> Mapping[str, Any]:
    """A page of cases, the oldest first; all or those of a state."""
    query = sa.select(cases).where(cases.c.case_id > read_token(token))
    if state is not None:
        query = query.where(cases.c.state == state)
    rows = connection.execute(query.order_by(cases.c.case_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.case_id), _document)


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in TOLD}, "subjects": json.loads(row.subjects)}
