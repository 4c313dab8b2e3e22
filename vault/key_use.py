"""The use of the vault's keys is on record: once for each process and purpose."""

from datetime import datetime
from pathlib import Path

from vault.black_box.recording import recording
from vault.keys import open_keys
from vault.layers import Vault

_recorded: set[tuple[Path, str]] = set()


def record_key_use(vault: Vault, purpose: str, at: datetime, actor: str) -> None:
    """Log that the keys are about to be used: what for, and which master key opened them, by its id.

    purpose: a word such as 'run' or 'rotation'. Called before the use: where the log cannot be written there is none.
    Raises JinkuError as `recording` does.
    """
    if (vault.home.root, purpose) in _recorded:
        return
    with recording(vault, at) as record:
        record.log("key_use", purpose, {"master": open_keys(vault.home, vault.source).store.master_id}, actor)
    _recorded.add((vault.home.root, purpose))
