"""Auctions over HTTP: announce, watch, bid, commit and reveal, and read the record of what was decided."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from market_api.auctions.announcing import LICENCES_MAX, Lot, announce, withdraw
from market_api.auctions.bidding import bid
from market_api.auctions.reading import auction_of, auctions_page, entry_of
from market_api.auctions.recording import record_page
from market_api.auctions.rules import Format
from market_api.auctions.sealing import commit, reveal
from market_api.callers import Caller, allowed
from market_api.fields import Identifier, Moment, PositiveFen, RequestModel
from market_api.market import Transaction
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.trading.requests import EXAMPLE, TermsRequest

router = APIRouter(tags=["auctions"])

HASH_EXAMPLE = "5f2b7c0e9a41d38e6b0c75d1f4a82e39c6d7b5a0e1f2c3d4b5a69788f0e1d2c3"
LOT_EXAMPLE: JsonDict = {
    "listing_id": "lst_019ac4d2b8000123456789abcdef",
    "format": "english",
    "terms": {**EXAMPLE, "exclusive_days": 90},
    "increment_fen": 10_000,
    "opens_at": "2026-12-07T01:00:00Z",
    "closes_at": "2026-12-10T09:00:00Z",
}

AuctionId = Annotated[Identifier, Path(examples=["auc_019ac4d2b8000123456789abcdef"])]
State = Literal["announced", "open", "last_call", "revealing", "closed", "cancelled"]


class LotRequest(RequestModel):
    """A lot and its rules, which nobody changes after this."""

    model_config = ConfigDict(json_schema_extra={"examples": [LOT_EXAMPLE]})

    listing_id: Identifier
    format: Format
    terms: TermsRequest
    increment_fen: PositiveFen
    opens_at: Moment
    closes_at: Moment
    reveals_until: Moment | None = None
    licences: Annotated[int, Field(ge=1, le=LICENCES_MAX)] | None = None


class BidRequest(RequestModel):
    """The most that you would pay; the house bids for you up to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit_fen": 8_000_000}]})

    limit_fen: PositiveFen


class CommitmentRequest(RequestModel):
    """SHA-256 of 'lot|bidder|amount|nonce': the auction's id, your pseudonym in it, fen, 32 hex digits or more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"commitment": HASH_EXAMPLE}]})

    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RevealRequest(RequestModel):
    """What you committed to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount_fen": 8_000_000, "nonce": "9f86d081884c7d659a2feaa0c55ad015"}]}
    )

    amount_fen: PositiveFen
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32,128}$")]


@router.post("/v1/auctions", status_code=201)
def announce_one(body: LotRequest, caller: Annotated[Caller, allowed("auction.create")]) -> Response:
    """Announce an auction of your own listing. Its reserve is the listing's guide price P²."""
    lot = Lot(
        body.listing_id,
        body.format,
        body.terms.terms(),
        body.increment_fen,
        body.opens_at,
        body.closes_at,
        body.reveals_until,
        body.licences,
    )

    def announced(transaction: Transaction) -> tuple[int, dict[str, object]]:
        return 201, dict(auction_of(transaction.connection, announce(transaction, caller.participant_id, lot)))

    return caller.act(body, announced)


@router.get("/v1/auctions")
def list_all(
    caller: Annotated[Caller, allowed("auction.read")],
    state: State | None = None,
    listing_id: Identifier | None = None,
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Response:
    """All auctions, the oldest first."""
    return JSONResponse(
        caller.market.read(lambda connection: auctions_page(connection, state, listing_id, page_token, page_size))
    )


@router.get("/v1/auctions/{auction_id}")
def read_one(auction_id: AuctionId, caller: Annotated[Caller, allowed("auction.read")]) -> Response:
    """An auction: its rules, its stage, the standing price of an English one, and the awards after the close."""
    return JSONResponse(caller.market.read(lambda connection: auction_of(connection, auction_id)))


@router.get("/v1/auctions/{auction_id}/entry")
def read_entry(auction_id: AuctionId, caller: Annotated[Caller, allowed("auction.bid")]) -> Response:
    """Your own part: the pseudonym that you commit with, your deposit, your bids, and the order that you won."""
    keys = caller.market.keys
    return JSONResponse(
        caller.market.read(lambda connection: entry_of(connection, keys, auction_id, caller.participant_id))
    )


@router.post("/v1/auctions/{auction_id}/bids", status_code=201)
def place_bid(auction_id: AuctionId, body: BidRequest, caller: Annotated[Caller, allowed("auction.bid")]) -> Response:
    """Bid in an English auction, also in its last call. A bid binds until another exceeds it."""
    return caller.act(
        body, lambda transaction: (201, bid(transaction, caller.participant_id, auction_id, body.limit_fen))
    )


@router.post("/v1/auctions/{auction_id}/commitments", status_code=201)
def hand_in(
    auction_id: AuctionId, body: CommitmentRequest, caller: Annotated[Caller, allowed("auction.bid")]
) -> Response:
    """Hand a sealed bid in. It binds, and whoever does not reveal it forfeits the deposit."""
    return caller.act(
        body, lambda transaction: (201, commit(transaction, caller.participant_id, auction_id, body.commitment))
    )


@router.post("/v1/auctions/{auction_id}/reveal")
def open_bid(auction_id: AuctionId, body: RevealRequest, caller: Annotated[Caller, allowed("auction.bid")]) -> Response:
    """Reveal your sealed bid once the bidding has ended."""
    return caller.act(
        body,
        lambda transaction: (
            200,
            reveal(transaction, caller.participant_id, auction_id, body.amount_fen, body.nonce),
        ),
    )


@router.post("/v1/auctions/{auction_id}/cancel")
def take_back(auction_id: AuctionId, caller: Annotated[Caller, allowed("auction.create")]) -> Response:
    """Take your own auction back before it opens. From then on it binds."""

    def withdrawn(transaction: Transaction) -> tuple[int, dict[str, object]]:
        withdraw(transaction, caller.participant_id, auction_id)
        return 200, dict(auction_of(transaction.connection, auction_id))

    return caller.act(None, withdrawn)


@router.get("/v1/auctions/{auction_id}/record")
def read_record(
    auction_id: AuctionId,
    caller: Annotated[Caller, allowed("auction.read")],
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Response:
    """After the close: rules, bids, reveals and seed, from which anybody can replay the outcome."""
    return JSONResponse(
        caller.market.read(lambda connection: record_page(connection, auction_id, page_token, page_size))
    )
