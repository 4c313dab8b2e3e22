"""The master key, which wraps all others: from the home's file, the environment, or a command of a key service."""

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vault.errors import JinkuError
from vault.home import Home
from vault.keys.derivation import derived_key
from vault.keys.private_file import read_private

MASTER_KEY_BYTES = 32
MASTER_ID_DIGITS = 16
COMMAND_SECONDS_MAX = 30
IN_ENVIRONMENT = "JINKU_MASTER_KEY"
BY_COMMAND = "JINKU_MASTER_KEY_COMMAND"
NEXT_IN_ENVIRONMENT = "JINKU_NEW_MASTER_KEY"


@dataclass(frozen=True)
class MasterSource:
    """Where the master key comes from; no part of a key is ever printed.

    given: the key as hex, or the command; following: the key that comes after it in a rotation, where one is given.
    """

    kind: Literal["file", "environment", "command"] = "file"
    given: str = field(default="", repr=False)
    following: str | None = field(default=None, repr=False)


IN_FILE = MasterSource()
"""The master key in the home's file."""


def master_source(environment: Mapping[str, str]) -> MasterSource:
    """The source by JINKU_MASTER_KEY or JINKU_MASTER_KEY_COMMAND, the home's file where neither is set.

    A variable that is set to nothing counts as set: a key that did not arrive must not become another key.
    Raises JinkuError `setting` where both are set.
    """
    following = environment.get(NEXT_IN_ENVIRONMENT)
    if IN_ENVIRONMENT in environment and BY_COMMAND in environment:
        both = f"both {IN_ENVIRONMENT} and {BY_COMMAND} are set"
        raise JinkuError("setting", both, "environment", "Set one of them.")
    if IN_ENVIRONMENT in environment:
        return MasterSource("environment", environment[IN_ENVIRONMENT], following)
    if BY_COMMAND in environment:
        return MasterSource("command", environment[BY_COMMAND], following)
    return IN_FILE


def master_path(home: Home) -> Path:
    """The file of the master key."""
    return home.keys / "master.key"


def next_master_path(home: Home) -> Path:
    """Where the next master key lies while a rotation is at work, and after one that was killed."""
    return home.keys / "master.next"


def master_id(master: bytes) -> str:
    """What a master key is recognised by; nothing of the key follows from it."""
    return derived_key(master, "id")[:MASTER_ID_DIGITS]


def master_key(home: Home, source: MasterSource = IN_FILE) -> bytes:
    """The 32-byte master key.

    Raises JinkuError `key_lost` (no file), `key_unreadable` (it may not be read, or the command failed),
    `key_open` (others may read it), `key_damaged` (not 32 bytes of hex).
    """
    return next(master_keys(home, source))


def master_keys(home: Home, source: MasterSource, wanted: str = "") -> Iterator[bytes]:
    """The master key, and after it the one that follows in a rotation, where there is one.

    `wanted` is the id of the key that is looked for: a command that gave it once is not asked again.
    Raises as `master_key` does.
    """
    if source.kind == "file":
        yield from _in_files(home)
        return
    if source.kind == "environment":
        yield parsed_key(source.given, IN_ENVIRONMENT)
    else:
        yield _given_by(source.given, wanted)
    if source.following is not None:
        yield parsed_key(source.following, NEXT_IN_ENVIRONMENT)


def parsed_key(text: str, where: str) -> bytes:
    """The key that a text of hex stands for. Raises JinkuError `key_damaged`, without any of the text."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise JinkuError(
            "key_damaged", "the master key is not 32 bytes of hex", where, "Restore the key from your backup."
        )
    return key


def _in_files(home: Home) -> Iterator[bytes]:
    present = read_private(master_path(home))
    if present is None:
        raise JinkuError(
            "key_lost", "there is no master key", str(master_path(home)), "Restore the key file from your backup."
        )
    yield parsed_key(present.decode("ascii", "replace"), str(master_path(home)))
    following = read_private(next_master_path(home))
    if following is not None:
        yield parsed_key(following.decode("ascii", "replace"), str(next_master_path(home)))


_given: dict[str, bytes] = {}
"""The keys that a command has given in this process, by their ids: a key service may be slow, or count its calls."""


def _given_by(command: str, wanted: str) -> bytes:
    if wanted in _given:
        return _given[wanted]
    key = parsed_key(_printed_by(command), BY_COMMAND)
    _given[master_id(key)] = key
    return key


def _printed_by(command: str) -> str:
    """What the command prints, run without a shell. Its words are never passed on, as they may hold the key."""
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"did not end within {COMMAND_SECONDS_MAX} s") from None
    except (OSError, ValueError, IndexError):
        raise _failed("cannot be started") from None
    if done.returncode != 0:
        raise _failed(f"ended with status {done.returncode}")
    return done.stdout.decode("ascii", "replace")


def _failed(outcome: str) -> JinkuError:
    return JinkuError(
        "key_unreadable", f"the command for the master key {outcome}", BY_COMMAND, "Run it by hand and correct it."
    )
