"""The regulator's waivers: one offer outside the band, in one negotiation, within a range of prices and a time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from market_api.market import Transaction
from market_api.negotiations.tables import negotiations, offers, waivers
from market_api.problems import Problem
from market_api.states import NEGOTIATION, locked
from pricing.negotiation import Band
from vault.moments import text_of


def grant_waiver(
    transaction: Transaction,
    regulator_id: str,
    negotiation_id: str,
    lowest_fen: int,
    highest_fen: int,
    valid_for: timedelta,
    reason: str,
) -> Mapping[str, Any]:
    """Allow one offer of a price from lowest to highest, both included, outside the band.

    Raises Problem `not_found`, `wrong_state` where the negotiation is over, and `invalid_request` for an empty range.
    """
    row = locked(transaction, NEGOTIATION, negotiations, negotiation_id)
    if row.state != "open":
        raise Problem("wrong_state", f"The negotiation is {row.state}.", state=row.state)
    if not 0 < lowest_fen <= highest_fen:
        raise Problem("invalid_request", "The range ends before it begins.", "highest_fen")
    values = {
        "waiver_id": transaction.new_identifier("wvr"),
        "negotiation_id": negotiation_id,
        "lowest_fen": lowest_fen,
        "highest_fen": highest_fen,
        "reason": reason,
        "granted_by": regulator_id,
        "granted_at": text_of(transaction.at),
        "valid_until": text_of(transaction.at + valid_for),
    }
    transaction.connection.execute(sa.insert(waivers).values(**values))
    told = ("waiver_id", "lowest_fen", "highest_fen", "valid_until")
    transaction.log("negotiation.waive", negotiation_id, {name: values[name] for name in told})
    return values


def used_waiver(
    transaction: Transaction, negotiation_id: str, waiver_id: str | None, price_fen: int, band: Band
) -> str | None:
    """The waiver that an offer uses up; None where it names none. Asked with the negotiation locked.

    Raises Problem `offer_refused` for one that the price does not need, and for one that is not of this negotiation,
    does not cover the price, has expired or was used.
    """
    if waiver_id is None:
        return None
    if band.holds(price_fen):
        raise _refused("The price is within the band and needs no waiver: offer it without, so that it is not used up.")
    own, connection = waivers.c, transaction.connection
    found = sa.select(waivers).where(own.waiver_id == waiver_id, own.negotiation_id == negotiation_id)
    row = connection.execute(found).one_or_none()
    if row is None:
        raise _refused("There is no such waiver for this negotiation.")
    if not row.lowest_fen <= price_fen <= row.highest_fen:
        raise _refused(f"The waiver covers {row.lowest_fen} to {row.highest_fen} fen.")
    if row.valid_until < text_of(transaction.at):
        raise _refused(f"The waiver was good until {row.valid_until}.")
    if connection.execute(sa.select(offers.c.number).where(offers.c.waiver_id == waiver_id)).first() is not None:
        raise _refused("The waiver was used before: it serves one offer.")
    return waiver_id


def _refused(cause: str) -> Problem:
    return Problem("offer_refused", cause, "waiver_id")
