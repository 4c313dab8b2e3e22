"""Dagster's event log in SQLite, with its files kept open between events.

Dagster's own class builds an engine, opens the file and closes it again for each event, which costs more than all else
that a small run does: closing the last connection to a file makes SQLite copy its whole log back and sync it.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import create_db_conn_string
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 60
FILES_KEPT_OPEN = 4
"""The index and the runs at work; each run has a file of its own, so older ones are closed."""


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """The same tables, files and locking; only the connections outlive an event."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables_seen: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """Nothing to configure: a path in dagster.yaml would lead a copied or moved home back to the old one."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "OpenSqliteEventLogStorage":
        """Dagster's way to make it from dagster.yaml: where Dagster's own class keeps its files."""
        return cls(str(Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one seen once stays, and Dagster asks before every check it stores."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            address = create_db_conn_string(self._base_dir, shard)
            engine = create_engine(
                address, pool_size=1, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
            )
            event.listen(engine, "connect", _sync_the_log_at_checkpoints)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        while len(self._engines) > FILES_KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        """Close the files."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _sync_the_log_at_checkpoints(connection: Any, _: Any) -> None:
    """A killed process loses nothing; a power cut may take the last events, which the next run makes good."""
    connection.execute("pragma synchronous = normal")
