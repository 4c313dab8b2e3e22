"""Orders over HTTP: buy at the posted price, read one's own, pay what was agreed, leave what was negotiated."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict

from market_api.callers import Caller, allowed
from market_api.fields import Fen, Identifier, RequestModel
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.trading.buying import buy_within
from market_api.trading.paying import cancel, pay
from market_api.trading.reading import order_of, orders_page
from market_api.trading.requests import EXAMPLE, TermsRequest

router = APIRouter(tags=["orders"])

OrderId = Annotated[Identifier, Path(examples=["ord_019ac4d2b8000123456789abcdef"])]
State = Literal["placed", "settled", "disputed", "completed", "cancelled", "expired", "refunded"]
LISTING_EXAMPLE = "lst_019ac4d2b8000123456789abcdef"


class OrderRequest(RequestModel):
    """An order at the posted price, which is paid at once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"listing_id": LISTING_EXAMPLE, "terms": EXAMPLE, "price_fen": 7_236_857}]}
    )

    listing_id: Identifier
    terms: TermsRequest
    price_fen: Fen


@router.post("/v1/orders", status_code=201)
def place_order(body: OrderRequest, caller: Annotated[Caller, allowed("order.place")]) -> Response:
    """Buy at the posted price: the order is paid and its entitlement granted in one step."""
    terms = body.terms.terms()
    return caller.act(
        body,
        lambda transaction: (
            201,
            buy_within(transaction, caller.participant_id, body.listing_id, terms, body.price_fen),
        ),
    )


@router.get("/v1/orders")
def list_orders(
    caller: Annotated[Caller, allowed("order.read")],
    state: State | None = None,
    page_token: Annotated[str, Query(alias="pageToken", max_length=200)] = "",
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
) -> Response:
    """Your own orders, those you buy and those you sell, the oldest first."""
    return JSONResponse(
        caller.market.read(
            lambda connection: orders_page(connection, caller.participant_id, state, page_token, page_size)
        )
    )


@router.get("/v1/orders/{order_id}")
def read_order(order_id: OrderId, caller: Annotated[Caller, allowed("order.read")]) -> Response:
    """One of your own orders."""
    return JSONResponse(caller.market.read(lambda connection: order_of(connection, caller.participant_id, order_id)))


@router.post("/v1/orders/{order_id}/pay")
def pay_order(order_id: OrderId, caller: Annotated[Caller, allowed("order.place")]) -> Response:
    """Pay an order that was negotiated or won; its entitlement is granted in the same step."""
    return caller.act(None, lambda transaction: (200, pay(transaction, caller.participant_id, order_id)))


@router.post("/v1/orders/{order_id}/cancel")
def cancel_order(order_id: OrderId, caller: Annotated[Caller, allowed("order.place")]) -> Response:
    """Leave an order that was negotiated and is not paid. An order that was won in an auction binds."""
    return caller.act(None, lambda transaction: (200, cancel(transaction, caller.participant_id, order_id)))
