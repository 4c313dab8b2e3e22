"""Applications with addresses of a test's own, and a server that runs for real."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, FastAPI

from market_api.app import application
from market_api.market import Market
from market_api.server import server_of

START_SECONDS = 20


def with_router(market: Market, *routers: APIRouter) -> FastAPI:
    """The market's application and more addresses."""
    app = application(market)
    for router in routers:
        app.include_router(router)
    return app


@contextmanager
def running(market: Market, prepare: Callable[[FastAPI], None] = lambda _: None) -> Iterator[int]:
    """The market's server in a thread; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = server_of(market, "127.0.0.1", port)
    prepare(server.config.app)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until
        time.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        assert not thread.is_alive()
