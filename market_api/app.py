"""The application: every feature's router within the frame that all requests go through."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from starlette.middleware import Middleware

from market_api.catalogue.front import KeptFront
from market_api.features import routers
from market_api.identity.external import check_issuer
from market_api.market import Market
from market_api.web import probes
from market_api.web.answers import install_answers
from market_api.web.body_limit import BodyLimit
from market_api.web.description import describe
from market_api.web.documentation import install_page
from market_api.web.frame import Frame
from market_api.web.metrics import MarketFigures, RequestFigures
from market_api.web.rate_limit import RateLimits
from market_api.web.routing import RouteIndex

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(market: Market, lifespan: Lifespan | None = None) -> FastAPI:
    """The market as an application, ready to be served. lifespan: what runs beside it.

    Raises JinkuError `market_issuer_open`, ValueError for a rate limit that cannot be read.
    """
    check_issuer(market.settings)
    figures = RequestFigures()
    figures.registry.register(MarketFigures(market))
    app = FastAPI(
        title="Jinku market",
        version="1",
        description="Price, trade and pull data components (数据元件).",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
        middleware=[
            Middleware(
                Frame,
                figures=figures,
                is_https=market.settings.public_url.startswith("https:"),
                random_bytes=market.random_bytes,
            ),
            Middleware(KeptFront, market=market),
            Middleware(BodyLimit, bytes_max=market.settings.body_bytes_max),
        ],
    )
    app.state.market = market
    app.state.figures = figures
    app.state.limits = RateLimits(market.settings.rate_limit)
    install_answers(app)
    for router in (probes.router, *routers()):
        app.router.routes.extend(router.routes)
    app.router.middleware_stack = RouteIndex(app.router)
    describe(app)
    install_page(app, market.settings.public_url)
    return app
