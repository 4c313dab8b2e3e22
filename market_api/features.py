"""All features: whoever adds one names its router here, and the modules of its tables."""

from collections.abc import Sequence
from importlib import import_module

from fastapi import APIRouter

ROUTERS: tuple[str, ...] = ()
"""Modules that hold a `router`."""

TABLES = (
    "market_api.idempotency",
    "market_api.log",
    "market_api.ledger.tables",
)
"""Modules that declare tables."""

GUARDED = ("ledger_transactions", "postings")
"""Tables whose rows are never changed."""


def routers() -> Sequence[APIRouter]:
    """The routers of all features."""
    return [import_module(name).router for name in ROUTERS]
