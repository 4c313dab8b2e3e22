"""The market as a server: uvicorn with limits for slow and many clients, housekeeping beside it, a graceful stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from market_api.app import application
from market_api.housekeeping import housekeeping
from market_api.market import Market
from market_api.web.connections import BoundedProtocol
from market_api.web.log_lines import write_json_lines
from vault.home import MARKET_PORT

LOOPBACK = "127.0.0.1"
CONNECTIONS_MAX = 1_000
KEEP_ALIVE_SECONDS = 5
STOP_SECONDS = 30
"""At a stop, requests under way have so long to end."""


def serve(market: Market, host: str = LOOPBACK, port: int = MARKET_PORT) -> None:
    """Serve the market until the process is told to stop; whoever reaches it from outside does so by a proxy.

    Raises what `application` raises, and SystemExit where the address cannot be used.
    """
    write_json_lines()
    server_of(market, host, port).run()


def server_of(market: Market, host: str, port: int) -> uvicorn.Server:
    """A server that is not running yet."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with housekeeping(market):
            yield

    return uvicorn.Server(
        uvicorn.Config(
            application(market, lifespan),
            host=host,
            port=port,
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
