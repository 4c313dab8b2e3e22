"""The server as it runs: slow clients, a stop that lets requests end, and what is done beside it."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from market_api import housekeeping
from market_api.idempotency import KEPT_DAYS, requests
from market_api.market import Market
from market_api.web import body_limit, connections
from tests.market_api.builders import SetClock, a_market, a_participant, served
from tests.market_api.web.addresses import running

ENOUGH_SECONDS = 60


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return a_market(tmp_path)


def closed_after(port: int, sent: bytes) -> tuple[bytes, float]:
    """What a connection answers to that before it is closed, and after how many seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=ENOUGH_SECONDS) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer, time.monotonic() - began


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_head_that_does_not_come_is_not_waited_for(
    market: Market, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with running(market) as port:
        answer, seconds = closed_after(port, sent)
        assert answer == b"" and 0.1 < seconds < ENOUGH_SECONDS
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_a_head_that_comes_in_drops_is_not_waited_for(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with running(market) as port, socket.create_connection(("127.0.0.1", port), timeout=ENOUGH_SECONDS) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        until = time.monotonic() + ENOUGH_SECONDS
        with suppress(ConnectionError):  # once the server has closed, sending to it fails
            while time.monotonic() < until:
                connection.sendall(b"X-Drop: 1\r\n")
                time.sleep(0.05)
        assert time.monotonic() < until


def test_a_head_without_end_is_cut_off(market: Market) -> None:
    with running(market) as port:
        for sent in (b"GET /" + b"x" * 60_000, b"GET / HTTP/1.1\r\n" + b"X-More: " + b"y" * 60_000 + b"\r\n\r\n"):
            answer, _ = closed_after(port, sent)
            assert b"200" not in answer[:20]


def test_a_body_that_comes_too_slowly_is_refused(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit.BodyLimit.__init__, "__defaults__", (0.2,))
    head = b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{"
    with running(market) as port:
        answer, _ = closed_after(port, head)
    assert answer.startswith(b"HTTP/1.1 408") and b'"too_slow"' in answer


def test_a_client_that_does_not_read_is_not_waited_for(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.3)
    ended = threading.Event()

    async def long(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(2_000):
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        finally:
            ended.set()

    def prepare(app: FastAPI) -> None:
        app.mount("/long", long)

    with running(market, prepare) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /long/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(ENOUGH_SECONDS)
        assert 0 < bytes_until_the_end(connection) < 2_000 * 65_536


def bytes_until_the_end(connection: socket.socket) -> int:
    """How much comes before the connection ends."""
    connection.settimeout(ENOUGH_SECONDS)
    size_bytes = 0
    with suppress(ConnectionError):
        while part := connection.recv(1 << 20):
            size_bytes += len(part)
    return size_bytes


def test_a_connection_is_kept_for_the_next_request(market: Market) -> None:
    with running(market) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(20):
            assert client.get("/health").status_code == 200
        answer = client.get("/health")
        assert "server" not in answer.headers


def test_a_stop_lets_requests_end_and_signs_the_black_box(market: Market) -> None:
    entered, leave = threading.Event(), threading.Event()
    router = APIRouter()

    @router.get("/slow")
    def slow() -> dict[str, bool]:
        entered.set()
        leave.wait(ENOUGH_SECONDS)
        return {"is_done": True}

    def prepare(app: FastAPI) -> None:
        app.include_router(router)

    answers: list[httpx.Response] = []
    with running(market, prepare) as port:
        a_participant(market)
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/slow", timeout=ENOUGH_SECONDS))
        )
        asking.start()
        assert entered.wait(ENOUGH_SECONDS)
        threading.Timer(0.3, leave.set).start()
    asking.join(ENOUGH_SECONDS)
    assert answers[0].json() == {"is_done": True}
    found = market.verify()
    assert found.is_whole and found.checkpoint is not None and found.checkpoint.size == found.entries > 0


def test_the_black_box_is_signed_while_the_market_is_served(market: Market) -> None:
    with housekeeping.housekeeping(market, every_seconds=0.02):
        a_participant(market)
        until = time.monotonic() + ENOUGH_SECONDS
        while not (market.settings.witness / "checkpoints.jsonl").exists():
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_task_that_fails_does_not_keep_the_others_from_running(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def fails(_: Market) -> None:
        raise ValueError("13800138000")

    def works(_: Market) -> None:
        done.append(True)

    housekeeping.run_once(market, [fails, works])
    assert done == [True]
    (record,) = [each for each in caplog.records if each.getMessage() == "task failed"]
    assert record.task == "fails"  # type: ignore[attr-defined]


def test_tasks_run_again_and_again_until_the_stop(market: Market) -> None:
    times: list[float] = []
    with housekeeping.housekeeping(market, 0.01, [lambda _: times.append(time.monotonic())]) as thread:
        until = time.monotonic() + ENOUGH_SECONDS
        while len(times) < 3:
            assert time.monotonic() < until
            time.sleep(0.005)
    assert not thread.is_alive()


def test_answers_that_are_too_old_are_forgotten_and_no_others(tmp_path: Path) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock)
    client, counted = served(market), sa.select(sa.func.count()).select_from(requests)
    operator = a_participant(market, "operator")
    body = {"role": "regulator", "registered_name": "Data Bureau"}
    assert client.post("/v1/participants", json=body, headers=operator.changing).status_code == 201
    clock.at += timedelta(days=KEPT_DAYS)
    housekeeping.forget_requests(market)
    assert market.read(lambda connection: connection.execute(counted).scalar_one()) == 1
    clock.at += timedelta(seconds=1)
    housekeeping.forget_requests(market)
    assert market.read(lambda connection: connection.execute(counted).scalar_one()) == 0
