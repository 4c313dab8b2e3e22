"""Making a home's keys, adopting those of a home made before the key store, and opening them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from vault.attaching import attach
from vault.durable import sync_folder, write_private
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.keys.derivation import derived_key
from vault.keys.master import (
    MASTER_KEY_BYTES,
    MasterSource,
    master_id,
    master_key,
    master_keys,
    master_path,
    next_master_path,
    parsed_key,
)
from vault.keys.private_file import read_private
from vault.keys.store import (
    KeyStore,
    changing_keys,
    new_key,
    read_store,
    store_path,
    unwrap,
    wrap,
    write_store,
)

LAYERS = ("raw", "warehouse", "components", "entities")
ROOT = "root"
RECEIVED = "received"
READINGS_MAX = 5


@dataclass(frozen=True)
class OpenKeys:
    """The key store of a home with the master key that opens it; neither is ever printed."""

    home: Home
    master: bytes = field(repr=False)
    store: KeyStore = field(repr=False)

    def key(self, name: str) -> bytes:
        """A data key by its name. Raises JinkuError `key_lost`, `key_damaged`."""
        return self._unwrapped(name, self.store.wrapped.get(name))

    def layer_key(self, layer: str) -> str:
        """The key of a layer's file as it lies on disk now, as hex. Raises JinkuError `key_lost`, `key_damaged`."""
        name = name_of(layer)
        if name in self.store.following and not next_layer(self.home, layer).exists():  # the new file is in place
            return self._unwrapped(name, self.store.following[name]).hex()
        return self.key(name).hex()

    def _unwrapped(self, name: str, wrapped: bytes | None) -> bytes:
        if wrapped is None:
            raise _key_lost(self.home, f"the key '{name}' is not in the key store")
        return unwrap(self.master, name, wrapped, store_path(self.home))


def name_of(layer: str) -> str:
    """The name of a layer's key in the key store."""
    return f"layer/{layer}"


def next_layer(home: Home, layer: str) -> Path:
    """Where a layer is copied to under its new key, until that copy takes the layer's place."""
    return home.layer(layer).with_name(f"{layer}.next.duckdb")


def create_keys(home: Home, source: MasterSource) -> None:
    """Make the master key, where it comes from a file, and the key store; nothing where they are there.

    A home that holds encrypted layers but no key is refused rather than given a new one: raises JinkuError `key_lost`.
    """
    if read_store(home) is None and source.kind == "file" and not master_path(home).exists():
        with changing_keys(home):
            if not master_path(home).exists():
                _create_master(home)
    settle_keys(home, source)


def open_keys(home: Home, source: MasterSource) -> OpenKeys:
    """The keys of a home as they are at this moment, whatever rotation is at work.

    Raises JinkuError `key_lost`, `key_unreadable`, `key_open`, `key_damaged`, and `key_wrong` where the master key is
    not the one that this home's keys are wrapped under.
    """
    for _ in range(READINGS_MAX):  # a rotation may come between the reading of the one file and the other
        store = read_store(home)
        if store is None:
            raise _key_lost(home, "the key store is gone")
        for master in master_keys(home, source, store.master_id):
            if master_id(master) == store.master_id:
                return OpenKeys(home, master, store)
    raise JinkuError(
        "key_wrong",
        "the master key is not the one that this home's keys are wrapped under",
        str(store_path(home)),
        "Give the master key that belongs to this home.",
    )


def settle_keys(home: Home, source: MasterSource) -> None:
    """Make the key store where there is none yet, give layers that are new a key, and end what a killed rotation left.

    Nothing is written in most cases; where another process is changing keys, what is left is left to it.
    Raises JinkuError as `open_keys` does, and what a full or unwritable disk raises.
    """
    store = read_store(home)
    if store is None:
        master_key(home, source)  # where there is none, nothing is locked or made
        with changing_keys(home):
            if read_store(home) is None:
                write_store(home, _first_store(home, master_key(home, source)))
        return
    is_incomplete = any(name_of(layer) not in store.wrapped for layer in LAYERS)
    if is_incomplete or _is_left_over(home, store):
        try:
            with changing_keys(home, wait=is_incomplete):
                end_killed_rotation(home, source)
                _complete(open_keys(home, source))
        except JinkuError as error:
            if error.code != "keys_busy":
                raise


