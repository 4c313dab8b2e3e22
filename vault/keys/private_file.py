"""Files of keys, which their owner alone may read."""

import stat
from pathlib import Path

from vault.errors import JinkuError


def read_private(path: Path) -> bytes | None:
    """The content of a file of keys, None where it is not there.

    Raises JinkuError `key_unreadable` where it may not be read, `key_open` where others may read it too.
    """
    try:
        content = path.read_bytes()
        refuse_open(path)
    except FileNotFoundError:
        return None
    except OSError:
        raise JinkuError(
            "key_unreadable", "a file of keys cannot be read", str(path), "Run as the vault's owner."
        ) from None
    return content


def refuse_open(path: Path) -> None:
    """Refuse a file of keys that others may use. Raises JinkuError `key_open`, and OSError where it is not there."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise JinkuError("key_open", "others may read a file of keys", str(path), f"Run: chmod 600 {path}")
