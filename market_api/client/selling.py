"""What developers do beside buying: list releases, change prices, retire, and put licences up for auction."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from market_api.client.connection import Connection
from market_api.client.values import Auction, Listing, value_of
from market_api.trading.terms import Terms

BY_CONTRIBUTION = "by_contribution"


class Selling:
    """The seller's side of the market. Every method raises MarketError where the market refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_release(
        self,
        release: str,
        terms: Terms,
        shares: Mapping[str, str] | None = None,
        price_fen: int | None = None,
        is_posted: bool = True,
        providers_share: str | None = None,
    ) -> Listing:
        """List a release of one's own component, such as 'zone_hourly_mobility@3'.

        terms: the widest licence; shares: of each participant, such as {'par_…': '7/10'}, in all 1; without them the
        providers' share is told, and each source's own follows from what it contributed; price_fen: without it P²;
        is_posted: else the price is on request.
        """
        body: dict[str, Any] = {
            "release": release,
            "terms": terms.document(),
            "price": "posted" if is_posted else "on_request",
            "shares": BY_CONTRIBUTION if shares is None else [[name, share] for name, share in shares.items()],
        }
        if price_fen is not None:
            body["price_fen"] = price_fen
        if providers_share is not None:
            body["providers_share"] = providers_share
        return value_of(Listing, self._connection.post("/v1/listings", body))

    def listings(self) -> Iterator[Listing]:
        """One's own listings, whatever their state."""
        return (value_of(Listing, each) for each in self._connection.pages("/v1/listings"))

    def reprice(self, listing_id: str, price_fen: int) -> Listing:
        """Post another price. It changes what is seen now: a change by somebody else in between refuses it."""
        address = f"/v1/listings/{listing_id}"
        _, etag = self._connection.get_tagged(address)
        return value_of(Listing, self._connection.post(f"{address}/price", {"price_fen": price_fen}, if_match=etag))

    def retire(self, listing_id: str, reason: str, last_day: str) -> Listing:
        """Take a listing off sale for good. last_day: until which it is delivered, such as '2027-06-30'."""
        body = {"reason": reason, "last_day": last_day}
        return value_of(Listing, self._connection.post(f"/v1/listings/{listing_id}/retire", body))

    def announce(
        self,
        listing_id: str,
        form: str,
        terms: Terms,
        increment_fen: int,
        opens_at: datetime,
        closes_at: datetime,
        reveals_until: datetime | None = None,
        licences: int | None = None,
    ) -> Auction:
        """Announce an auction of one's own listing; its reserve is P². form: 'english', 'sealed_first',
        'sealed_second', 'sealed_uniform' or 'rsop'; reveals_until: of sealed bids; licences: 1 without it."""
        body: dict[str, Any] = {
            "listing_id": listing_id,
            "format": form,
            "terms": terms.document(),
            "increment_fen": increment_fen,
            "opens_at": opens_at.isoformat(),
            "closes_at": closes_at.isoformat(),
        }
        if reveals_until is not None:
            body["reveals_until"] = reveals_until.isoformat()
        if licences is not None:
            body["licences"] = licences
        return value_of(Auction, self._connection.post("/v1/auctions", body))

    def take_back(self, auction_id: str) -> Auction:
        """Take one's own auction back before it opens."""
        return value_of(Auction, self._connection.post(f"/v1/auctions/{auction_id}/cancel"))
