"""Removing the copies of entitlements that ended: what nobody may pull any more is not kept."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from market_api.delivery.copies import locked_copies
from market_api.entitlements.tables import entitlements
from market_api.identifiers import IDENTIFIER
from market_api.market import Market
from vault.durable import sync_folder, write_private
from vault.moments import text_of

EVERY = timedelta(minutes=10)
ASKED_AT_ONCE = 500
LAST_LOOK = "last-look"

_OWN = entitlements.c
_KEPT = sa.select(_OWN.entitlement_id).where(
    _OWN.entitlement_id.in_(sa.bindparam("names", expanding=True)),
    _OWN.state.in_(["active", "suspended"]),
    _OWN.valid_until > sa.bindparam("now"),
)


def remove_ended_copies(market: Market) -> None:
    """Remove the copies whose entitlement has ended or is not there; looks at all of them every ten minutes.

    Whoever is being sent a file of one keeps reading it until he is cut off. Raises OSError.
    """
    copies, at = market.settings.copies, market.clock()
    if not copies.is_dir() or not _is_due(copies / LAST_LOOK, at):
        return
    names = sorted(path.name for path in copies.iterdir() if IDENTIFIER.fullmatch(path.name))
    for start in range(0, len(names), ASKED_AT_ONCE):
        for name in _ended(market, names[start : start + ASKED_AT_ONCE], at):
            with locked_copies(copies, name):
                shutil.rmtree(copies / name)
    sync_folder(copies)
    write_private(copies / LAST_LOOK, text_of(at).encode())


def _is_due(path: Path, at: datetime) -> bool:
    try:
        return path.read_text() <= text_of(at - EVERY) or path.read_text() > text_of(at)
    except FileNotFoundError:
        return True


def _ended(market: Market, names: Sequence[str], at: datetime) -> list[str]:
    asked = {"names": list(names), "now": text_of(at)}
    kept = set(market.read(lambda connection: connection.execute(_KEPT, asked).scalars().all()))
    return [name for name in names if name not in kept]
