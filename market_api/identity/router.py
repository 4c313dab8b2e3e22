"""Participants over the network: applying, what operator and regulator decide, and one's own door with its two
accounts."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from market_api.callers import Caller, allowed, answered_once, market_of
from market_api.fields import Identifier
from market_api.idempotency import checked_key
from market_api.identity import credentials, enrolment, participants
from market_api.identity.account import account
from market_api.identity.credentials import PULL_SCOPES, fresh_enrolment_code, fresh_pull_token, fresh_secret
from market_api.identity.hashing import owner_hash
from market_api.identity.participants import OWNER_KEY, Application
from market_api.identity.requests import (
    AdmissionRequest,
    AnewRequest,
    ApplicationRequest,
    EnrolmentCodeRequest,
    EnrolmentRequest,
    LinkRequest,
    PullTokenRequest,
    ReasonRequest,
    SecretRequest,
)
from market_api.market import Transaction
from market_api.paging import PAGE_SIZE, PAGE_SIZE_MAX
from market_api.permissions import scopes_of
from market_api.problems import Problem
from market_api.web.etags import require_match, tagged
from market_api.web.rate_limit import OPEN

APPLICANTS = "applicants"
"""Stands for a participant where there is none yet."""

State = Literal["applied", "admitted", "refused", "suspended", "frozen"]
PageToken = Annotated[str, Query(alias="pageToken", max_length=200)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=PAGE_SIZE_MAX)]

router = APIRouter(tags=["participants"])


@router.post("/v1/applications", status_code=201, dependencies=[OPEN])
def apply(body: ApplicationRequest, request: Request) -> Response:
    """Apply to take part. The answer holds the client secret, once; it is good for tokens when you are admitted."""
    market = market_of(request)
    fresh = fresh_secret(market.random_bytes)
    told = body.model_dump(mode="json")
    if body.owner_registration is not None:  # ids of companies can be guessed, so no plain hash of one is kept
        told["owner_registration"] = owner_hash(market.keys.derived(OWNER_KEY), body.owner_registration)

    def taken(transaction: Transaction) -> tuple[int, dict[str, Any]]:
        application = Application(body.role, body.registered_name, body.taxpayer, body.owner_registration)
        return 201, _applied(transaction, application, fresh)

    return answered_once(market, request, APPLICANTS, told, {"client_secret": fresh.secret}, taken)


@router.post("/v1/participants", status_code=201)
def enrol(body: EnrolmentRequest, caller: Annotated[Caller, allowed("participant.decide")]) -> Response:
    """Enrol another operator or a regulator, to be admitted then. The secret is shown once, to be handed over."""
    fresh = fresh_secret(caller.market.random_bytes)
    application = Application(body.role, body.registered_name, "none")
    return caller.act_showing(
        {"client_secret": fresh.secret}, body, lambda transaction: (201, _applied(transaction, application, fresh))
    )


@router.post("/v1/participants/{participant_id}/enrolment-codes", status_code=201)
def issue_enrolment_code(
    participant_id: Identifier,
    body: EnrolmentCodeRequest,
    caller: Annotated[Caller, allowed("participant.enrol_anew")],
) -> Response:
    """Issue a code for a participant that lost all its secrets. Shown once, to be handed over to whom you checked."""
    fresh = fresh_enrolment_code(caller.market.random_bytes)

    def issued(transaction: Transaction) -> tuple[int, Any]:
        expires_at = transaction.at + timedelta(hours=body.ttl_hours)
        return 201, enrolment.issue_code(transaction, participant_id, fresh, expires_at, body.reason)

    return caller.act_showing({"enrolment_code": fresh.secret}, body, issued)


@router.post("/v1/enrolments", status_code=201, dependencies=[OPEN])
def enrol_anew(body: AnewRequest, request: Request) -> Response:
    """Make a client secret by an enrolment code, once. The answer holds it, once; all that was good before is not."""
    market = market_of(request)
    checked_key(request.headers.getlist("Idempotency-Key"))  # before the work of two hashes
    code = enrolment.given_code(market, body.client_id, body.enrolment_code)
    fresh = fresh_secret(market.random_bytes)
    told = {**body.model_dump(mode="json"), "enrolment_code": code.credential_id}
    return answered_once(
        market,
        request,
        code.participant_id,
        told,
        {"client_secret": fresh.secret},
        lambda transaction: (201, enrolment.use_code(transaction, code, fresh)),
    )


@router.get("/v1/participants")
def read_participants(
    caller: Annotated[Caller, allowed("participant.read")],
    state: State | None = None,
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """All participants, the oldest first."""
    return dict(
        caller.market.read(lambda connection: participants.participants_page(connection, state, page_token, page_size))
    )


@router.get("/v1/participants/{participant_id}")
def read_participant(participant_id: Identifier, caller: Annotated[Caller, allowed("participant.read")]) -> Response:
    """A participant, with the ETag that decisions on it can be held against."""
    found = caller.market.read(lambda connection: participants.participant(connection, participant_id))
    return tagged(caller.request, found)


@router.post("/v1/participants/{participant_id}/admit")
def admit(
    participant_id: Identifier, body: AdmissionRequest, caller: Annotated[Caller, allowed("participant.decide")]
) -> Response:
    """Admit an applicant, which opens its accounts."""

    def admitted(transaction: Transaction) -> tuple[int, Any]:
        _unchanged(caller, transaction, participant_id)
        return 200, participants.admit(transaction, participant_id, body.party)

    return caller.act(body, admitted)


@router.post("/v1/participants/{participant_id}/refuse")
def refuse(
    participant_id: Identifier, body: ReasonRequest, caller: Annotated[Caller, allowed("participant.decide")]
) -> Response:
    """Refuse an applicant for a reason; its name is free again."""
    return _decided(caller, participant_id, "refuse", body)


@router.post("/v1/participants/{participant_id}/suspend")
def suspend(
    participant_id: Identifier, body: ReasonRequest, caller: Annotated[Caller, allowed("participant.decide")]
) -> Response:
    """Suspend a participant for a reason, which cuts off its next request."""
    return _decided(caller, participant_id, "suspend", body)


@router.post("/v1/participants/{participant_id}/reinstate")
def reinstate(
    participant_id: Identifier, body: ReasonRequest, caller: Annotated[Caller, allowed("participant.decide")]
) -> Response:
    """End a suspension."""
    return _decided(caller, participant_id, "reinstate", body)


@router.post("/v1/participants/{participant_id}/freeze")
def freeze(
    participant_id: Identifier, body: ReasonRequest, caller: Annotated[Caller, allowed("participant.freeze")]
) -> Response:
    """Suspend a participant by the regulator; only the regulator releases it."""
    return _decided(caller, participant_id, "freeze", body)


@router.post("/v1/participants/{participant_id}/release")
def release(
    participant_id: Identifier, body: ReasonRequest, caller: Annotated[Caller, allowed("participant.freeze")]
) -> Response:
    """End a freeze; the participant stays suspended until the operator reinstates it."""
    return _decided(caller, participant_id, "release", body)


@router.post("/v1/participants/{participant_id}/link")
def link(
    participant_id: Identifier, body: LinkRequest, caller: Annotated[Caller, allowed("participant.decide")]
) -> Response:
    """Link a participant to its subject at the external OpenID issuer."""
    return caller.act(body, lambda transaction: (200, participants.link(transaction, participant_id, body.subject)))


@router.get("/v1/account")
def read_account(caller: Annotated[Caller, allowed("account.read")]) -> dict[str, Any]:
    """One door, two accounts: who you are, your funds and your data."""
    return dict(caller.market.read_one_state(lambda connection: account(connection, caller.participant_id)))


@router.get("/v1/account/credentials")
def read_credentials(
    caller: Annotated[Caller, allowed("account.credentials")],
    page_token: PageToken = "",
    page_size: PageSize = PAGE_SIZE,
) -> dict[str, Any]:
    """Your credentials, without their secrets."""
    own = caller.participant_id
    return dict(
        caller.market.read(lambda connection: credentials.credentials_page(connection, own, page_token, page_size))
    )


@router.post("/v1/account/credentials", status_code=201)
def add_secret(body: SecretRequest, caller: Annotated[Caller, allowed("account.credentials")]) -> Response:
    """Make another client secret, shown once; then revoke the one that it takes over from."""
    scopes = caller.scopes if body.scopes is None else frozenset(body.scopes)
    if beyond := sorted(scopes - caller.scopes):
        raise Problem("not_permitted", f"A credential gives no more than its maker has, so not {beyond[0]}.", "scopes")
    fresh = fresh_secret(caller.market.random_bytes)
    return caller.act_showing(
        {"client_secret": fresh.secret},
        body,
        lambda transaction: (201, credentials.add(transaction, caller.participant_id, fresh, scopes)),
    )


@router.post("/v1/account/credentials/{credential_id}/revoke")
def revoke(credential_id: Identifier, caller: Annotated[Caller, allowed("account.credentials")]) -> Response:
    """Revoke a credential, which cuts off its next request."""
    return caller.act(
        None, lambda transaction: (200, credentials.revoke(transaction, caller.participant_id, credential_id))
    )


@router.post("/v1/account/pull-credentials", status_code=201)
def add_pull_token(body: PullTokenRequest, caller: Annotated[Caller, allowed("account.credentials")]) -> Response:
    """Make a pull token; the answer, kept as a file, is the profile that Delta Sharing clients take. Shown once."""
    caller.require("data.pull")
    market = caller.market
    fresh = fresh_pull_token(market.random_bytes)

    def added(transaction: Transaction) -> tuple[int, dict[str, Any]]:
        expires_at = transaction.at + timedelta(days=body.ttl_days)
        made = credentials.add(transaction, caller.participant_id, fresh, PULL_SCOPES, expires_at)
        return 201, credentials.profile(market.settings.public_url, made["credential_id"], expires_at)

    return caller.act_showing({"bearerToken": fresh.secret}, body, added)


def _applied(transaction: Transaction, application: Application, fresh: credentials.Fresh) -> dict[str, Any]:
    participant_id = participants.apply(transaction, application)
    credentials.add(transaction, participant_id, fresh, scopes_of(application.role))
    return {"participant_id": participant_id, "state": "applied", "client_id": participant_id}


def _decided(caller: Caller, participant_id: str, event: str, body: ReasonRequest) -> Response:
    def decided(transaction: Transaction) -> tuple[int, Any]:
        _unchanged(caller, transaction, participant_id)
        return 200, participants.decide(transaction, participant_id, event, body.reason)

    return caller.act(body, decided)


def _unchanged(caller: Caller, transaction: Transaction, participant_id: str) -> None:
    require_match(caller.request, participants.participant(transaction.connection, participant_id))
