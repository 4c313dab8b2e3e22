"""A client of the market, for programs in Python:

    from market_api.client import Market

    with Market("http://127.0.0.1:3002", client_id, client_secret) as market:
        for component in market.search("mobility", max_price_fen=1_000_000):
            print(component.component, component.price_fen)
        market.buy("zone_hourly_mobility", purposes=["transport_planning"])
        market.pull("zone_hourly_mobility", Path("mobility.parquet"))

It takes tokens by itself and renews them, gives every change an Idempotency-Key and asks again with the same one where
an answer was lost, so that nothing is done twice, and resumes a pull where it broke off. `market.selling` is what
developers do beside it, `market.operating` what the operator does, `market.overseeing` what the regulator does,
`market.evaluating` what evaluators do; `apply` is how one begins, and `enrol` how one comes back without a secret.
"""

from market_api.client.connection import Connection
from market_api.client.errors import MarketError
from market_api.client.evaluating import Evaluating
from market_api.client.market import Market, apply, enrol
from market_api.client.operating import Operating
from market_api.client.overseeing import Overseeing
from market_api.client.replaying import replayed_awards
from market_api.client.sealed_bids import SealedBid
from market_api.client.selling import Selling
from market_api.client.values import (
    Account,
    Application,
    Auction,
    Component,
    CreditNote,
    Deposit,
    Dispute,
    Effect,
    EnrolmentCode,
    Entitlement,
    Entry,
    Evidence,
    Invoice,
    Listing,
    Negotiation,
    Notice,
    Offer,
    Order,
    Participant,
    Payout,
    Posting,
    Preview,
    Price,
    PriceStep,
    Purchase,
    Statement,
)
from market_api.trading.terms import Terms

__all__ = [
    "Account",
    "Application",
    "Auction",
    "Component",
    "Connection",
    "CreditNote",
    "Deposit",
    "Dispute",
    "Effect",
    "EnrolmentCode",
    "Entitlement",
    "Entry",
    "Evaluating",
    "Evidence",
    "Invoice",
    "Listing",
    "Market",
    "MarketError",
    "Negotiation",
    "Notice",
    "Offer",
    "Operating",
    "Order",
    "Overseeing",
    "Participant",
    "Payout",
    "Posting",
    "Preview",
    "Price",
    "PriceStep",
    "Purchase",
    "SealedBid",
    "Selling",
    "Statement",
    "Terms",
    "apply",
    "enrol",
    "replayed_awards",
]
