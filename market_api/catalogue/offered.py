"""Whether a listing is on offer now: it is listed, and its seller may trade.

A seller who is suspended or frozen sells nothing, so its listings are not found. Nothing of them is changed for it:
they are back as soon as it is reinstated. Who names such a component still reads all about it, with a notice that says
why it is not traded; the reason of a suspension is its seller's own and is not told. Licences that were sold are
delivered as before, as they are where the listing itself was retired or superseded; only a frozen listing is not
delivered.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from markupsafe import escape

from market_api.catalogue.tables import listings
from market_api.entitlements.standing import because_of
from market_api.identity.tables import participants

BARRED = ("suspended", "frozen")
"""States of a participant that took part and may not trade now."""

_BARRED = sa.select(participants.c.participant_id).where(participants.c.state.in_(BARRED))
_STYLE = (
    "margin:1rem auto;max-width:72rem;padding:.8rem 1rem;border:2px solid #b45309;border-radius:.4rem;"
    "background:#fffbeb;color:#451a03;font:600 1rem/1.5 system-ui,sans-serif"
)
_SELLER = {
    "suspended": "The operator has suspended its seller",
    "frozen": "The regulator has frozen its seller",
}


def of_sellers_in_trade(connection: sa.Connection) -> list[sa.ColumnElement[bool]]:
    """The condition that a listing's seller may trade; none where every seller may, so that a search reads its index
    alone."""
    if connection.execute(_BARRED.limit(1)).first() is None:
        return []
    return [listings.c.seller_id.not_in(_BARRED)]


def trade_of(row: sa.Row[Any]) -> Mapping[str, Any]:
    """Whether a component is traded now, and if not, why. row: a listing with its seller's state.

    `cause` stays the same: 'seller_suspended', 'seller_frozen', 'listing_frozen', 'retired', 'superseded'.
    """
    cause, notice = _obstacle(row)
    return {"is_open": True} if not cause else {"is_open": False, "cause": cause, "notice": notice}


def with_notice(page: bytes, row: sa.Row[Any]) -> bytes:
    """A datasheet's page, with the notice on top of it while the component is not traded; as it was signed else."""
    trade = trade_of(row)
    if trade["is_open"]:
        return page
    notice = f'<p role="status" style="{_STYLE}">Not traded now. {escape(trade["notice"])}</p>'.encode()
    head, body, rest = page.partition(b"<body>")
    return b"".join((head, body, notice, rest)) if body else notice + page


def _obstacle(row: sa.Row[Any]) -> tuple[str, str]:
    because = because_of(row.reason)
    if row.state == "frozen":
        return "listing_frozen", f"The regulator has frozen this listing{because}. It is neither sold nor delivered."
    if row.state == "retired":
        return "retired", f"Its seller has retired it{because}. It is delivered to its holders until {row.last_day}."
    if row.state == "superseded":
        return "superseded", "A later release has taken its place. Its holders keep what they bought."
    if row.seller_state in BARRED:
        words = _SELLER[row.seller_state]
        return f"seller_{row.seller_state}", (
            f"{words}, so it is not sold until the seller may trade again. What was bought is delivered as before."
        )
    return "", ""