def end_killed_rotation(home: Home, source: MasterSource) -> None:
    """Bring a rotation that was killed to its end, or undo it: whichever its last step was. Holds `changing_keys`.

    The key store decides: the master key that it names is the one, and a layer's new key counts once its copy has taken
    the layer's place.
    """
    opened = open_keys(home, source)
    try:
        if opened.store.following:
            swapped = {
                name: key
                for name, key in opened.store.following.items()
                if not next_layer(home, name.removeprefix("layer/")).exists()
            }
            sync_folder(_folder(home))  # the copy stays in its place before the old key goes
            write_store(home, replace(opened.store, wrapped={**opened.store.wrapped, **swapped}, following={}))
        for left in _copies(home):
            left.unlink()
        _settle_master(home, opened.store.master_id)
    except OSError as error:
        raise storage_error(error, home.keys) from None


def _settle_master(home: Home, wanted: str) -> None:
    path = next_master_path(home)
    content = read_private(path)
    if content is None:
        return
    if master_id(parsed_key(content.decode("ascii", "replace"), str(path))) == wanted:
        path.replace(master_path(home))
    else:
        path.unlink()
    sync_folder(home.keys)


def _create_master(home: Home) -> None:
    if any(home.layer(layer).exists() for layer in LAYERS):
        raise JinkuError(
            "key_lost",
            "the vault is encrypted and its master key is gone",
            str(master_path(home)),
            "Restore the key file from your backup.",
        )
    try:
        write_private(master_path(home), secrets.token_hex(MASTER_KEY_BYTES).encode())
    except OSError as error:
        raise storage_error(error, home.keys) from None


def _first_store(home: Home, master: bytes) -> KeyStore:
    """Random keys for a new home. In a home made before there was a key store every key was derived from the master:
    those become its data keys, and the master of that day the root, as pseudonyms and signatures hang on it.
    """
    present = [layer for layer in LAYERS if home.layer(layer).exists()]
    _refuse_unless_derived(home, master, present)
    keys = {name_of(layer): new_key() for layer in LAYERS} | {ROOT: new_key(), RECEIVED: new_key()}
    if present:
        keys |= {ROOT: master, RECEIVED: bytes.fromhex(derived_key(master, RECEIVED))}
        keys |= {name_of(layer): bytes.fromhex(derived_key(master, name_of(layer))) for layer in present}
    return KeyStore(master_id(master), {name: wrap(master, name, key) for name, key in keys.items()})


def _refuse_unless_derived(home: Home, master: bytes, layers: Iterable[str]) -> None:
    """Layers that do not open with a key derived from the master had a key store, and it is gone."""
    with duckdb.connect(":memory:") as connection:
        for layer in layers:
            try:
                attach(connection, home.layer(layer), layer, derived_key(master, name_of(layer)), read_only=True)
            except JinkuError as error:
                if error.code != "layer_locked":
                    raise
                raise _key_lost(home, "the key store is gone, or the master key is another") from None


def _complete(opened: OpenKeys) -> None:
    """Give layers that are new a key; one whose file is there must have had its own."""
    missing = [layer for layer in LAYERS if name_of(layer) not in opened.store.wrapped]
    if missing:
        lost = [layer for layer in missing if opened.home.layer(layer).exists()]
        if lost:
            raise _key_lost(opened.home, f"the key of the layer '{lost[0]}' is not in the key store")
        added = {name_of(layer): wrap(opened.master, name_of(layer), new_key()) for layer in missing}
        write_store(opened.home, replace(opened.store, wrapped={**opened.store.wrapped, **added}))


def _is_left_over(home: Home, store: KeyStore) -> bool:
    return bool(store.following) or next_master_path(home).exists() or any(_copies(home))


def _copies(home: Home) -> list[Path]:
    """Copies of layers, with their logs, that have not taken their layer's place."""
    return sorted(_folder(home).glob("*.next.duckdb*"))


def _folder(home: Home) -> Path:
    return home.layer(LAYERS[0]).parent


def _key_lost(home: Home, what: str) -> JinkuError:
    return JinkuError("key_lost", what, str(store_path(home)), "Restore the key file from your backup.")
