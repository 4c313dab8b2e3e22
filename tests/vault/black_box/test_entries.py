"""An entry says what it must, and its leaf is canonical JSON."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from vault.black_box.entries import Entry, Event, leaf_of, payload_hash
from vault.moments import text_of

EVENT: dict[str, Any] = {"kind": "grant", "subject": "residents", "payload": {}, "actor": "jinku"}
texts = st.text()  # controls, quotes and signs beyond the first plane among them


@given(st.integers(0, 2**53 - 1), texts, texts, texts, texts, texts)
def test_a_leaf_is_what_rfc_8785_makes_of_the_entry(
    index: int, at: str, kind: str, actor: str, of: str, it: str
) -> None:
    entry = Entry(index, at, kind, actor, of, it)
    assert leaf_of(index, at, kind, actor, of, it) == rfc8785.dumps(entry.document)


def test_a_payload_s_hash_needs_its_salt() -> None:
    assert (
        payload_hash(b"", b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )  # sha256 of {}
    assert payload_hash(b"salt", b"{}") != payload_hash(b"other", b"{}")


@pytest.mark.parametrize("changes", [{"kind": "gossip"}, {"kind": ""}, {"subject": ""}, {"actor": ""}])
def test_what_is_no_entry_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"keeps no entries of kind|names a subject and an actor"):
        Event(**{**EVENT, **changes})


def test_times_are_utc_and_have_a_zone() -> None:
    assert text_of(datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=8)))) == "2025-12-31T23:00:00.000000+00:00"
    with pytest.raises(ValueError, match="without a zone"):
        text_of(datetime(2026, 1, 1))
