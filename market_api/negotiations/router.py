"""Negotiations over HTTP: open, offer, accept, reject, withdraw, and the regulator's waivers."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field

from market_api.callers import Caller, allowed
from market_api.fields import Identifier, PositiveFen, Reason, RequestModel
from market_api.market import Transaction
from market_api.negotiations.acting import accept, offer, open_negotiation, reject, withdraw
from market_api.negotiations.reading import negotiation_of, negotiations_page
from market_api.negotiations.waivers import grant_waiver
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.trading.requests import EXAMPLE, TermsRequest

router = APIRouter(tags=["negotiations"])

WAIVER_HOURS_MAX = 720
HASH_EXAMPLE = "5f2b7c0e9a41d38e6b0c75d1f4a82e39c6d7b5a0e1f2c3d4b5a69788f0e1d2c3"

NegotiationId = Annotated[Identifier, Path(examples=["neg_019ac4d2b8000123456789abcdef"])]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the terms, as the negotiation states it")]


class OpenRequest(RequestModel):
    """What is to be negotiated: a listing, and the terms asked for, which may hold an exclusive window."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"listing_id": "lst_019ac4d2b8000123456789abcdef", "terms": EXAMPLE}]}
    )

    listing_id: Identifier
    terms: TermsRequest


class PriceRequest(RequestModel):
    """A price under the terms of the negotiation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_fen": 7_000_000, "terms_hash": HASH_EXAMPLE}]})

    price_fen: PositiveFen
    terms_hash: Hash


class OfferRequest(PriceRequest):
    """An offer. waiver_id: of the regulator, where the price lies outside the band."""

    waiver_id: Identifier | None = None


class WaiverRequest(RequestModel):
    """Which price may be offered once outside the band, until when, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lowest_fen": 5_000_000,
                    "highest_fen": 6_000_000,
                    "valid_hours": 72,
                    "reason": "Trial in the public interest",
                }
            ]
        }
    )

    lowest_fen: PositiveFen
    highest_fen: PositiveFen
    valid_hours: Annotated[int, Field(ge=1, le=WAIVER_HOURS_MAX)]
    reason: Reason


@router.post("/v1/negotiations", status_code=201)
def open_one(body: OpenRequest, caller: Annotated[Caller, allowed("negotiation.open")]) -> Response:
    """Open a negotiation about a listing. Either party may make the first offer."""
    terms = body.terms.terms()

    def opened(transaction: Transaction) -> str:
        return open_negotiation(transaction, caller.participant_id, body.listing_id, terms)

    return caller.act(body, lambda transaction: (201, _seen(transaction, caller, opened(transaction))))


@router.get("/v1/negotiations")
def list_own(
    caller: Annotated[Caller, allowed("negotiation.answer")],
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Response:
    """The negotiations in which you are a party, the oldest first."""
    at = caller.market.clock()
    return JSONResponse(
        caller.market.read(
            lambda connection: negotiations_page(connection, caller.participant_id, at, page_token, page_size)
        )
    )


@router.get("/v1/negotiations/{negotiation_id}")
def read_one(negotiation_id: NegotiationId, caller: Annotated[Caller, allowed("negotiation.answer")]) -> Response:
    """One of your negotiations with its band, offers and waivers."""
    at = caller.market.clock()
    return JSONResponse(
        caller.market.read(lambda connection: negotiation_of(connection, caller.participant_id, negotiation_id, at))
    )


@router.post("/v1/negotiations/{negotiation_id}/offers", status_code=201)
def make_offer(
    negotiation_id: NegotiationId, body: OfferRequest, caller: Annotated[Caller, allowed("negotiation.answer")]
) -> Response:
    """Offer a price in your turn. One that meets or crosses the other's is an agreement at the other's price."""

    def made(transaction: Transaction) -> tuple[int, dict[str, object]]:
        offer(transaction, caller.participant_id, negotiation_id, body.price_fen, body.terms_hash, body.waiver_id)
        return 201, _seen(transaction, caller, negotiation_id)

    return caller.act(body, made)


@router.post("/v1/negotiations/{negotiation_id}/accept")
def accept_offer(
    negotiation_id: NegotiationId, body: PriceRequest, caller: Annotated[Caller, allowed("negotiation.answer")]
) -> Response:
    """Accept the price that the other party offers. The order it makes is then paid by the buyer."""

    def agreed(transaction: Transaction) -> tuple[int, dict[str, object]]:
        accept(transaction, caller.participant_id, negotiation_id, body.price_fen, body.terms_hash)
        return 200, _seen(transaction, caller, negotiation_id)

    return caller.act(body, agreed)


@router.post("/v1/negotiations/{negotiation_id}/reject")
def reject_offer(negotiation_id: NegotiationId, caller: Annotated[Caller, allowed("negotiation.answer")]) -> Response:
    """Refuse the other party's offer, which ends the negotiation."""

    def ended(transaction: Transaction) -> tuple[int, dict[str, object]]:
        reject(transaction, caller.participant_id, negotiation_id)
        return 200, _seen(transaction, caller, negotiation_id)

    return caller.act(None, ended)


@router.post("/v1/negotiations/{negotiation_id}/withdraw")
def leave(negotiation_id: NegotiationId, caller: Annotated[Caller, allowed("negotiation.answer")]) -> Response:
    """Leave the negotiation, which ends it."""

    def ended(transaction: Transaction) -> tuple[int, dict[str, object]]:
        withdraw(transaction, caller.participant_id, negotiation_id)
        return 200, _seen(transaction, caller, negotiation_id)

    return caller.act(None, ended)


@router.post("/v1/negotiations/{negotiation_id}/waivers", status_code=201)
def waive(
    negotiation_id: NegotiationId, body: WaiverRequest, caller: Annotated[Caller, allowed("negotiation.waive")]
) -> Response:
    """Allow one offer outside the band. For the regulator."""
    return caller.act(
        body,
        lambda transaction: (
            201,
            grant_waiver(
                transaction,
                caller.participant_id,
                negotiation_id,
                body.lowest_fen,
                body.highest_fen,
                timedelta(hours=body.valid_hours),
                body.reason,
            ),
        ),
    )


def _seen(transaction: Transaction, caller: Caller, negotiation_id: str) -> dict[str, object]:
    return dict(negotiation_of(transaction.connection, caller.participant_id, negotiation_id, transaction.at))
