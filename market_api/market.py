"""The market at work: its database, keys, clock and randomness, handed to everything that needs them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from market_api import log
from market_api.database import engine_of, in_transaction, migrate
from market_api.failures import raise_failure
from market_api.identifiers import RandomBytes, new_identifier
from market_api.keys import MarketKeys, market_keys
from market_api.settings import MarketSettings
from vault.black_box.entries import Event
from vault.black_box.log import Salted, salted
from vault.black_box.verification import Verified
from vault.moments import text_of
from vault.signing import key_id, public_keys_in

KIND_OF = {"delivery": "delivery", "participant": "decision", "oversight": "decision", "case": "decision"}
"""The kind of an entry in the black box, by the first word of its step; any other step is of kind 'trade'."""

Clock = Callable[[], datetime]
Result = TypeVar("Result")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class Transaction:
    """One action: what is done over `connection` and what is logged stand together or not at all.

    at: when the action happens, one moment for all that it writes; moment: the same as text; actor: the participant who
    acts, 'market' where the market does of itself.
    """

    def __init__(self, market: "Market", connection: sa.Connection, actor: str) -> None:
        self.market = market
        self.connection = connection
        self.at = market.clock()
        self.moment = text_of(self.at)
        self.actor = actor
        self._events: list[Salted] = []

    def new_identifier(self, kind: str) -> str:
        """A name for something new, such as 'ord_…'."""
        return new_identifier(kind, self.at, self.market.random_bytes)

    def log(self, step: str, subject: str, payload: Mapping[str, Any]) -> None:
        """Record a step in the black box. step: such as 'order.settle'; subject: whose, such as an order's name;
        payload: plain values, and no name of a person, secret or personal value. Raises ValueError as `Event` and
        `canonical` do."""
        kind = KIND_OF.get(step.partition(".")[0], "trade")
        event = Event(kind, subject, {"step": step, **payload}, self.actor)
        self._events.append(salted(event, self.market.random_bytes))

    def finish(self) -> None:
        """Write the entries. Called once, last."""
        if self._events:
            log.append_events(self.connection, self._events, self.at)


@dataclass(frozen=True)
class Market:
    """All that the market's functions are given. It is shared by threads and never changes."""

    settings: MarketSettings
    engine: sa.Engine
    keys: MarketKeys
    clock: Clock = utc_now
    random_bytes: RandomBytes = secrets.token_bytes

    def act(self, actor: str, do: Callable[[Transaction], Result]) -> Result:
        """Do something in one transaction with its entries in the black box; all of it, or nothing where `do` raises.

        `do` may run more than once, each time from the start. Raises Problem as `in_transaction`, and what `do` raises.
        """

        def attempt(connection: sa.Connection) -> Result:
            transaction = Transaction(self, connection, actor)
            result = do(transaction)
            transaction.finish()
            return result

        return in_transaction(self.engine, attempt)

    def read(self, ask: Callable[[sa.Connection], Result]) -> Result:
        """Ask the database within one transaction. Raises Problem `unavailable` where it is gone, `busy` where it is
        so, `database_unfit` where it is damaged or lacks a table, and what `ask` raises."""
        return _asked(self.engine, ask)

    def read_one_state(self, ask: Callable[[sa.Connection], Result]) -> Result:
        """Ask the database several things about the same moment; else as `read`."""
        is_needed = self.engine.dialect.name == "postgresql"  # SQLite's transactions are never otherwise
        level = {"isolation_level": "REPEATABLE READ"} if is_needed else {}
        return _asked(self.engine.execution_options(**level), ask)

    def seal(self) -> int:
        """Sign the black box as it stands now; gives its size."""
        return log.seal(self.engine, self.settings, self.keys.signing, self.clock())

    def verify(self) -> Verified:
        """Hold the black box against its signatures and its witness, whoever writes meanwhile."""
        own = self.keys.signing.public_key()
        return self.read_one_state(lambda connection: log.verify_log(connection, self.settings, {key_id(own): own}))

    @property
    def trusted_keys(self) -> Mapping[str, Any]:
        """The public keys that releases must be signed by, as they are there now."""
        return public_keys_in(self.settings.trust)


def open_market(
    settings: MarketSettings, clock: Clock = utc_now, random_bytes: RandomBytes = secrets.token_bytes
) -> Market:
    """The market over its settings, its keys and database made where there are none.

    Raises JinkuError `market_key_damaged`, ValueError for another kind of database, and sqlalchemy's DBAPIError.
    """
    _make_private(settings.folder)
    keys = market_keys(settings.folder)
    engine = engine_of(settings.database_url)
    migrate(engine)
    return Market(settings, engine, keys, clock, random_bytes)


def _asked(engine: sa.Engine, ask: Callable[[sa.Connection], Result]) -> Result:
    for is_last in (False, True):
        try:
            with engine.connect() as connection:
                return ask(connection)
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if is_last or not getattr(error, "connection_invalidated", False):
                raise_failure(error, engine)
    raise AssertionError("unreachable")  # a connection that its server had ended is made anew once


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
