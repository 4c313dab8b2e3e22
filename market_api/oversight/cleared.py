"""Cleared trades for the vault: what the market had cleared, as one signed document by which the next prices are made.

Only sales that stand undisputed are in it. Negotiations carry cost, I and γ as the datasheet that was sold states them,
and every sale its price and the factors of that datasheet; what no datasheet vouches for any more is left out. A sale
is at arm's length where no screen speaks against its two sides, and an owner that nobody knows speaks against it.
Participants leave the market as salted hashes of who owns them in the end. Each document has the next number and says
how long the black box was when its records were read, so that the vault takes none that is older or forked; the β that
the regulator set is in it. Source: models §4.1, §5, §9.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from market_api.catalogue.clearance import signed_datasheet
from market_api.catalogue.recomputation import UNREADABLE, factors_of, number
from market_api.catalogue.tables import listings
from market_api.identity.tables import participants
from market_api.market import Market, Transaction
from market_api.oversight.activity import activity_of
from market_api.oversight.arms_length import doubtful_trades
from market_api.oversight.gathering import TRADES_MAX, bounded, cleared_trades, owners_of, providers_of, subject_of
from market_api.oversight.market_factor import beta_records
from market_api.oversight.numbering import log_size, next_number
from market_api.oversight.periods import Period, quarter_of
from market_api.oversight.tables import trade_exports
from market_api.problems import Problem
from market_api.settings import MarketSettings
from market_api.trading.tables import orders
from pricing.cost import Ecosystem
from pricing.negotiated import Trade
from pricing.overrides import BetaOverride
from vault.contract import Subject
from vault.durable import write_private
from vault.market_trades import ClearedSale, ClosedTrade, ListedComponent, trades_document
from vault.moments import text_of
from vault.releases.datasheet import Document, hash_of
from vault.signing import sign

REMEMBERED = timedelta(days=1095)
"""Older sales weigh less than 2 %, at a half-life of 180 days."""
SALT_BYTES = 32
ATTEMPTS_MAX = 5
"""How often the records are read anew where another document left while they were read."""


@dataclass(frozen=True)
class _Records:
    closed: tuple[ClosedTrade, ...]
    sales: tuple[ClearedSale, ...]
    left_out: int


@dataclass(frozen=True)
class _Gathered:
    """A document that has no number yet, and what it is logged by. log_size: when its records were read."""

    document: dict[str, Any]
    log_size: int
    counts: Mapping[str, int]


class _Overtaken(Exception):
    """Another document left while this one's records were read, so it would be older than its number says."""


def export_cleared_trades(market: Market, until: date, actor: str = "market") -> dict[str, Any]:
    """The signed document of all that was cleared before a day (UTC), with the next number; it is recorded and logged
    by its hash and its counts.

    Raises Problem `invalid_request` for a day that lies ahead, and for too many trades; `busy` where others leave all
    the time.
    """
    for _ in range(ATTEMPTS_MAX):
        found = _gathered(market, until)
        try:
            document = market.act(actor, partial(_numbered, found=found, until=until))
        except _Overtaken:
            continue
        return {**document, "signature": dict(sign(market.keys.signing, document))}
    raise Problem("busy", "Other documents of trades are being made; ask again in a moment.")


def write_cleared_trades(market: Market, path: Path, until: date, actor: str = "market") -> None:
    """Write the document to a file, whole or not at all, for the vault to take. Raises as `export_cleared_trades` does,
    and OSError."""
    document = export_cleared_trades(market, until, actor)
    write_private(path, json.dumps(document, ensure_ascii=False, indent=1).encode())


def _gathered(market: Market, until: date) -> _Gathered:
    at = market.clock()
    period, salt = _period_until(until, at), market.random_bytes(SALT_BYTES)

    def gathered(connection: sa.Connection) -> _Gathered:
        components = _components(connection)
        records = _records(market.settings, connection, period, components, at)
        size = log_size(connection)
        document = trades_document(
            components,
            records.closed,
            records.sales,
            activity_of(connection, period),
            at,
            salt,
            sequence=1,
            log_size=size,
            beta_records=_told_betas(connection, components, at),
        )
        counts = {"trades": len(records.closed), "sales": len(records.sales), "left_out": records.left_out}
        return _Gathered(document, size, counts)

    return market.read_one_state(gathered)


def _numbered(transaction: Transaction, found: _Gathered, until: date) -> dict[str, Any]:
    """The document with its number, recorded. Raises _Overtaken."""
    own = trade_exports.c
    sequence = next_number(transaction, own.sequence)
    largest = transaction.connection.execute(sa.select(sa.func.coalesce(sa.func.max(own.log_size), 0))).scalar_one()
    if largest > found.log_size:
        raise _Overtaken
    document = {**found.document, "sequence": sequence}
    told = {"until": until.isoformat(), "document_hash": hash_of(document), "log_size": found.log_size}
    values = {"sequence": sequence, **told, "made_by": transaction.actor, "at": text_of(transaction.at)}
    transaction.connection.execute(sa.insert(trade_exports).values(**values))
    transaction.log("oversight.export_trades", f"trades:{until}", {"sequence": sequence, **told, **found.counts})
    return document


