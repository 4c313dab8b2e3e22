"""Work on many things that are due, each in a transaction of its own: one that fails does not stop the others."""

from collections.abc import Callable, Iterable

from market_api.market import Market, Transaction
from market_api.web.log_lines import LOG


def one_by_one(market: Market, task: str, identifiers: Iterable[str], do: Callable[[Transaction, str], None]) -> int:
    """Do it to each of them; gives how many succeeded. What fails is logged and stays due.

    task: its name in the log; do: as the market itself, given a transaction and an identifier.
    """
    done = 0
    for identifier in identifiers:
        try:
            market.act("market", lambda transaction, name=identifier: do(transaction, name))  # type: ignore[misc]
            done += 1
        except Exception as error:
            told = {"task": task, "subject": identifier, "error": type(error).__name__}
            LOG.error("a task failed on one thing and goes on with the next", extra=told, exc_info=error)
    return done
