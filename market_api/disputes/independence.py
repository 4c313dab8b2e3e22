"""Independence: nobody decides or judges a sale in which it has a part, itself or through who owns it in the end."""

import json
from typing import Any

import sqlalchemy as sa

from market_api.identity.tables import participants
from market_api.problems import Problem


def require_independent(connection: sa.Connection, participant_id: str, order: sa.Row[Any]) -> None:
    """Raises Problem `not_permitted` where the participant buys, sells or earns by this order, or shares its owner with
    one who does."""
    with_part = {order.buyer_id, order.seller_id, *(receiver for receiver, _ in json.loads(order.shares))}
    own = participants.c
    owners = sa.select(own.beneficial_owner).where(own.participant_id.in_(with_part))
    shared = sa.select(own.participant_id).where(own.participant_id == participant_id, own.beneficial_owner.in_(owners))
    if participant_id in with_part or connection.execute(shared).first() is not None:
        raise Problem("not_permitted", "You have a part in this sale; somebody independent of it has to judge.")
