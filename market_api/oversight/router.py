"""Oversight over HTTP: all trades, screens and cases, public revenue, the black box, and what the vault prices by."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response

from market_api.callers import Caller, allowed
from market_api.disputes.reading import all_disputes, any_dispute
from market_api.fields import KEPT, Identifier, Moment
from market_api.oversight import log_reading, market_factor, revenue
from market_api.oversight.cases import case_of, cases_page, close_case, open_case
from market_api.oversight.cleared import export_cleared_trades
from market_api.oversight.own_log import own_order_page
from market_api.oversight.periods import period_of
from market_api.oversight.requests import (
    BetaRequest,
    CaseDecisionRequest,
    CaseRequest,
    Component,
    PermittedRevenueRequest,
    Quarter,
)
from market_api.oversight.screening import concentration, flags_of, flags_page
from market_api.oversight.trades import Asked, trades_page
from market_api.paging import NUMBER_MAX, PAGE_SIZE, PAGE_SIZE_MAX
from market_api.screens.flags import FlagKind
from vault.black_box.entries import KINDS

router = APIRouter(tags=["oversight"])

Field = Literal["governance", "development", "livelihood", "innovation"]
DisputeState = Literal["opened", "withdrawn", "upheld", "rejected"]
PageToken = Annotated[str, Query(alias="pageToken", max_length=400)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]
From = Annotated[Moment | None, Query(alias="from")]
To = Annotated[Moment | None, Query(alias="to")]
Trades = Annotated[Caller, allowed("oversight.trades")]
Screens = Annotated[Caller, allowed("oversight.screens")]
Cases = Annotated[Caller, allowed("oversight.cases")]
Log = Annotated[Caller, allowed("oversight.log")]
CaseId = Annotated[Identifier, Path(examples=["cse_019ac4d2b8000123456789abcdef"])]
DisputeId = Annotated[Identifier, Path(examples=["dsp_019ac4d2b8000123456789abcdef"])]
OrderId = Annotated[Identifier, Path(examples=["ord_019ac4d2b8000123456789abcdef"])]


@router.get("/v1/oversight/trades")
def read_trades(
    caller: Trades,
    component: Annotated[Component | None, Query()] = None,
    participant: Annotated[Identifier | None, Query()] = None,
    field: Field | None = None,
    begins: From = None,
    ends: To = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """All sales that were paid in a period, a year up to now where none is named; the oldest first."""
    asked = Asked(period_of(begins, ends, caller.market.clock()), component, participant, field)
    return dict(caller.market.read(lambda connection: trades_page(connection, asked, page_token, page_size)))


@router.get("/v1/oversight/disputes")
def read_disputes(
    caller: Trades, state: DisputeState | None = None, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> dict[str, Any]:
    """All disputes, the oldest first."""
    return dict(caller.market.read(lambda connection: all_disputes(connection, state, page_token, page_size)))


@router.get("/v1/oversight/disputes/{dispute_id}")
def read_dispute(dispute_id: DisputeId, caller: Trades) -> dict[str, Any]:
    """A dispute, with what was said and decided."""
    return caller.market.read(lambda connection: any_dispute(connection, dispute_id))


@router.get("/v1/oversight/concentration")
def read_concentration(caller: Screens, begins: From = None, ends: To = None) -> dict[str, Any]:
    """HHI and the largest shares of each application field, of sellers and of buyers, over a period."""
    period = period_of(begins, ends, caller.market.clock())
    return dict(caller.market.read_one_state(lambda connection: concentration(connection, period)))


@router.get("/v1/oversight/screens")
def read_screens(
    caller: Screens,
    kind: FlagKind | None = None,
    begins: From = None,
    ends: To = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """What the screens flag over a period. A flag is a pattern and no finding; a person decides, by opening a case."""
    now = caller.market.clock()
    period = period_of(begins, ends, now)
    return dict(
        caller.market.read_one_state(
            lambda connection: flags_page(connection, period, kind, now, page_token, page_size)
        )
    )


@router.post("/v1/oversight/cases", status_code=201)
def open_one(body: CaseRequest, caller: Cases) -> Response:
    """Open a case about a flag, which is kept as the screens give it."""
    now = caller.market.clock()
    period = period_of(body.begins, body.ends, now)
    flag = caller.market.read_one_state(lambda connection: flags_of(connection, period, now)).get(body.flag_id)
    return caller.act(body, lambda transaction: (201, open_case(transaction, body.flag_id, flag, body.reason)))


@router.get("/v1/oversight/cases")
def read_cases(
    caller: Cases,
    state: Literal["opened", "closed"] | None = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """All cases, the oldest first."""
    return dict(caller.market.read(lambda connection: cases_page(connection, state, page_token, page_size)))


@router.get("/v1/oversight/cases/{case_id}")
def read_case(case_id: CaseId, caller: Cases) -> dict[str, Any]:
    """A case."""
    return dict(caller.market.read(lambda connection: case_of(connection, case_id)))


@router.post("/v1/oversight/cases/{case_id}/close")
def close_one(case_id: CaseId, body: CaseDecisionRequest, caller: Cases) -> Response:
    """Decide a case, once and for a reason."""
    return caller.act(body, lambda transaction: (200, close_case(transaction, case_id, body.decision, body.reason)))


@router.get("/v1/oversight/public-revenue")
def read_revenue(
    caller: Trades,
    period: Annotated[Quarter, Query()],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """What components under a guided price earned in a quarter, against what they may earn where that is recorded."""
    return dict(
        caller.market.read_one_state(lambda connection: revenue.revenue_page(connection, period, page_token, page_size))
    )


@router.post("/v1/oversight/permitted-revenues", status_code=201)
def record_permitted(
    body: PermittedRevenueRequest, caller: Annotated[Caller, allowed("oversight.permit_revenue")]
) -> Response:
    """Record what a component under a guided price may earn in a quarter; the last record is in force."""
    parts = {name: getattr(body, name) for name in revenue.PARTS}
    return caller.act(
        body,
        lambda transaction: (
            201,
            revenue.record_permitted(transaction, body.component, body.period, parts, body.reason),
        ),
    )


@router.get("/v1/oversight/log")
def read_log(
    caller: Log,
    kind: Annotated[str | None, Query(pattern=f"^({'|'.join(sorted(KINDS))})$")] = None,
    subject: Annotated[str | None, Query(max_length=200, pattern=KEPT)] = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The entries of the black box, with their payloads, the first first."""
    return dict(
        caller.market.read(
            lambda connection: log_reading.entries_page(connection, kind, subject, page_token, page_size)
        )
    )


