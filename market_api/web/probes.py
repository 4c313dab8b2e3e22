"""Whether the process lives, whether it can serve, and its figures: for whoever runs the market, without a token."""

import ipaddress
import os

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from market_api.callers import market_of
from market_api.keys import FILE_NAME
from market_api.market import Market
from market_api.problems import Problem
from market_api.web.metrics import RequestFigures
from market_api.web.rate_limit import address_of
from vault.errors import JinkuError

FORWARDED = ("forwarded", "x-forwarded-for")

router = APIRouter(tags=["running"])


@router.get("/health")
async def health() -> Response:
    """The process lives. It is said without a thread, for all of them may be waiting for a database that hangs."""
    return JSONResponse({"is_alive": True})


@router.get("/ready")
def ready(request: Request) -> Response:
    """All that the market needs is there: its database, the folder of releases, its keys and those that it trusts.

    Else 503, which names what is missing.
    """
    checks = checks_of(market_of(request))
    if missing := [name for name, is_there in checks.items() if not is_there]:
        raise Problem("unavailable", f"The market cannot serve: {', '.join(missing)} cannot be used.", checks=checks)
    return JSONResponse({"is_ready": True, "checks": checks})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """The figures for Prometheus; to clients on the same machine alone, unless the setting opens them."""
    if not market_of(request).settings.metrics_open and not _is_near(request):
        raise Problem("not_found", "The market has no such address for you.")
    figures: RequestFigures = request.app.state.figures
    return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)


def checks_of(market: Market) -> dict[str, bool]:
    """What the market needs, and whether it is there."""
    settings = market.settings
    return {
        "database": _answers(market),
        "releases": settings.releases.is_dir() and os.access(settings.releases, os.R_OK | os.X_OK),
        "keys": (settings.folder / "keys" / FILE_NAME).is_file(),
        "trust": _trusts_some(market),
    }


def _answers(market: Market) -> bool:
    try:
        return bool(market.read(lambda connection: connection.execute(sa.text("select 1")).scalar_one() == 1))
    except (Problem, sa.exc.SQLAlchemyError):
        return False


def _trusts_some(market: Market) -> bool:
    try:
        return bool(market.trusted_keys)
    except (JinkuError, OSError):
        return False


def _is_near(request: Request) -> bool:
    """Whether the client is on this machine, and no proxy on it speaks for another."""
    try:
        is_loopback = ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FORWARDED)
