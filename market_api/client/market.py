"""The market as a participant sees it: find, price, agree, pay, pull, and look at one's own accounts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from market_api.client.connection import ATTEMPTS_MAX, Connection
from market_api.client.evaluating import Evaluating
from market_api.client.operating import Operating
from market_api.client.overseeing import Overseeing
from market_api.client.pulling import pull_into
from market_api.client.sealed_bids import SealedBid, kept_bid, read_bid
from market_api.client.selling import Selling
from market_api.client.values import (
    Account,
    Application,
    Auction,
    Component,
    CreditNote,
    Dispute,
    Entitlement,
    Entry,
    Evidence,
    Invoice,
    Negotiation,
    Notice,
    Order,
    Payout,
    Preview,
    Price,
    Purchase,
    Statement,
    terms_for,
    value_of,
)
from vault.durable import write_private

TIMEOUT_SECONDS = 60.0

Form = Literal["parquet", "arrow", "csv", "ndjson"]


def apply(
    url: str,
    role: str,
    registered_name: str,
    taxpayer: str = "general",
    owner_registration: str | None = None,
    http: httpx.Client | None = None,
) -> Application:
    """Apply to take part in the market at an address; the secret that it gives is good once one is admitted.

    role: 'app_developer', 'developer', 'provider' or 'evaluator'; taxpayer: 'general', 'small_scale' or 'none';
    owner_registration: the registration id of the beneficial owner. Raises MarketError and httpx.TransportError.
    """
    body = {"role": role, "registered_name": registered_name, "taxpayer": taxpayer}
    if owner_registration is not None:
        body["owner_registration"] = owner_registration
    with http or httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        return value_of(Application, Connection(client, None).post("/v1/applications", body))


def enrol(url: str, client_id: str, code: str, http: httpx.Client | None = None) -> Application:
    """Make a client secret by an enrolment code that the operator has handed over, once; all older secrets and tokens
    end.

    Raises MarketError and httpx.TransportError.
    """
    body = {"client_id": client_id, "enrolment_code": code}
    with http or httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        return value_of(Application, Connection(client, None).post("/v1/enrolments", body))


class Market:
    """The market at an address, as one participant. Every method raises MarketError where the market refuses, and
    httpx.TransportError where it cannot be reached.

    key, where a method takes one: the Idempotency-Key of a program that may ask again after it was stopped; a new one
    each time without it. attempts_max: how often a request is sent while the market is busy or cannot be reached.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts_max: int = ATTEMPTS_MAX,
        http: httpx.Client | None = None,
    ) -> None:
        client = http or httpx.Client(base_url=url, timeout=timeout_seconds)
        self.connection = Connection(client, (client_id, client_secret), attempts_max)
        self.selling = Selling(self.connection)
        self.operating = Operating(self.connection)
        self.overseeing = Overseeing(self.connection)
        self.evaluating = Evaluating(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self.connection.close()

    # the catalogue

    def search(self, text: str = "", **filters: Any) -> Iterator[Component]:
        """What is listed, page after page. text: words, each by its beginning; filters: field, regime, max_price_fen,
        column, concept, updated_since, order."""
        pages = self.connection.pages("/v1/components", q=text or None, **filters)
        return (value_of(Component, each) for each in pages)

    def component(self, name: str, release: int | None = None) -> Component:
        """A component as it is listed now, or one of its releases."""
        return value_of(Component, self.connection.get(f"/v1/components/{name}", release=release))

    def versions(self, name: str) -> Iterator[Mapping[str, Any]]:
        """The releases of a component that were listed, the newest first, each with what it changed."""
        return self.connection.pages(f"/v1/components/{name}/versions")

    def price(self, name: str, price_fen: int | None = None) -> Price:
        """Why a component costs what it costs, and who gets what of a sale. price_fen: a price to be taken apart."""
        return value_of(Price, self.connection.get(f"/v1/components/{name}/price", price_fen=price_fen))

    def preview(self, name: str) -> Preview:
        """Its columns, what was measured, and synthetic rows."""
        return value_of(Preview, self.connection.get(f"/v1/components/{name}/preview"))

    def datasheet(self, name: str, release: int | None = None) -> Mapping[str, Any]:
        """The signed datasheet (元件规格书)."""
        return self.connection.get(f"/v1/components/{name}/datasheet", release=release)

    # orders

    def buy(
        self,
        component: str,
        purposes: Sequence[str],
        price_fen: int | None = None,
        key: str = "",
        **terms: Any,
    ) -> Purchase:
        """Buy at the posted price and pay at once. price_fen: what one has seen; without it, what is posted now.

        terms: users, term_days, pulls, updates, where they differ from the usual; within what the listing offers.
        """
        listed = self.component(component)
        body = {
            "listing_id": listed.listing_id,
            "terms": terms_for(purposes, **terms).document(),
            "price_fen": listed.price_fen if price_fen is None else price_fen,
        }
        return value_of(Purchase, self.connection.post("/v1/orders", body, key))

    def orders(self, state: str | None = None) -> Iterator[Order]:
        """What one bought and sold, the oldest first."""
        return (value_of(Order, each) for each in self.connection.pages("/v1/orders", state=state))

    def order(self, order_id: str) -> Order:
        """One of one's own orders."""
        return value_of(Order, self.connection.get(f"/v1/orders/{order_id}"))

    def order_entries(self, order_id: str) -> Iterator[Mapping[str, Any]]:
        """The black box's entries about one of one's own orders, the first first, each with its proof; whom a sale is
        shared with is withheld from its buyer."""
        return self.connection.pages(f"/v1/orders/{order_id}/log")

    def pay(self, order_id: str, key: str = "") -> Purchase:
        """Pay an order that was negotiated or won."""
        return value_of(Purchase, self.connection.post(f"/v1/orders/{order_id}/pay", key=key))

    def cancel(self, order_id: str) -> Order:
        """Leave an order that was negotiated and is not paid."""
        self.connection.post(f"/v1/orders/{order_id}/cancel")
        return self.order(order_id)

    # negotiations (议价)

    def negotiate(self, component: str, purposes: Sequence[str], **terms: Any) -> Negotiation:
        """Open a negotiation. terms: as in `buy`, and exclusive_days for a window of one's own."""
        body = {
            "listing_id": self.component(component).listing_id,
            "terms": terms_for(purposes, **terms).document(),
        }
        return value_of(Negotiation, self.connection.post("/v1/negotiations", body))

    def negotiations(self) -> Iterator[Negotiation]:
        """Those in which one is a party, without their offers."""
        return (value_of(Negotiation, each) for each in self.connection.pages("/v1/negotiations"))

    def negotiation(self, negotiation_id: str) -> Negotiation:
        """One of one's own, with its offers."""
        return value_of(Negotiation, self.connection.get(f"/v1/negotiations/{negotiation_id}"))

    def offer(self, of: Negotiation, price_fen: int, waiver_id: str | None = None, key: str = "") -> Negotiation:
        """Offer a price in one's turn; one that meets the other's is an agreement at the other's price."""
        body = {"price_fen": price_fen, "terms_hash": of.terms_hash}
        if waiver_id is not None:
            body["waiver_id"] = waiver_id
        return self._moved(of, "offers", body, key)

    def accept(self, of: Negotiation, price_fen: int, key: str = "") -> Negotiation:
        """Accept what the other party offers. price_fen: that offer, as one has seen it."""
        return self._moved(of, "accept", {"price_fen": price_fen, "terms_hash": of.terms_hash}, key)

    def reject(self, of: Negotiation) -> Negotiation:
        """Refuse the other's offer, which ends the negotiation."""
        return self._moved(of, "reject")

    def withdraw(self, of: Negotiation) -> Negotiation:
        """Leave the negotiation, which ends it."""
        return self._moved(of, "withdraw")

    def _moved(self, of: Negotiation, step: str, body: Mapping[str, Any] | None = None, key: str = "") -> Negotiation:
        return value_of(Negotiation, self.connection.post(f"/v1/negotiations/{of.negotiation_id}/{step}", body, key))

    # auctions (竞价)

    def auctions(self, state: str | None = None) -> Iterator[Auction]:
        """All auctions, or those of a state, such as 'open'."""
        return (value_of(Auction, each) for each in self.connection.pages("/v1/auctions", state=state))

    def auction(self, auction_id: str) -> Auction:
        """An auction: its rules, its stage, and its awards after the close."""
        return value_of(Auction, self.connection.get(f"/v1/auctions/{auction_id}"))

    def entry(self, auction_id: str) -> Entry:
        """One's own part in an auction."""
        return value_of(Entry, self.connection.get(f"/v1/auctions/{auction_id}/entry"))

    def bid(self, auction_id: str, limit_fen: int, key: str = "") -> Entry:
        """Bid in an English auction: the house bids for one, up to the limit."""
        self.connection.post(f"/v1/auctions/{auction_id}/bids", {"limit_fen": limit_fen}, key)
        return self.entry(auction_id)

    def commit(self, auction_id: str, amount_fen: int, path: Path) -> SealedBid:
        """Hand a sealed bid in; the file at `path` keeps what `reveal` needs. Asked again with the same file it is the
        same bid. Raises ValueError where the file keeps another one."""
        bid = kept_bid(path, auction_id, self.entry(auction_id).bidder, amount_fen)
        body = {"commitment": bid.commitment}
        self.connection.post(f"/v1/auctions/{auction_id}/commitments", body, bid.commitment)
        return bid

    def reveal(self, path: Path) -> Entry:
        """Reveal the sealed bid that a file keeps, once the bidding has ended."""
        bid = read_bid(path)
        body = {"amount_fen": bid.amount_fen, "nonce": bid.nonce}
        self.connection.post(f"/v1/auctions/{bid.auction_id}/reveal", body)
        return self.entry(bid.auction_id)

    def record(self, auction_id: str) -> Mapping[str, Any]:
        """After the close: rules, seed and all bids, from which anybody can replay the outcome."""
        address = f"/v1/auctions/{auction_id}/record"
        return {**self.connection.get(address), "items": list(self.connection.pages(address))}

    # data

    def entitlements(self) -> Iterator[Entitlement]:
        """What one may pull."""
        return (value_of(Entitlement, each) for each in self.connection.pages("/v1/account/entitlements"))

    def entitlement(self, entitlement_id: str) -> Entitlement:
        """One of one's own; its document has the releases that it includes and the last pulls."""
        return value_of(Entitlement, self.connection.get(f"/v1/entitlements/{entitlement_id}"))

    def pull(self, component: str, path: Path, form: Form = "parquet", release: int | None = None) -> Path:
        """Pull the data of a component into a file, which is there whole or not at all; gives its path.

        It resumes where the connection broke off. Raises what the others do, and OSError.
        """
        query = {"format": form, "release": release}
        return pull_into(self.connection, f"/v1/components/{component}/data", query, path)

    def profile(self, path: Path, ttl_days: int = 90) -> Path:
        """Write a profile for Delta Sharing clients, with a pull token of its own, that its owner alone can read."""
        document = self.connection.post("/v1/account/pull-credentials", {"ttl_days": ttl_days})
        write_private(path, json.dumps(document, indent=1).encode())
        return path

    # accounts

    def account(self) -> Account:
        """One door, two accounts (一口两户): who one is, one's funds and one's data."""
        return value_of(Account, self.connection.get("/v1/account"))

    def statement(self, begins: str | None = None, ends: str | None = None) -> Statement:
        """Every posting on one's accounts in a period (ISO 8601, with a zone), until now without its end."""
        query = {"from": begins, "to": ends}
        first = self.connection.get("/v1/account/statement", **query)
        entries = list(self.connection.pages("/v1/account/statement", **query))
        return value_of(Statement, {**first, "entries": entries})

    def invoices(self) -> Iterator[Invoice]:
        """The invoices of one's purchases and sales."""
        return (value_of(Invoice, each) for each in self.connection.pages("/v1/account/invoices"))

    def invoice(self, order_id: str) -> Invoice:
        """The invoice of an order, which is issued seconds after its payment."""
        return value_of(Invoice, self.connection.get(f"/v1/account/invoices/{order_id}"))

    def credit_notes(self) -> Iterator[CreditNote]:
        """What was given back of one's purchases and sales (贷记单)."""
        return (value_of(CreditNote, each) for each in self.connection.pages("/v1/account/credit-notes"))

    def credit_note(self, order_id: str) -> CreditNote:
        """The credit note of an order, which is issued seconds after the decision."""
        return value_of(CreditNote, self.connection.get(f"/v1/account/credit-notes/{order_id}"))

    def notices(self) -> Iterator[Notice]:
        """What one was told of components, the newest first."""
        return (value_of(Notice, each) for each in self.connection.pages("/v1/account/notices"))

    def request_payout(self, amount_fen: int, key: str = "") -> Payout:
        """Ask for funds to be paid out; they are set aside until the operator has decided."""
        return value_of(Payout, self.connection.post("/v1/account/payouts", {"amount_fen": amount_fen}, key))

    def payouts(self, state: str | None = None) -> Iterator[Payout]:
        """One's own payouts, or those in a state, such as 'requested'."""
        return (value_of(Payout, each) for each in self.connection.pages("/v1/account/payouts", state=state))

    def cancel_payout(self, payout_id: str) -> Payout:
        """Take a request for a payout back."""
        return value_of(Payout, self.connection.post(f"/v1/account/payouts/{payout_id}/cancel"))

    def new_secret(self, scopes: Sequence[str] | None = None) -> str:
        """Another client secret, told once; then `revoke` the one that it takes over from."""
        body = {} if scopes is None else {"scopes": list(scopes)}
        return str(self.connection.post("/v1/account/credentials", body)["client_secret"])

    def credentials(self) -> Iterator[Mapping[str, Any]]:
        """One's credentials, without their secrets."""
        return self.connection.pages("/v1/account/credentials")

    def revoke(self, credential_id: str) -> Mapping[str, Any]:
        """End a credential at once."""
        return self.connection.post(f"/v1/account/credentials/{credential_id}/revoke")

    # disputes

    def dispute(
        self, order_id: str, ground: str, statement: str, evidence: Sequence[Mapping[str, Any]] = ()
    ) -> Dispute:
        """Contest an order, within its term. ground: 'not_delivered', 'not_as_described', 'quality', 'terms' or
        'other'; evidence: references to entries of the black box or fields of the datasheet."""
        body = {"order_id": order_id, "ground": ground, "statement": statement, "evidence": list(evidence)}
        return self.dispute_of(str(self.connection.post("/v1/disputes", body)["dispute_id"]))

    def dispute_of(self, dispute_id: str) -> Dispute:
        """One of one's own disputes, with what was said."""
        return value_of(Dispute, self.connection.get(f"/v1/disputes/{dispute_id}"))

    def disputes(self, state: str | None = None) -> Iterator[Dispute]:
        """The disputes about what one bought or sold."""
        return (value_of(Dispute, each) for each in self.connection.pages("/v1/disputes", state=state))

    def dispute_entries(self, dispute_id: str) -> Iterator[Evidence]:
        """The entries of the black box about the sale, to be referred to as evidence."""
        return (value_of(Evidence, each) for each in self.connection.pages(f"/v1/disputes/{dispute_id}/entries"))

    def say(self, dispute_id: str, statement: str, evidence: Sequence[Mapping[str, Any]] = ()) -> Dispute:
        """Say something to one's open dispute."""
        body = {"statement": statement, "evidence": list(evidence)}
        self.connection.post(f"/v1/disputes/{dispute_id}/statements", body)
        return self.dispute_of(dispute_id)

    def withdraw_dispute(self, dispute_id: str) -> Dispute:
        """Withdraw one's dispute: the sale stands."""
        self.connection.post(f"/v1/disputes/{dispute_id}/withdraw")
        return self.dispute_of(dispute_id)
