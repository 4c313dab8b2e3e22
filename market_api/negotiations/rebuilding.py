"""A negotiation as the pure rules know it, rebuilt from what is stored: the row gives the band, the offers the rest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.negotiations.tables import negotiations, offers
from market_api.problems import Problem
from pricing.negotiation import Band, Negotiation, Offer, negotiation_band


def band_of(row: sa.Row[Any]) -> Band:
    """The band of a negotiation, or of a listing. Raises Problem `wrong_state` where no price is left in it."""
    try:
        return negotiation_band(row.cost_fen, row.negotiated_fen, ceiling_fen=row.ceiling_fen)
    except ValueError as error:
        raise Problem("wrong_state", f"The listing is not negotiated: {error}.") from None


def offers_of(connection: sa.Connection, negotiation_id: str) -> Sequence[sa.Row[Any]]:
    """The stored offers in their order."""
    own = offers.c
    query = sa.select(offers).where(own.negotiation_id == negotiation_id).order_by(own.number)
    return connection.execute(query).all()


def rebuilt(row: sa.Row[Any], made: Sequence[sa.Row[Any]]) -> Negotiation:
    """An open negotiation, as the rules of `pricing.negotiation` take it."""
    return Negotiation(
        band_of(row),
        row.terms_hash,
        datetime.fromisoformat(row.created_at),
        offers=tuple(_offer(each) for each in made),
        state="counter" if made else "open",
    )


def listing_of(connection: sa.Connection, negotiation_id: str, participant_id: str) -> str:
    """The listing that a party's negotiation is about, which is locked before it. Raises Problem `not_found`."""
    own = negotiations.c
    is_party = sa.or_(own.buyer_id == participant_id, own.seller_id == participant_id)
    query = sa.select(own.listing_id).where(own.negotiation_id == negotiation_id, is_party)
    found: str | None = connection.execute(query).scalar()
    if found is None:
        raise unknown(negotiation_id)
    return found


def unknown(negotiation_id: str) -> Problem:
    """The same refusal whether there is none or it is between others."""
    return Problem("not_found", f"There is no negotiation '{negotiation_id}' for you.")


def _offer(row: sa.Row[Any]) -> Offer:
    return Offer(row.party, row.price_fen, row.terms_hash, datetime.fromisoformat(row.made_at), row.waiver_id)
