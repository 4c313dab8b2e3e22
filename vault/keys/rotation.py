"""Giving a home another master key."""

import secrets

from vault.durable import sync_folder, write_private
from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.keys.master import (
    MASTER_KEY_BYTES,
    NEXT_IN_ENVIRONMENT,
    MasterSource,
    master_id,
    master_path,
    next_master_path,
    parsed_key,
)
from vault.keys.opening import OpenKeys, end_killed_rotation, open_keys
from vault.keys.store import KeyStore, changing_keys, wrap, write_store


def rotate_master(home: Home, source: MasterSource) -> str:
    """Wrap every key under a new master key; gives the id of the new one.

    A file is given a random key; from the environment or a command the new one comes as JINKU_NEW_MASTER_KEY. The
    replacing of the key store is the one moment that counts: a kill before it leaves the old master key in force, a
    kill after it the new one, and readers find their keys at any moment. The old master key opens nothing afterwards.

    Raises JinkuError `keys_busy`, `setting` where no new key is given or it is the old one, as `open_keys` does, and
    what a full or unwritable disk raises.
    """
    with changing_keys(home, wait=False):
        end_killed_rotation(home, source)
        opened = open_keys(home, source)
        new = _new_master(source, opened.master)
        try:
            if source.kind == "file":
                write_private(next_master_path(home), new.hex().encode())
            write_store(home, _rewrapped(opened, new))
            if source.kind == "file":
                next_master_path(home).replace(master_path(home))
                sync_folder(home.keys)
        except OSError as error:
            raise storage_error(error, home.keys) from None
    return master_id(new)


def _new_master(source: MasterSource, old: bytes) -> bytes:
    if source.kind == "file":
        return secrets.token_bytes(MASTER_KEY_BYTES)
    if source.following is None:
        raise JinkuError(
            "setting",
            f"{NEXT_IN_ENVIRONMENT} is not set",
            "environment",
            f"This home's master key comes from its {source.kind}: give the new one there, as 32 bytes of hex.",
        )
    new = parsed_key(source.following, NEXT_IN_ENVIRONMENT)
    if new == old:
        raise JinkuError(
            "setting", f"{NEXT_IN_ENVIRONMENT} is the master key in force", "environment", "Give another key."
        )
    return new


def _rewrapped(opened: OpenKeys, new: bytes) -> KeyStore:
    return KeyStore(master_id(new), {name: wrap(new, name, opened.key(name)) for name in opened.store.wrapped})
