"""Layers are encrypted DuckDB files with keys of their own; this module opens them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import duckdb_extensions

from vault.errors import JinkuError
from vault.home import Home, Settings
from vault.keys import LAYERS, derived_key, master_key

EngineConfig = tuple[tuple[str, str | bool | int], ...]


@dataclass(frozen=True)
class Vault:
    """A home that is ready: its paths, its settings and its master key (never printed)."""

    home: Home
    settings: Settings
    master: bytes

    def __repr__(self) -> str:
        return f"Vault({self.home.root})"

    def layer_key(self, layer: str) -> str:
        """The key of one layer's file, as hex."""
        return derived_key(self.master, f"layer/{layer}")

    @property
    def received_key(self) -> bytes:
        """The key that wraps the file keys of received bytes."""
        return bytes.fromhex(derived_key(self.master, "received"))


def open_vault(home: Home, settings: Settings) -> Vault:
    """The vault of a prepared home. Raises JinkuError where the key cannot be had."""
    return Vault(home, settings, master_key(home))


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
        for layer, mode in [(write, ""), *((layer, ", read_only") for layer in read)]:
            if layer is not None:
                _attach(connection, vault, layer, mode)
                attached.append(layer)
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()
        _give_back(engine, config, attached)


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


def install_cryptography() -> None:
    """Put the engine's httpfs extension in place, from its package: writing encrypted files needs what it carries."""
    duckdb_extensions.import_extension("httpfs")


def engine_environment(home: Home, settings: Settings) -> Mapping[str, str]:
    """What dbt's profile reads from the environment, but for the keys."""
    return {
        "JINKU_HOME": str(home.root),
        "JINKU_MEMORY_LIMIT": settings.memory_limit,
        "JINKU_THREADS": str(settings.threads),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_environment(vault: Vault) -> Mapping[str, str]:
    """What dbt's profile reads from the environment: paths, limits and the layers' keys."""
    keys = {f"DBT_ENV_SECRET_{layer.upper()}_KEY": vault.layer_key(layer) for layer in LAYERS}
    return {**engine_environment(vault.home, vault.settings), **keys}


def _engine_config(vault: Vault) -> EngineConfig:
    return (
        ("memory_limit", vault.settings.memory_limit),
        ("threads", vault.settings.threads),
        ("temp_directory", str(vault.home.work / "spill")),
        ("temp_file_encryption", True),  # else what does not fit the memory would lie on disk as it is
        ("autoinstall_known_extensions", False),
        ("custom_user_agent", "jinku"),
    )


def _attach(connection: duckdb.DuckDBPyConnection, vault: Vault, layer: str, mode: str) -> None:
    path = vault.home.layer(layer)
    try:
        connection.execute(
            f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {layer} "
            f"(encryption_key '{vault.layer_key(layer)}'{mode})"
        )
    except duckdb.Error as error:
        text = str(error)
        if "lock" in text or "already attached" in text.lower():
            raise JinkuError(
                "layer_busy",
                "another process is writing this layer",
                str(path),
                "Wait for the run to end and try again.",
            ) from None
        if "encrypt" in text.lower() or "key" in text.lower():
            raise JinkuError(
                "layer_locked",
                "the layer cannot be opened with this key",
                str(path),
                "Restore the key that belongs to this home.",
            ) from None
        raise JinkuError(
            "layer_unreadable", "the layer's file cannot be opened", str(path), "Restore it from your backup."
        ) from None
