"""One door, two accounts: a participant with what it holds of money and of data."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.entitlements.tables import entitlements
from market_api.identity.participants import participant
from market_api.ledger.accounts import PARTS, balances


def account(connection: sa.Connection, participant_id: str) -> Mapping[str, Any]:
    """A participant as it sees itself. funds: in fen; data: how many of its entitlements are in each state."""
    held = balances(connection, participant_id)
    return {
        **participant(connection, participant_id),
        "funds": {"currency": "CNY", **{f"{part}_fen": held.get(part, 0) for part in PARTS}},
        "data": {"entitlements": _entitlements(connection, participant_id)},
    }


def _entitlements(connection: sa.Connection, participant_id: str) -> dict[str, int]:
    own = entitlements.c
    counted = sa.select(own.state, sa.func.count()).where(own.participant_id == participant_id).group_by(own.state)
    return {state: int(number) for state, number in connection.execute(counted)}
