"""What must hold of a market after anything: every rule is asked of what lies in its database and on its disk."""

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from market_api.accounts.tables import credit_notes, deposit_reversals, deposits, invoices
from market_api.auctions.bidding import standing_of
from market_api.auctions.outcome import standing_before_last_call
from market_api.auctions.recording import bids_of
from market_api.auctions.stages import rules_of
from market_api.auctions.tables import auctions, bidders
from market_api.delivery.manifests import is_whole, read_manifest
from market_api.disputes.tables import disputes
from market_api.entitlements.tables import deliveries, entitlements
from market_api.idempotency import requests
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.ledger.tables import holds, ledger_transactions, postings
from market_api.market import Market
from market_api.trading.tables import orders
from tests.market_api.faults.replaying import contradictions, replayed

PAID = ("settled", "disputed", "completed", "refunded")
COPY = re.compile(r"parts|parquet|arrow|csv|ndjson")


def faults_of(market: Market) -> list[str]:
    """Everything that is not as it must be; none where all is well. Signs the black box first."""
    market.seal()
    verified = market.verify()
    return [
        *market.read_one_state(lambda connection: list(faults_in(connection))),
        *(f"the black box: {each.what}" for each in verified.problems),
        *_broken_copies(market),
    ]


def faults_in(connection: sa.Connection) -> Iterator[str]:
    """What contradicts itself in the database, all of it read in one state."""
    yield from ledger_faults(connection)
    if (sum_fen := total_fen(connection)) != 0:
        yield f"all balances together are {sum_fen} fen"
    yield from _half_sales(connection)
    yield from _wrong_vouchers(connection)
    yield from _wrong_deposits(connection)
    yield from _half_answers(connection)
    yield from _doubled_holds(connection)
    yield from _wrong_standings(connection)
    yield from _wrong_counts(connection)
    yield from contradictions(connection)


def _half_sales(connection: sa.Connection) -> Iterator[str]:
    """A paid order has one payment, of its price, and one entitlement; any other has neither."""
    granted = _counted(connection, entitlements.c.order_id)
    is_payment = ledger_transactions.c.kind == "settlement"
    paid = _counted(connection, ledger_transactions.c.reference, is_payment)
    amounts = sa.select(ledger_transactions.c.reference, sa.func.sum(postings.c.amount_fen)).join(postings)
    paid_fen = dict(connection.execute(amounts.where(is_payment).group_by("reference")).tuples().all())
    known = {row.order_id: row for row in connection.execute(sa.select(orders))}
    for name in sorted({*known, *granted, *paid}):
        order = known.get(name)
        is_paid, price_fen = order is not None and order.state in PAID, 0 if order is None else order.price_fen
        wanted = (int(is_paid), int(is_paid and price_fen > 0), price_fen if is_paid else 0)
        found = (granted.get(name, 0), paid.get(name, 0), int(paid_fen.get(name, 0)))
        if found != wanted:
            state = None if order is None else order.state
            yield f"order {name} is {state}: (entitlements, payments, fen) are {found} and not {wanted}"


def _wrong_vouchers(connection: sa.Connection) -> Iterator[str]:
    """An invoice is of the price that was paid, a credit note of what went back of it."""
    refunds = sa.select(disputes.c.order_id, disputes.c.refund_fen)
    refunded = dict(connection.execute(refunds.where(disputes.c.state == "upheld")).tuples().all())
    prices = dict(connection.execute(sa.select(orders.c.order_id, orders.c.price_fen)).tuples().all())
    for table, moved in ((invoices, prices), (credit_notes, refunded)):
        for name, text in connection.execute(sa.select(table.c.order_id, table.c.document)):
            document = json.loads(text)
            parts_fen = document["net_fen"] + document["vat_fen"]
            if not parts_fen == document["gross_fen"] == moved.get(name):
                yield f"{document['number']} is of {document['gross_fen']} fen, and {moved.get(name)} were moved"


def _wrong_deposits(connection: sa.Connection) -> Iterator[str]:
    """A transfer has one booking that was not reversed, at most."""
    own, ended = deposits.c, deposit_reversals.c.deposit_id
    standing = sa.select(own.bank_reference).outerjoin(deposit_reversals).where(ended.is_(None))
    twice = standing.group_by(own.bank_reference).having(sa.func.count() > 1)
    yield from (f"the transfer {name} is booked twice" for name in connection.execute(twice).scalars())


def _half_answers(connection: sa.Connection) -> Iterator[str]:
    """A key stands with its answer, or it is not there."""
    half = sa.select(requests.c.key).where(sa.or_(requests.c.status == 0, requests.c.answer == ""))
    yield from (f"the key {key} has no answer" for key in connection.execute(half).scalars())


def _doubled_holds(connection: sa.Connection) -> Iterator[str]:
    """A bidder's deposit is set aside once in an auction."""
    own = holds.c
    held = sa.select(own.owner_id, own.reference).where(own.reference.like("auc_%"))
    twice = held.group_by(own.owner_id, own.reference).having(sa.func.count() > 1)
    yield from (f"{owner} has two deposits in {auction}" for owner, auction in connection.execute(twice))
    entered = sa.select(bidders.c.hold_id).where(bidders.c.hold_id.is_not(None))
    alone = sa.select(own.hold_id).where(own.reference.like("auc_%"), own.hold_id.not_in(entered))
    yield from (f"the deposit {name} is nobody's" for name in connection.execute(alone).scalars())


def _wrong_standings(connection: sa.Connection) -> Iterator[str]:
    """The standing of an auction is that of its bids, which are numbered without a gap."""
    for auction in connection.execute(sa.select(auctions)).all():
        rules, found = rules_of(auction), bids_of(connection, auction.auction_id)
        if [bid.number for bid in found] != list(range(1, auction.bids + 1)):
            yield f"{auction.auction_id} has {auction.bids} bids, and they are numbered otherwise"
        if not rules.is_sealed and auction.state not in ("announced", "cancelled"):
            kept, again = standing_of(auction), standing_before_last_call(rules, found)
            if (kept.leader, kept.second_fen, kept.price_fen) != (again.leader, again.second_fen, again.price_fen):
                yield f"{auction.auction_id}: its bids give another standing"


def _wrong_counts(connection: sa.Connection) -> Iterator[str]:
    """Every pull that was counted is a delivery and an entry of the black box, and no two live at the same time."""
    own = deliveries.c
    used = int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(entitlements.c.pulls_used), 0))).scalar_one())
    made = connection.execute(sa.select(own.entitlement_id, own.release_number, own.begun_at, own.ends_at)).all()
    told = replayed(connection).steps.get("delivery.pull", 0)
    if not used == len(made) == told:
        yield f"{used} pulls were counted, {len(made)} deliveries made, {told} logged"
    ends: dict[Any, str] = {}
    for name, number, begun_at, ends_at in sorted(made, key=lambda each: each.begun_at):
        if ends.get((name, number), "") > begun_at:
            yield f"{name}: release {number} was counted twice within the life of one delivery"
        ends[name, number] = ends_at


def _broken_copies(market: Market) -> Iterator[str]:
    """A copy that has its place is whole, and what its manifest says; drafts may lie beside it."""
    key, copies = market.keys.signing.public_key(), market.settings.copies
    for folder in sorted(copies.glob("*/*/*")):
        if COPY.fullmatch(folder.name):
            manifest = read_manifest(folder, key)
            if manifest is None or not is_whole(folder, manifest):
                yield f"the copy {folder.relative_to(copies)} is not whole"


def _counted(
    connection: sa.Connection, column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]
) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(*conditions).group_by(column)
    return dict(connection.execute(query).tuples().all())
