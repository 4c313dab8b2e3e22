"""Deposits: 10 % of the reserve, set aside at a bidder's first bid, and ended once.

They go back at the close to whoever won nothing and kept the rules. A winner's counts towards its payment: it is given
back in the transaction that takes the price. One that is forfeited, as a bid was not revealed or an order not paid, is
the seller's whole: the damage is his, nothing was sold that fee or tax could be of.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from market_api.auctions.tables import bidders
from market_api.ledger.accounts import account_of
from market_api.ledger.holds import hold, post_hold, void_hold, void_holds
from market_api.ledger.posting import lock_accounts
from market_api.ledger.tables import holds
from market_api.market import Transaction
from market_api.trading.splitting import lines_of

HOLDS_TOGETHER = 500


def take_deposit(transaction: Transaction, auction_id: str, participant_id: str, deposit_fen: int) -> str | None:
    """Set a deposit aside; gives its hold, None where it is 0 fen. Raises Problem `funds_missing`."""
    return hold(transaction, participant_id, deposit_fen, auction_id) if deposit_fen else None


def end_deposits(
    transaction: Transaction, auction: sa.Row[Any], winners: Sequence[str] = (), unrevealed: Sequence[str] = ()
) -> None:
    """At the close: keep the winners' deposits, take those of bids that were not revealed, give all others back.

    winners, unrevealed: pseudonyms. All accounts are locked at once, as other transactions hold some of them too.
    """
    entered = sa.select(bidders.c.participant_id).where(bidders.c.auction_id == auction.auction_id)
    lock_accounts(transaction.connection, sa.union(entered, sa.select(sa.literal(auction.seller_id))))
    rows = transaction.connection.execute(
        sa.select(bidders.c.pseudonym, bidders.c.hold_id, bidders.c.deposit_fen)
        .where(bidders.c.auction_id == auction.auction_id, bidders.c.hold_id.is_not(None))
        .order_by(bidders.c.participant_id)
    ).all()
    kept, taken = set(winners), set(unrevealed)
    for row in rows:
        if row.pseudonym in taken:
            _forfeit(transaction, row.hold_id, row.deposit_fen, auction.seller_id)
    given_back = [row.hold_id for row in rows if row.pseudonym not in kept | taken]
    for start in range(0, len(given_back), HOLDS_TOGETHER):
        void_holds(transaction, given_back[start : start + HOLDS_TOGETHER])


def count_deposit(transaction: Transaction, order: sa.Row[Any]) -> None:
    """Give the deposit of a locked order's buyer back, so that it pays a part of the price in the same transaction.

    All accounts of the sale are locked first, as the settlement needs them too. Nothing where there is none.
    """
    hold_id = _held(transaction, order)
    if hold_id is None:
        return
    receivers = {
        account.rpartition(":")[0] for account, _, _ in lines_of(transaction.connection, order, transaction.at)
    }
    lock_accounts(transaction.connection, sorted({order.buyer_id, *receivers}))
    void_hold(transaction, hold_id)


def end_deposit(transaction: Transaction, order: sa.Row[Any], is_forfeited: bool) -> None:
    """End the deposit of an order that was not paid: the seller's where it is forfeited, else the buyer's again."""
    hold_id = _held(transaction, order)
    if hold_id is None:
        return
    if not is_forfeited:
        void_hold(transaction, hold_id)
        return
    amount_fen = transaction.connection.execute(sa.select(holds.c.amount_fen).where(holds.c.hold_id == hold_id))
    _forfeit(transaction, hold_id, amount_fen.scalar_one(), order.seller_id)


def _forfeit(transaction: Transaction, hold_id: str, amount_fen: int, seller_id: str) -> None:
    post_hold(transaction, hold_id, "forfeit", [(account_of(seller_id), amount_fen)])


def _held(transaction: Transaction, order: sa.Row[Any]) -> str | None:
    """The hold of the deposit that an order was won with."""
    if order.origin != "auction":
        return None
    query = sa.select(bidders.c.hold_id).where(
        bidders.c.auction_id == order.origin_id, bidders.c.participant_id == order.buyer_id
    )
    found: str | None = transaction.connection.execute(query).scalar()
    return found
