"""Layers are encrypted DuckDB files with keys of their own; this module opens them."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import duckdb_extensions

from vault.attaching import attach
from vault.errors import JinkuError
from vault.home import Home, Settings
from vault.keys import MasterSource, open_keys, settle_keys
from vault.keys.master import IN_FILE, master_source
from vault.keys.opening import RECEIVED, ROOT

EngineConfig = tuple[tuple[str, str | bool | int], ...]
DBT_LAYERS = ("raw", "warehouse", "components")
"""The layers that dbt reads and writes."""


@dataclass(frozen=True)
class Vault:
    """A home that is ready: its paths, its settings and its keys (never printed).

    master: the root secret, from which keys are derived whose results must last; source: where the master key comes
    from. Data keys are read when they are used: a rotation by another process may have come in between.
    """

    home: Home
    settings: Settings
    master: bytes
    source: MasterSource = IN_FILE

    def __repr__(self) -> str:
        return f"Vault({self.home.root})"

    def layer_key(self, layer: str) -> str:
        """The key of one layer's file, as hex. Raises JinkuError as `vault.keys.open_keys` does."""
        return open_keys(self.home, self.source).layer_key(layer)

    @property
    def received_key(self) -> bytes:
        """The key that wraps the file keys of received bytes. Raises JinkuError as `vault.keys.open_keys` does."""
        return open_keys(self.home, self.source).key(RECEIVED)


def open_vault(home: Home, settings: Settings, environment: Mapping[str, str] = os.environ) -> Vault:
    """The vault of a prepared home. Raises JinkuError where its keys cannot be had, as `vault.keys.open_keys` does."""
    source = master_source(environment)
    settle_keys(home, source)
    return Vault(home, settings, open_keys(home, source).key(ROOT), source)


@contextmanager
def connect(
    vault: Vault, *, write: str | None = None, read: tuple[str, ...] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the named layers attached under their names; at most one may be written.

    The layers' files are closed when it ends. Raises JinkuError `layer_busy` where another process holds a file,
    `layer_locked` where the key is wrong.
    """
    config = _engine_config(vault)
    engine = _engine(config)
    connection = engine.cursor()
    attached: list[str] = []
    try:
        for layer, read_only in [(write, False), *((layer, True) for layer in read)]:
            if layer is not None:
                _attach(connection, vault, layer, read_only)
                attached.append(layer)
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()
        _give_back(engine, config, attached)


@contextmanager
def session(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of one's own to what another has attached, for one more thread: transactions and temporary tables
    are its own."""
    own = connection.cursor()
    try:
        own.execute("set timezone = 'UTC'")
        yield own
    finally:
        own.close()


_idle: list[tuple[EngineConfig, duckdb.DuckDBPyConnection]] = []
_idle_lock = threading.Lock()
"""Engines that nobody uses. Making one costs a hundred times what attaching a layer does: its extension is verified."""


def _engine(config: EngineConfig) -> duckdb.DuckDBPyConnection:
    """An engine of one's own, without any layer."""
    with _idle_lock:
        for place, (known, engine) in enumerate(_idle):
            if known == config:
                del _idle[place]
                return engine
    engine = duckdb.connect(":memory:", config=dict(config))
    install_cryptography()
    engine.execute("load httpfs")
    return engine


def _give_back(engine: duckdb.DuckDBPyConnection, config: EngineConfig, attached: list[str]) -> None:
    """Keep an engine for the next caller once it has let go of every layer; end it where it does not."""
    try:
        for layer in attached:
            engine.execute(f"detach {layer}")
    except duckdb.Error:
        engine.close()
        return
    with _idle_lock:
        _idle.append((config, engine))


_install_lock = threading.Lock()


def install_cryptography() -> None:
    """Put the engine's httpfs extension in place, from its package: writing encrypted files needs what it carries.

    One thread at a time, by a connection of its own: that which DuckDB shares among all serves none of several at once.
    """
    with _install_lock, duckdb.connect(":memory:") as connection:
        duckdb_extensions.import_extension("httpfs", con=connection)


def engine_environment(home: Home, settings: Settings) -> Mapping[str, str]:
    """What dbt's profile reads from the environment, but for the keys."""
    return {
        "JINKU_HOME": str(home.root),
        "DBT_ENGINE_MEMORY_LIMIT": settings.engine_memory_limit,
        "JINKU_THREADS": str(settings.threads),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_environment(vault: Vault) -> Mapping[str, str]:
    """What dbt's profile reads from the environment: paths, limits and the layers' keys."""
    keys = {f"DBT_ENV_SECRET_{layer.upper()}_KEY": vault.layer_key(layer) for layer in DBT_LAYERS}
    return {**engine_environment(vault.home, vault.settings), **keys}


def _engine_config(vault: Vault) -> EngineConfig:
    return (
        ("memory_limit", vault.settings.engine_memory_limit),
        ("threads", vault.settings.threads),
        ("temp_directory", str(vault.home.work / "spill")),
        ("temp_file_encryption", True),  # else what does not fit the memory would lie on disk as it is
        ("autoinstall_known_extensions", False),
        ("custom_user_agent", "jinku"),
    )


def _attach(connection: duckdb.DuckDBPyConnection, vault: Vault, layer: str, read_only: bool) -> None:
    key = vault.layer_key(layer)
    try:
        attach(connection, vault.home.layer(layer), layer, key, read_only=read_only)
    except JinkuError as error:
        fresh = vault.layer_key(layer)
        if error.code != "layer_locked" or fresh == key:
            raise
        attach(connection, vault.home.layer(layer), layer, fresh, read_only=read_only)  # it was given a key just then
