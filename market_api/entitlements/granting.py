"""Granting an entitlement: only in the transaction in which its order is paid."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.tables import entitlements
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.statements import Values, rows_of
from market_api.states import ENTITLEMENT, draft, write
from market_api.trading.terms import Terms
from vault.moments import text_of

_OWN = entitlements.c
_OF_OTHERS = sa.and_(
    _OWN.component == sa.bindparam("component"),
    _OWN.participant_id != sa.bindparam("buyer_id"),
    sa.or_(_OWN.state == sa.literal_column("'active'"), _OWN.state == sa.literal_column("'suspended'")),
)
_NOW: sa.BindParameter[str] = sa.bindparam("now")
_HELD_ALONE = sa.select(sa.exists().where(_OF_OTHERS, _OWN.exclusive_until > _NOW).label("is_so"))
_HELD = sa.select(sa.exists().where(_OF_OTHERS, _OWN.valid_until > _NOW).label("is_so"))
"""Each looks into an index of its own, however many licences of a component were sold."""


def require_not_exclusive(transaction: Transaction, component: str, buyer_id: str, wanted: Terms) -> None:
    """Nobody buys what another has for itself alone, and nobody gets for itself alone what others hold.

    Asked with the listing locked. Raises Problem `wrong_state`.
    """
    asked = {"component": component, "buyer_id": buyer_id, "now": transaction.moment}
    if _is_so(transaction, _HELD_ALONE, asked):
        raise Problem("wrong_state", "Another buyer holds this component exclusively for now; try again later.")
    if wanted.exclusive_days and _is_so(transaction, _HELD, asked):
        raise Problem(
            "wrong_state", "Others hold licences of this component, so it cannot be exclusive before these end."
        )


def _is_so(transaction: Transaction, question: sa.Select[tuple[bool]], asked: Values) -> bool:
    (answer,) = rows_of(transaction.connection, question, asked)
    return bool(answer.is_so)


def grant(transaction: Transaction, order: sa.Row[Any], terms: Terms) -> str:
    """Give the buyer of an order what it paid for; gives the entitlement's name."""
    at = transaction.at
    entitlement_id = transaction.new_identifier("ent")
    exclusive = at + timedelta(days=terms.exclusive_days) if terms.exclusive_days else None
    values = {
        "entitlement_id": entitlement_id,
        "order_id": order.order_id,
        "participant_id": order.buyer_id,
        "listing_id": order.listing_id,
        "component": order.component,
        "release_number": int(order.release_id.rpartition("@")[2]),
        "terms": order.terms,
        "terms_hash": order.terms_hash,
        "pulls_used": 0,
        "pulls_max": terms.pulls,
        "valid_from": transaction.moment,
        "valid_until": text_of(at + timedelta(days=terms.term_days)),
        "exclusive_until": None if exclusive is None else text_of(exclusive),
    }
    told = {key: values[key] for key in ("order_id", "participant_id", "component", "release_number", "terms_hash")}
    told |= {"valid_until": values["valid_until"]}
    write(transaction, entitlements, draft(transaction, ENTITLEMENT, entitlements, values, told))
    return entitlement_id