@router.post("/v1/oversight/beta-overrides", status_code=201)
def record_beta(body: BetaRequest, caller: Annotated[Caller, allowed("oversight.set_beta")]) -> Response:
    """Set β of P² for a component or a field, within its bounds and for quarters to come; its sellers are told. The
    last record is in force."""
    return caller.act(body, lambda transaction: (201, market_factor.record_beta(transaction, body.asked())))


@router.get("/v1/oversight/beta-overrides")
def read_betas(
    caller: Trades,
    component: Annotated[Component | None, Query()] = None,
    field: Field | None = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """What was set of β, in the order in which it was."""
    return dict(
        caller.market.read(
            lambda connection: market_factor.records_page(connection, component, field, page_token, page_size)
        )
    )


@router.get("/v1/oversight/log/subjects/{subject}")
def read_subject(
    subject: Annotated[str, Path(max_length=200, pattern=KEPT, examples=["ord_019ac4d2b8000123456789abcdef"])],
    caller: Log,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The entries about one subject, such as an order, a participant or a listing, the first first, each with the proof
    that the signed log holds it."""
    return caller.market.read_one_state(
        lambda connection: log_reading.subject_page(connection, subject, page_token, page_size)
    )


@router.get("/v1/orders/{order_id}/log", tags=["orders"])
def read_own_order(
    order_id: OrderId,
    caller: Annotated[Caller, allowed("order.read")],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The black box's entries about one of your own orders, each with the proof that the signed log holds it."""
    name = caller.participant_id
    return dict(
        caller.market.read_one_state(
            lambda connection: own_order_page(connection, name, order_id, page_token, page_size)
        )
    )


@router.get("/v1/oversight/log/verification")
def verify_log(caller: Log) -> dict[str, Any]:
    """Hold the whole black box against its signatures and the checkpoints outside the database, now."""
    return dict(log_reading.verification(caller.market))


@router.get("/v1/oversight/log/{index}")
def read_entry(index: Annotated[int, Path(ge=0, le=NUMBER_MAX)], caller: Log) -> dict[str, Any]:
    """An entry, with the proof that the signed log holds it."""
    return dict(caller.market.read_one_state(lambda connection: log_reading.proved_entry(connection, index)))


@router.get("/v1/oversight/cleared-trades")
def export_trades(until: date, caller: Annotated[Caller, allowed("oversight.export_trades")]) -> Response:
    """What was cleared before a day, signed by the market, for the vault's next prices. That it was made is logged."""
    return JSONResponse(export_cleared_trades(caller.market, until, caller.participant_id))
