"""Public revenue: what components under a guided price earned in a quarter, against what they may earn.

permitted revenue = operating cost + permitted profit + tax - excess of the quarter before; what was earned above it is
clawed back in the next. The regulator records the parts. Sources: NDRC/NDA 发改价格〔2025〕65号; models §4.2.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.disputes.tables import disputes
from market_api.market import Transaction
from market_api.oversight.gathering import STANDING
from market_api.oversight.periods import before, bounds_of, quarter_of
from market_api.oversight.tables import permitted_revenues
from market_api.paging import page, read_token
from market_api.problems import Problem
from market_api.trading.tables import orders
from pricing.negotiated import excess_revenue, permitted_revenue
from vault.moments import text_of
from vault.releases.datasheet import hash_of

REGIME = "public_guided"
PARTS = ("operating_cost_fen", "permitted_profit_fen", "tax_fen")


def record_permitted(
    transaction: Transaction, component: str, period: str, parts: Mapping[str, int], reason: str
) -> Mapping[str, Any]:
    """Record what a component may earn in a quarter. It is added to what was recorded before and takes its place.

    Raises Problem `not_found` where no such component is sold under a guided price, and `invalid_request`.
    """
    connection = transaction.connection
    bounds_of(period)
    guided = sa.select(listings.c.listing_id).where(listings.c.component == component, listings.c.regime == REGIME)
    if connection.execute(guided.order_by(listings.c.listing_id).limit(1).with_for_update()).first() is None:
        raise Problem("not_found", f"No component '{component}' is sold under a guided price.", "component")
    own = permitted_revenues.c
    of_quarter = sa.and_(own.component == component, own.period == period)
    last = sa.select(sa.func.coalesce(sa.func.max(own.number), 0)).where(of_quarter)
    values = {
        "component": component,
        "period": period,
        "number": int(connection.execute(last).scalar_one()) + 1,
        **{name: parts[name] for name in PARTS},
    }
    kept = {"reason": reason, "recorded_by": transaction.actor, "at": text_of(transaction.at)}
    connection.execute(sa.insert(permitted_revenues).values(**values, **kept))
    transaction.log("oversight.permit_revenue", component, {**values, "reason_hash": hash_of(reason)})
    return values


def revenue_page(connection: sa.Connection, period: str, token: str, size: int) -> Mapping[str, Any]:
    """A page of components under a guided price, with what each earned in a quarter and may earn, by name."""
    bounds_of(period)
    own = listings.c
    query = sa.select(own.component).where(own.regime == REGIME, own.component > read_token(token)).distinct()
    names = connection.execute(query.order_by(own.component).limit(size + 1)).scalars().all()
    earned, permitted = _earned(connection, names), _permitted(connection, names)
    return page(names, size, str, lambda name: _document(name, period, earned, permitted))


Quarterly = Mapping[tuple[str, str], Any]
"""By component and quarter."""


def _earned(connection: sa.Connection, components: Any) -> Quarterly:
    """Fen, tax included, less what went back. By months in SQL, as quarters of a text differ between databases."""
    own, month = orders.c, sa.func.substr(orders.c.settled_at, 1, 7)
    net_fen = own.price_fen - sa.func.coalesce(disputes.c.refund_fen, 0)
    query = (
        sa.select(own.component, month.label("month"), sa.func.sum(net_fen).label("net_fen"))
        .join(listings, listings.c.listing_id == own.listing_id)
        .outerjoin(disputes, disputes.c.order_id == own.order_id)
        .where(own.component.in_(components), listings.c.regime == REGIME, own.state.in_(STANDING))
        .group_by(own.component, month)
    )
    found: dict[tuple[str, str], int] = {}
    for row in connection.execute(query):
        place = (row.component, quarter_of(row.month))
        found[place] = found.get(place, 0) + int(row.net_fen)
    return found


def _permitted(connection: sa.Connection, components: Any) -> Quarterly:
    """The parts that are in force."""
    own = permitted_revenues.c
    query = sa.select(permitted_revenues).where(own.component.in_(components)).order_by(own.number)
    return {(row.component, row.period): row for row in connection.execute(query)}


def _document(component: str, period: str, earned: Quarterly, permitted: Quarterly) -> dict[str, Any]:
    parts = permitted.get((component, period))
    told = {"component": component, "period": period, "revenue_fen": earned.get((component, period), 0)}
    if parts is None:
        return {**told, "permitted_fen": None, "earlier_excess_fen": None, "excess_fen": None}
    earlier_fen = _excess_fen(component, before(period), earned, permitted)
    permitted_fen = _permitted_fen(parts, earlier_fen)
    excess_fen = excess_revenue(told["revenue_fen"], permitted_fen)
    return {**told, "permitted_fen": permitted_fen, "earlier_excess_fen": earlier_fen, "excess_fen": excess_fen}


def _excess_fen(component: str, period: str, earned: Quarterly, permitted: Quarterly) -> int:
    """What a quarter earned above what it might, with what was clawed back in it; 0 where nothing was recorded."""
    quarters = []
    while (component, period) in permitted:
        quarters.append(period)
        period = before(period)
    excess_fen = 0
    for quarter in reversed(quarters):
        permitted_fen = _permitted_fen(permitted[(component, quarter)], excess_fen)
        excess_fen = excess_revenue(earned.get((component, quarter), 0), permitted_fen)
    return excess_fen


def _permitted_fen(parts: sa.Row[Any], earlier_fen: int) -> int:
    return permitted_revenue(parts.operating_cost_fen, parts.permitted_profit_fen, parts.tax_fen, earlier_fen)
