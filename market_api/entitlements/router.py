"""The addresses of a participant's data account."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from market_api.callers import Caller, allowed
from market_api.entitlements.reading import entitlement, entitlements_page
from market_api.fields import Identifier
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX

router = APIRouter(tags=["entitlements"])


@router.get("/v1/account/entitlements", summary="Your entitlements")
def list_entitlements(
    caller: Annotated[Caller, allowed("entitlement.read")],
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Mapping[str, Any]:
    """What you may pull, how often it was pulled and how often it still may be, the first bought first."""
    at = caller.market.clock()
    return caller.market.read(
        lambda connection: entitlements_page(connection, caller.participant_id, at, page_token, page_size)
    )


@router.get("/v1/entitlements/{entitlement_id}", summary="One of your entitlements")
def show_entitlement(
    entitlement_id: Annotated[Identifier, Path(examples=["ent_0199c0a1f2b3a1b2c3d4e5f60718"])],
    caller: Annotated[Caller, allowed("entitlement.read")],
) -> Mapping[str, Any]:
    """With the releases that it includes, and its last pulls."""
    at = caller.market.clock()
    return caller.market.read(lambda connection: entitlement(connection, caller.participant_id, entitlement_id, at))