def _told_betas(
    connection: sa.Connection, components: Mapping[str, ListedComponent], at: datetime
) -> tuple[BetaOverride, ...]:
    """What the regulator set for this quarter or later, of components that the document tells of."""
    found = beta_records(connection, quarter_of(text_of(at)))
    return tuple(each for each in found if each.component is None or each.component in components)


def _period_until(until: date, at: datetime) -> Period:
    if until > at.astimezone(UTC).date():
        raise Problem("invalid_request", "The day lies ahead; what is cleared before it is not known yet.", "until")
    try:
        last = datetime.combine(until, time(), UTC)
        return Period(text_of(last - REMEMBERED), text_of(last))
    except OverflowError:
        raise Problem("invalid_request", "It is before the first day that there is.", "until") from None


def _components(connection: sa.Connection) -> Mapping[str, ListedComponent]:
    """All that were ever listed, as their newest listing tells; without those of which it does not tell the subject."""
    own = listings.c
    query = sa.select(own.component, own.application_field, own.facts).order_by(own.release_number)
    found: dict[str, ListedComponent] = {}
    for component, application_field, facts in connection.execute(query):
        subject = subject_of(facts)
        if subject is not None:
            found[component] = ListedComponent(cast(Ecosystem, application_field), cast(Subject, subject))
    return found


def _records(
    settings: MarketSettings,
    connection: sa.Connection,
    period: Period,
    components: Mapping[str, ListedComponent],
    at: datetime,
) -> _Records:
    known = cleared_trades(connection, period)
    doubtful = doubtful_trades(known, owners_of(connection), providers_of(connection), at)
    closed: list[ClosedTrade] = []
    sales: list[ClearedSale] = []
    left_out = 0
    for row in _undisputed(connection, period):
        document = _datasheet(settings, row) if row.component in components else None
        if document is None:
            left_out += 1
            continue
        is_fair = row.order_id not in doubtful
        sales.append(_sale(row, document, is_fair))
        if row.origin == "negotiation" and (trade := _trade(row, document, is_fair)) is not None:
            closed.append(trade)
    return _Records(tuple(closed), tuple(sales), left_out)


def _undisputed(connection: sa.Connection, period: Period) -> Sequence[sa.Row[Any]]:
    """The sales of a period for money that nobody disputes and of which nothing went back, with the buyers' owners."""
    own = orders.c
    query = (
        sa.select(orders, sa.func.coalesce(participants.c.beneficial_owner, own.buyer_id).label("owner_id"))
        .join(participants, participants.c.participant_id == own.buyer_id)
        .where(own.settled_at >= period.begins, own.settled_at < period.ends)
        .where(own.state.in_(["settled", "completed"]), own.refund_lines.is_(None), own.price_fen > 0)
        .order_by(own.order_id)
        .limit(TRADES_MAX + 1)
    )
    return bounded(connection.execute(query).all())


def _datasheet(settings: MarketSettings, order: sa.Row[Any]) -> Document | None:
    """The datasheet that was sold; None where it is gone or another lies there."""
    try:
        signed = signed_datasheet(settings, order.release_id)
    except Problem:
        return None
    return signed.document if signed.hash == order.datasheet_hash else None


def _sale(order: sa.Row[Any], document: Document, is_fair: bool) -> ClearedSale:
    """Its factors are those of the release that was on sale that day."""
    try:
        factors = factors_of(document["price"]["steps"]["guided"]["factors"])
    except UNREADABLE:
        factors = None
    return ClearedSale(
        component=order.component,
        closed_on=_day_of(order),
        unit_price_fen=order.price_fen,
        buyer_id=order.owner_id,
        arms_length=is_fair,
        factors=factors,
    )


def _trade(order: sa.Row[Any], document: Document, is_fair: bool) -> ClosedTrade | None:
    """None where the datasheet's steps do not give C_y, I and γ, or I is 0."""
    try:
        steps = document["price"]["steps"]
        agreed = Trade(
            price=order.price_fen,
            cost=number(steps["negotiated"]["adjusted_cost_fen"]),
            information=number(steps["valuation"]["value_index"]),
            margin=number(steps["negotiated"]["margin"]),
            arms_length=is_fair,
        )
    except UNREADABLE:
        return None
    return ClosedTrade(order.component, _day_of(order), agreed)


def _day_of(order: sa.Row[Any]) -> date:
    return datetime.fromisoformat(order.settled_at).date()
