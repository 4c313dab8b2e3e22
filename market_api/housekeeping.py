"""What the market does of itself while it is served: a list of tasks, run again and again by one thread.

A task takes the market, does what is due by the market's clock, and may run in two processes at once. One that fails is
logged and does not keep the others from running; it is tried again the next time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa

from market_api.accounts.credit_notes import issue_credit_notes
from market_api.accounts.invoices import issue_due
from market_api.auctions.closing import close_auctions
from market_api.delivery.loading import load_engines
from market_api.delivery.removal import remove_ended_copies
from market_api.disputes.completing import complete_orders
from market_api.entitlements.changing import expire_ended
from market_api.idempotency import KEPT_DAYS, requests
from market_api.market import Market
from market_api.negotiations.acting import expire_negotiations
from market_api.trading.expiring import expire_orders
from market_api.web.log_lines import LOG
from vault.moments import text_of

EVERY_SECONDS = 2.0
STOP_SECONDS = 30.0

Task = Callable[[Market], object]


def seal(market: Market) -> None:
    """Sign the black box as it stands."""
    market.seal()


def forget_requests(market: Market) -> None:
    """Forget the answers to requests that are too old to come again."""
    own, limit = requests.c, text_of(market.clock() - timedelta(days=KEPT_DAYS))
    old = sa.select(own.key).where(own.at < limit).limit(1)
    if market.read(lambda connection: connection.execute(old).first()) is not None:
        forgotten = sa.delete(requests).where(own.at < limit)
        market.act("market", lambda transaction: transaction.connection.execute(forgotten))


TASKS: tuple[Task, ...] = (
    seal,
    issue_due,
    issue_credit_notes,
    forget_requests,
    expire_negotiations,
    close_auctions,
    expire_orders,
    complete_orders,
    expire_ended,
    remove_ended_copies,
    load_engines,
)
"""Everything that is done of itself; a feature adds its own here."""


def run_once(market: Market, tasks: Sequence[Task] = TASKS) -> None:
    """Run each task once; a failure is logged."""
    for task in tasks:
        try:
            task(market)
        except Exception as error:
            LOG.error("task failed", extra={"task": task.__name__}, exc_info=error)


@contextmanager
def housekeeping(
    market: Market, every_seconds: float = EVERY_SECONDS, tasks: Sequence[Task] = TASKS
) -> Iterator[threading.Thread]:
    """Run the tasks beside whatever the body does, and seal the black box when it ends."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(every_seconds):
            run_once(market, tasks)

    thread = threading.Thread(target=run, name="housekeeping", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stopped.set()
        thread.join(STOP_SECONDS)
        run_once(market, [seal])
