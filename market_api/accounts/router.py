"""Funds over the network: deposits and payouts, statements, invoices and credit notes."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, ConfigDict, Field

from market_api.accounts import credit_notes, funds, invoices
from market_api.accounts.reversals import reverse_deposit
from market_api.accounts.statement import span_of, statement
from market_api.callers import Caller, allowed
from market_api.fields import Identifier, Moment, PositiveFen, Reason, RequestModel
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX

BankReference = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(funds.bank_reference)]
State = Literal["requested", "paid", "rejected", "cancelled"]
PageToken = Annotated[str, Query(alias="pageToken", max_length=400)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]

router = APIRouter(tags=["funds"])


class DepositRequest(RequestModel):
    """A transfer that came in. bank_reference: as the bank states it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount_fen": 10_000_000, "bank_reference": "2026112700042137"}]}
    )

    amount_fen: PositiveFen
    bank_reference: BankReference


class ReversalRequest(RequestModel):
    """Why a deposit was wrong."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The transfer was another participant's."}]})

    reason: Reason


class PayoutRequest(RequestModel):
    """How much of the available funds is to be paid out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount_fen": 2_500_000}]})

    amount_fen: PositiveFen


class ConfirmationRequest(RequestModel):
    """The transfer by which a payout was made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"bank_reference": "2026112800001234"}]})

    bank_reference: BankReference


class RejectionRequest(RequestModel):
    """Why a payout is not made; its owner is told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The bank account is not in your name."}]})

    reason: Reason


@router.post("/v1/participants/{participant_id}/deposits", status_code=201)
def book_deposit(
    participant_id: Identifier, body: DepositRequest, caller: Annotated[Caller, allowed("funds.deposit")]
) -> Response:
    """Book a transfer that came in; the same bank reference is booked once."""
    return caller.act(
        body,
        lambda transaction: (201, funds.deposit(transaction, participant_id, body.amount_fen, body.bank_reference)),
    )


@router.get("/v1/participants/{participant_id}/deposits")
def read_deposits(
    participant_id: Identifier,
    caller: Annotated[Caller, allowed("funds.deposit")],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The transfers that were booked for a participant."""
    return dict(
        caller.market.read(lambda connection: funds.deposits_page(connection, participant_id, page_token, page_size))
    )


@router.post("/v1/deposits/{deposit_id}/reverse")
def reverse_wrong_deposit(
    deposit_id: Identifier, body: ReversalRequest, caller: Annotated[Caller, allowed("funds.reverse")]
) -> Response:
    """Take a deposit back that was booked wrongly, while its funds are there; its transfer can be booked again then."""
    return caller.act(body, lambda transaction: (200, reverse_deposit(transaction, deposit_id, body.reason)))


@router.post("/v1/account/payouts", status_code=201)
def request_payout(body: PayoutRequest, caller: Annotated[Caller, allowed("account.withdraw")]) -> Response:
    """Ask for funds to be paid out; they are set aside until the operator has decided."""
    return caller.act(
        body,
        lambda transaction: (201, funds.request_payout(transaction, caller.participant_id, body.amount_fen)),
    )


@router.get("/v1/account/payouts")
def read_own_payouts(
    caller: Annotated[Caller, allowed("account.statement")],
    state: State | None = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """Your payouts."""
    own = caller.participant_id
    return dict(
        caller.market.read(lambda connection: funds.payouts_page(connection, own, state, page_token, page_size))
    )


@router.post("/v1/account/payouts/{payout_id}/cancel")
def cancel_payout(payout_id: Identifier, caller: Annotated[Caller, allowed("account.withdraw")]) -> Response:
    """Take a request for a payout back."""
    return caller.act(
        None, lambda transaction: (200, funds.cancel_payout(transaction, caller.participant_id, payout_id))
    )


@router.get("/v1/payouts")
def read_payouts(
    caller: Annotated[Caller, allowed("funds.payout")],
    state: State | None = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The payouts of all participants."""
    return dict(
        caller.market.read(lambda connection: funds.payouts_page(connection, None, state, page_token, page_size))
    )


@router.post("/v1/payouts/{payout_id}/confirm")
def confirm_payout(
    payout_id: Identifier, body: ConfirmationRequest, caller: Annotated[Caller, allowed("funds.payout")]
) -> Response:
    """Record that a payout was transferred."""
    return caller.act(
        body, lambda transaction: (200, funds.confirm_payout(transaction, payout_id, body.bank_reference))
    )


@router.post("/v1/payouts/{payout_id}/reject")
def reject_payout(
    payout_id: Identifier, body: RejectionRequest, caller: Annotated[Caller, allowed("funds.payout")]
) -> Response:
    """Give the amount of a payout back to its owner, for a reason."""
    return caller.act(body, lambda transaction: (200, funds.reject_payout(transaction, payout_id, body.reason)))


@router.get("/v1/account/statement")
def read_statement(
    caller: Annotated[Caller, allowed("account.statement")],
    begins: Annotated[Moment | None, Query(alias="from")] = None,
    ends: Annotated[Moment | None, Query(alias="to")] = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """Every posting on your accounts from a moment on and before another one, with balances; without them, all until
    now. A page that continues another one has its bounds."""
    span = span_of(begins, ends, page_token, caller.market.clock())
    own = caller.participant_id
    return dict(caller.market.read_one_state(lambda connection: statement(connection, own, span, page_size)))


@router.get("/v1/account/invoices")
def read_invoices(
    caller: Annotated[Caller, allowed("account.statement")],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The invoices of your sales and purchases, each with what was credited of it."""
    own = caller.participant_id
    return dict(caller.market.read(lambda connection: invoices.invoices_page(connection, own, page_token, page_size)))


@router.get("/v1/account/invoices/{order_id}")
def read_invoice(order_id: Identifier, caller: Annotated[Caller, allowed("account.statement")]) -> dict[str, Any]:
    """The invoice of an order of yours; it is issued seconds after the payment."""
    own = caller.participant_id
    return dict(caller.market.read(lambda connection: invoices.invoice_of(connection, own, order_id)))


@router.get("/v1/account/credit-notes")
def read_credit_notes(
    caller: Annotated[Caller, allowed("account.statement")],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """The credit notes of your sales and purchases of which something went back."""
    own = caller.participant_id
    return dict(
        caller.market.read(lambda connection: credit_notes.credit_notes_page(connection, own, page_token, page_size))
    )


@router.get("/v1/account/credit-notes/{order_id}")
def read_credit_note(order_id: Identifier, caller: Annotated[Caller, allowed("account.statement")]) -> dict[str, Any]:
    """The credit note of an order of yours; it is issued seconds after the decision that gave something back."""
    own = caller.participant_id
    return dict(caller.market.read(lambda connection: credit_notes.credit_note_of(connection, own, order_id)))
