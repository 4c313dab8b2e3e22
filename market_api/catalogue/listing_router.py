"""Listings over HTTP: list a release, change its price, retire it; freeze it and let it go on; what one was told."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from market_api.callers import Caller, allowed
from market_api.catalogue.answers import answered, json_content
from market_api.catalogue.changing import change_price, freeze, release, retire
from market_api.catalogue.listing import examined, list_release
from market_api.catalogue.notices import notices_page
from market_api.catalogue.reading import listing_document, own_listing, own_listings_page
from market_api.catalogue.requests import Decision, ListRequest, PriceChange, Retirement
from market_api.fields import Identifier
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.problems import Problem
from market_api.web.etags import require_match, tagged

router = APIRouter(tags=["listings"])

ListingId = Annotated[Identifier, Path(examples=["lst_019ac4d2b8000123456789abcdef"])]
PageToken = Annotated[str, Query(alias="pageToken", max_length=200)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]


@router.post("/v1/listings", status_code=201)
def create_listing(body: ListRequest, caller: Annotated[Caller, allowed("listing.create")]) -> Response:
    """List a release of your own component, where its signed datasheet, its files and its rights all stand up.

    A later release of a listed component takes the place of the earlier one, and its holders are told what changed.
    """
    seller_id, offer = caller.participant_id, body.offer()
    found = examined(caller.market, seller_id, offer.release)
    return caller.act(body, lambda transaction: (201, list_release(transaction, seller_id, offer, found)))


@router.get("/v1/listings")
def list_listings(
    caller: Annotated[Caller, allowed("listing.read")], page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> Response:
    """Your own listings, whatever their state, the oldest first."""
    document = caller.market.read(
        lambda connection: own_listings_page(connection, caller.participant_id, page_token, page_size)
    )
    return answered(caller.request, json_content(document))


@router.get("/v1/listings/{listing_id}")
def read_listing(listing_id: ListingId, caller: Annotated[Caller, allowed("listing.read")]) -> Response:
    """One of your own listings, with the ETag by which its price is changed."""
    row = caller.market.read(lambda connection: own_listing(connection, listing_id, caller.participant_id))
    return tagged(caller.request, listing_document(row, is_own=True))


@router.post("/v1/listings/{listing_id}/price")
def price_listing(
    listing_id: ListingId, body: PriceChange, caller: Annotated[Caller, allowed("listing.change")]
) -> Response:
    """Post another price that the datasheet allows. The header If-Match names the version that you have seen."""
    if "If-Match" not in caller.request.headers:
        raise Problem(
            "precondition_failed", "Name the version that you have seen, the ETag of the listing.", "If-Match"
        )
    return caller.act(
        body,
        lambda transaction: (
            200,
            change_price(
                transaction,
                caller.participant_id,
                listing_id,
                body.price_fen,
                lambda document: require_match(caller.request, document),
            ),
        ),
    )


@router.post("/v1/listings/{listing_id}/retire")
def retire_listing(
    listing_id: ListingId, body: Retirement, caller: Annotated[Caller, allowed("listing.retire")]
) -> Response:
    """Take a listing off sale for good; holders are told why, and what they bought stays as it is."""
    return caller.act(
        body,
        lambda transaction: (
            200,
            retire(transaction, caller.participant_id, listing_id, body.reason, body.last_day),
        ),
    )


@router.post("/v1/listings/{listing_id}/freeze")
def freeze_listing(
    listing_id: ListingId, body: Decision, caller: Annotated[Caller, allowed("listing.freeze")]
) -> Response:
    """Stop trade and delivery of a listing, for a reason that its seller and holders are told."""
    return caller.act(body, lambda transaction: (200, freeze(transaction, listing_id, body.reason)))


@router.post("/v1/listings/{listing_id}/release")
def release_listing(
    listing_id: ListingId, body: Decision, caller: Annotated[Caller, allowed("listing.freeze")]
) -> Response:
    """Let a frozen listing go on."""
    return caller.act(body, lambda transaction: (200, release(transaction, listing_id, body.reason)))


@router.get("/v1/account/notices")
def list_notices(
    caller: Annotated[Caller, allowed("account.read")], page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> Response:
    """What you were told of components that you hold, sell or share in, the newest first."""
    document = caller.market.read(
        lambda connection: notices_page(connection, caller.participant_id, page_token, page_size)
    )
    return answered(caller.request, json_content(document))
