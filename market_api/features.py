"""All features: whoever adds one names its router here, and the modules of its tables."""

from collections.abc import Sequence
from importlib import import_module

from fastapi import APIRouter

ROUTERS: tuple[str, ...] = (
    "market_api.identity.oauth",
    "market_api.identity.router",
    "market_api.accounts.router",
    "market_api.catalogue.router",
    "market_api.catalogue.listing_router",
    "market_api.trading.router",
    "market_api.entitlements.router",
    "market_api.delivery.router",
    "market_api.sharing.router",
    "market_api.negotiations.router",
    "market_api.auctions.router",
    "market_api.disputes.router",
    "market_api.oversight.router",
)
"""Modules that hold a `router`."""

TABLES = (
    "market_api.idempotency",
    "market_api.log",
    "market_api.ledger.tables",
    "market_api.identity.tables",
    "market_api.accounts.tables",
    "market_api.catalogue.tables",
    "market_api.trading.tables",
    "market_api.entitlements.tables",
    "market_api.negotiations.tables",
    "market_api.auctions.tables",
    "market_api.disputes.tables",
    "market_api.oversight.tables",
)
"""Modules that declare tables."""

GUARDED = (
    "ledger_transactions",
    "postings",
    "deposits",
    "deposit_reversals",
    "invoices",
    "credit_notes",
    "notices",
    "notice_recipients",
    "negotiation_offers",
    "price_waivers",
    "auction_bidders",
    "auction_bids",
    "auction_reveals",
    "dispute_statements",
    "permitted_revenues",
    "beta_overrides",
    "trade_exports",
    "deliveries",
)
"""Tables whose rows are never changed."""


def routers() -> Sequence[APIRouter]:
    """The routers of all features."""
    return [import_module(name).router for name in ROUTERS]
