"""What an entry of the black box is, and the bytes of it that the tree covers."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from json.encoder import encode_basestring as quoted
from typing import Any

KINDS = frozenset(
    {
        "collection",
        "run",
        "check",
        "review",
        "decision",
        "grant",
        "consent",
        "key_use",
        "noise",
        "release",
        "refusal",
        "trade",
        "delivery",
        "erasure",
    }
)
ERASURE_SUBJECT = "entry:"
"""An erasure's subject names the entry whose payload is gone, as in 'entry:17'."""


@dataclass(frozen=True)
class Event:
    """What is to be logged.

    kind: one of KINDS; subject: the thing it is about, such as a component, a batch's hash or a pseudonym, never a
    person in the clear; payload: plain JSON values; actor: who did it, such as 'person:li.wei' or 'jinku'.
    Raises ValueError for another kind, and where subject or actor is empty.
    """

    kind: str
    subject: str
    payload: Mapping[str, Any]
    actor: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"the black box keeps no entries of kind '{self.kind}', only {', '.join(sorted(KINDS))}")
        if not (self.subject and self.actor):
            raise ValueError("an entry names a subject and an actor")


@dataclass(frozen=True)
class Entry:
    """What was logged, in its place. at: UTC, ISO 8601; payload_hash: sha256(salt || canonical payload), as hex."""

    index: int
    at: str
    kind: str
    actor: str
    subject: str
    payload_hash: str

    @property
    def document(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def leaf_of(index: int, at: str, kind: str, actor: str, subject: str, payload_hash: str) -> bytes:
    """The bytes of an entry that its leaf covers: all of it, as canonical JSON (RFC 8785).

    Written out, as a log of a million entries is verified by it: quoting alone is left of a general canonical form, and
    a test holds the two against each other. Raises ValueError where a text is no Unicode, TypeError for other types.
    """
    return (
        f'{{"actor":{quoted(actor)},"at":{quoted(at)},"index":{index:d},"kind":{quoted(kind)},'
        f'"payload_hash":{quoted(payload_hash)},"subject":{quoted(subject)}}}'
    ).encode()


def payload_hash(salt: bytes, payload: bytes) -> str:
    """sha256(salt || canonical payload) as hex: without the salt, a guessed payload cannot be tried against it."""
    return hashlib.sha256(b"".join((salt, payload))).hexdigest()
