"""A pull under way ends with what permitted it, on a real server with a slow reader."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from market_api.database import engine_of
from market_api.delivery import guarded
from market_api.delivery.guarded import GuardedFile
from market_api.delivery.pulling import _cause_of
from market_api.entitlements.changing import revoke, suspend
from market_api.entitlements.metering import Delivery, deliver
from market_api.settings import sqlite_url
from tests.market_api.builders import renewed, suspended
from tests.market_api.delivery.pulls import DATA, Bought, SlowReader, bought, free_port, moved, pulls_used, running
from vault.black_box.tables import payloads

ADDRESS = f"{DATA}?format=ndjson"


def by_suspension(own: Bought) -> None:
    own.market.act("market", lambda transaction: suspend(transaction, own.entitlement_id, "under dispute"))


def by_revocation(own: Bought) -> None:
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))


def by_freezing(own: Bought) -> None:
    moved(own.market, own.listing_id, "freeze", "recalled")


def by_time(own: Bought) -> None:
    own.clock.move(days=365)


def by_suspension_of_the_holder(own: Bought) -> None:
    suspended(own.market, own.buyer)


ENDS: dict[str, tuple[Callable[[Bought], None], int, str]] = {
    "suspended": (by_suspension, 403, "suspended"),
    "revoked": (by_revocation, 403, "revoked"),
    "frozen": (by_freezing, 403, "frozen"),
    "expired": (by_time, 403, "expired"),
    "participant_not_admitted": (by_suspension_of_the_holder, 401, "unauthenticated"),
}


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free one. Windows are small, so that a small file has several."""
    monkeypatch.setattr(guarded, "CHUNK_BYTES", 4 << 10)
    monkeypatch.setattr(guarded, "WINDOW_BYTES", 16 << 10)
    return free_port()


def cut_offs(own: Bought) -> list[str]:
    told = own.market.read(lambda connection: connection.execute(sa.select(payloads.c.payload)).scalars().all())
    return [text for text in told if "delivery.cut_off" in text]


@pytest.mark.parametrize("cause", sorted(ENDS))
def test_a_pull_under_way_is_cut_off_and_its_resumption_is_told_why(
    tmp_path: Path, pulled_home: Path, port: int, cause: str
) -> None:
    own = bought(tmp_path, pulled_home, public_url=f"http://127.0.0.1:{port}")
    end, status, told = ENDS[cause]
    with running(own.market, port):
        reader = SlowReader(port, ADDRESS, own.buyer.headers)
        assert reader.status == 200 and pulls_used(own.market, own.entitlement_id) == 1
        end(own)
        body = reader.rest()
        assert 0 < len(body) < reader.announced_bytes
        headers = {**renewed(own.market, own.buyer).headers, "Range": f"bytes={len(body)}-"}
        again = requests.get(f"http://127.0.0.1:{port}{ADDRESS}", headers=headers, timeout=10)
    assert (again.status_code, again.json().get("cause", again.json()["code"])) == (status, told)
    (entry,) = cut_offs(own)
    assert f'"cause":"{cause}"' in entry.replace(": ", ":") and own.entitlement_id not in entry


def test_a_slow_reader_gets_everything_while_nothing_speaks_against_it(
    tmp_path: Path, pulled_home: Path, port: int
) -> None:
    own = bought(tmp_path, pulled_home, public_url=f"http://127.0.0.1:{port}")
    with running(own.market, port):
        reader = SlowReader(port, ADDRESS, own.buyer.headers)
        own.clock.move(hours=2)
        body = reader.rest()
        assert len(body) == reader.announced_bytes
        later = {**renewed(own.market, own.buyer).headers}
        again = requests.get(f"http://127.0.0.1:{port}{ADDRESS}", headers=later, timeout=10)
    assert again.content == body and cut_offs(own) == []


def test_a_client_that_leaves_is_sent_nothing_more(
    tmp_path: Path, pulled_home: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask = guarded._Window.cause_against

    def noted(self: Any, at: int) -> str | None:
        asked.append(at)
        return ask(self, at)

    monkeypatch.setattr(guarded._Window, "cause_against", noted)
    own = bought(tmp_path, pulled_home, public_url=f"http://127.0.0.1:{port}")
    with running(own.market, port):
        reader = SlowReader(port, ADDRESS, own.buyer.headers)
        size = reader.announced_bytes
        reader._socket.close()
    assert max(asked) < size - (4 << 10)


def test_it_is_asked_again_after_a_window_of_bytes_or_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times, asked = [0.0], []
    monkeypatch.setattr("market_api.delivery.guarded.time.monotonic", lambda: times[0])
    window = guarded._Window(lambda: asked.append(1))
    for at in (0, 1 << 20, (8 << 20) - 1):
        window.cause_against(at)
    assert len(asked) == 1
    window.cause_against(8 << 20)
    assert len(asked) == 2
    times[0] = 0.99
    window.cause_against(9 << 20)
    assert len(asked) == 2
    times[0] = 1.0
    window.cause_against(9 << 20)
    assert len(asked) == 3


def test_where_the_database_does_not_answer_nothing_more_is_sent(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home)
    delivery: Delivery = own.market.act(
        "market", lambda transaction: deliver(transaction, own.entitlement_id, 1, "0" * 64, "http")
    )
    assert _cause_of(own.market, delivery)() is None
    gone = replace(own.market, engine=engine_of(sqlite_url(tmp_path / "nowhere" / "market.sqlite")))
    assert _cause_of(gone, delivery)() == "unavailable"


def test_a_file_that_was_removed_meanwhile_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    answer = GuardedFile(tmp_path / "gone", 0, 10, 200, {}, lambda: None)
    with pytest.raises(Exception, match="ask for it again"):
        answer._opened()
