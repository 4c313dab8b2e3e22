"""The parties of a deal: neither of them may be suspended or frozen when it is struck."""

from collections.abc import Sequence

import sqlalchemy as sa

from market_api.identity.tables import participants
from market_api.problems import Problem


def require_admitted(connection: sa.Connection, participant_ids: Sequence[str]) -> None:
    """Raises Problem `wrong_state` where one of them may not trade now, without saying which or why."""
    own = participants.c
    admitted = sa.select(sa.func.count()).where(own.participant_id.in_(participant_ids), own.state == "admitted")
    if connection.execute(admitted).scalar_one() != len(set(participant_ids)):
        raise Problem("wrong_state", "A party to this deal may not trade now; try again later.")
