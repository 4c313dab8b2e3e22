"""Disputes over HTTP: for the parties, for evaluators, and for the arbiter."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from market_api.callers import Caller, allowed
from market_api.disputes.deciding import decide
from market_api.disputes.evidence import entries_page
from market_api.disputes.opening import add_evaluation, add_party_statement, open_dispute, withdraw
from market_api.disputes.reading import (
    all_disputes,
    any_dispute,
    dispute_of,
    disputes_of,
    evaluated_dispute,
    sale_of,
)
from market_api.disputes.requests import DecisionRequest, DisputeRequest, StatementRequest
from market_api.fields import Identifier
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX

router = APIRouter(tags=["disputes"])

DisputeId = Annotated[Identifier, Path(examples=["dsp_019ac4d2b8000123456789abcdef"])]
State = Literal["opened", "withdrawn", "upheld", "rejected"]
PageToken = Annotated[str, Query(alias="pageToken", max_length=200)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]
Party = Annotated[Caller, allowed("dispute.read")]
Buyer = Annotated[Caller, allowed("dispute.open")]
Evaluator = Annotated[Caller, allowed("dispute.evidence")]
Arbiter = Annotated[Caller, allowed("dispute.decide")]


@router.post("/v1/disputes", status_code=201)
def open_one(body: DisputeRequest, caller: Buyer) -> Response:
    """Contest an order that you paid, within its term: its money stays pending, its entitlement rests."""
    return caller.act(body, lambda transaction: (201, open_dispute(transaction, caller.participant_id, body)))


@router.get("/v1/disputes")
def list_own(
    caller: Party, state: State | None = None, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> dict[str, Any]:
    """The disputes about what you bought or sold, the oldest first."""
    own = caller.participant_id
    return dict(caller.market.read(lambda connection: disputes_of(connection, own, state, page_token, page_size)))


@router.get("/v1/disputes/{dispute_id}")
def read_own(dispute_id: DisputeId, caller: Party) -> dict[str, Any]:
    """One of your disputes, with what was said and what was decided."""
    return caller.market.read(lambda connection: dispute_of(connection, caller.participant_id, dispute_id))


@router.get("/v1/disputes/{dispute_id}/entries")
def list_entries(
    dispute_id: DisputeId, caller: Party, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> dict[str, Any]:
    """The entries of the black box about the sale, to be referred to as evidence."""
    return _entries(caller, dispute_id, caller.participant_id, page_token, page_size)


@router.post("/v1/disputes/{dispute_id}/statements", status_code=201)
def say(
    dispute_id: DisputeId, body: StatementRequest, caller: Annotated[Caller, allowed("dispute.answer")]
) -> Response:
    """Say something to your open dispute, as its buyer or its seller."""
    return caller.act(
        body, lambda transaction: (201, add_party_statement(transaction, caller.participant_id, dispute_id, body))
    )


@router.post("/v1/disputes/{dispute_id}/withdraw")
def leave(dispute_id: DisputeId, caller: Buyer) -> Response:
    """Withdraw your dispute: the sale stands, and cannot be disputed again."""
    return caller.act(None, lambda transaction: (200, withdraw(transaction, caller.participant_id, dispute_id)))


@router.get("/v1/evaluation/disputes")
def list_open(caller: Evaluator, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE) -> dict[str, Any]:
    """The disputes that are open, the oldest first."""
    return dict(caller.market.read(lambda connection: all_disputes(connection, "opened", page_token, page_size)))


@router.get("/v1/evaluation/disputes/{dispute_id}")
def read_open(dispute_id: DisputeId, caller: Evaluator) -> dict[str, Any]:
    """An open dispute in which you have no part."""
    return caller.market.read(lambda connection: evaluated_dispute(connection, caller.participant_id, dispute_id))


@router.get("/v1/evaluation/disputes/{dispute_id}/entries")
def list_entries_to_evaluate(
    dispute_id: DisputeId, caller: Evaluator, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> dict[str, Any]:
    """The entries of the black box about the sale, to be referred to as evidence."""
    read_open(dispute_id, caller)
    return _entries(caller, dispute_id, None, page_token, page_size)


@router.post("/v1/evaluation/disputes/{dispute_id}/statements", status_code=201)
def evaluate(dispute_id: DisputeId, body: StatementRequest, caller: Evaluator) -> Response:
    """Say what you found, as an evaluator without a part in the sale."""
    return caller.act(
        body, lambda transaction: (201, add_evaluation(transaction, caller.participant_id, dispute_id, body))
    )


@router.get("/v1/arbitration/disputes")
def list_all(
    caller: Arbiter, state: State | None = None, page_token: PageToken = "", page_size: PageSize = PAGE_SIZE
) -> dict[str, Any]:
    """All disputes, the oldest first."""
    return dict(caller.market.read(lambda connection: all_disputes(connection, state, page_token, page_size)))


@router.get("/v1/arbitration/disputes/{dispute_id}")
def read_any(dispute_id: DisputeId, caller: Arbiter) -> dict[str, Any]:
    """A dispute, with what was said."""
    return caller.market.read(lambda connection: any_dispute(connection, dispute_id))


@router.post("/v1/arbitration/disputes/{dispute_id}/decide")
def decide_one(dispute_id: DisputeId, body: DecisionRequest, caller: Arbiter) -> Response:
    """Uphold it, with a refund of all or a part of the price, or reject it; once, and for a reason."""
    return caller.act(body, lambda transaction: (200, decide(transaction, caller.participant_id, dispute_id, body)))


def _entries(caller: Caller, dispute_id: str, party: str | None, token: str, size: int) -> dict[str, Any]:
    def asked(connection: Any) -> dict[str, Any]:
        order, dispute = sale_of(connection, dispute_id, party)
        return dict(entries_page(connection, order, dispute, token, size))

    return caller.market.read(asked)
