"""Granting an entitlement: only in the transaction in which its order is paid."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.tables import entitlements
from market_api.market import Transaction
from market_api.problems import Problem
from market_api.states import ENTITLEMENT, begin
from market_api.trading.terms import Terms
from vault.moments import text_of


def require_not_exclusive(transaction: Transaction, component: str, buyer_id: str, wanted: Terms) -> None:
    """Nobody buys what another has for itself alone, and nobody gets for itself alone what others hold.

    Asked with the listing locked. Raises Problem `wrong_state`.
    """
    own, now = entitlements.c, text_of(transaction.at)
    of_others = sa.select(own.entitlement_id).where(
        own.component == component, own.participant_id != buyer_id, own.state.in_(["active", "suspended"])
    )
    connection = transaction.connection
    if connection.execute(of_others.where(own.exclusive_until > now).limit(1)).first() is not None:
        raise Problem("wrong_state", "Another buyer holds this component exclusively for now; try again later.")
    if wanted.exclusive_days and connection.execute(of_others.where(own.valid_until > now).limit(1)).first():
        raise Problem(
            "wrong_state", "Others hold licences of this component, so it cannot be exclusive before these end."
        )


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
        "valid_from": text_of(at),
        "valid_until": text_of(at + timedelta(days=terms.term_days)),
        "exclusive_until": None if exclusive is None else text_of(exclusive),
    }
    told = {key: values[key] for key in ("order_id", "participant_id", "component", "release_number", "terms_hash")}
    begin(transaction, ENTITLEMENT, entitlements, values, told | {"valid_until": values["valid_until"]})
    return entitlement_id
