"""The way back for a participant that lost all its secrets: an enrolment code, which the operator issues and hands over
once it has checked who asks, and by which the participant makes a new client secret.

A code is a credential that gives no token. It is shown once, of which an Argon2id hash is kept, expires at a term that
is told with it, and is used once. A later code takes the place of an earlier one. Its use ends everything that was good
before, secrets, pull tokens and codes, so also every token that they got: whoever found what was lost is shut out.
Until then all of that stays good, and the participant that sees a code it did not ask for may revoke it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from market_api.identity.credentials import Fresh, add, fresh_enrolment_code, revoke_all
from market_api.identity.hashing import is_secret
from market_api.identity.tables import credentials, participants
from market_api.market import Market, Transaction
from market_api.permissions import scopes_of
from market_api.problems import Problem
from market_api.states import PARTICIPANT, locked
from vault.moments import text_of
from vault.releases.datasheet import hash_of

TTL_HOURS = 24
TTL_HOURS_MAX = 168


@dataclass(frozen=True)
class Code:
    """A code that somebody has given, rightly: whose it is, and which. It may have ended."""

    participant_id: str
    credential_id: str


def issue_code(
    transaction: Transaction, participant_id: str, fresh: Fresh, expires_at: datetime, reason: str
) -> Mapping[str, Any]:
    """Give a participant a code in the place of any earlier one; gives what is told of it, without the code.

    reason: how it was checked who asks. Raises Problem `not_found`, `wrong_state` for a participant that is not
    admitted, and `not_permitted` for one's own.
    """
    if participant_id == transaction.actor:
        raise Problem("not_permitted", "Nobody issues a code for himself; another operator has to.")
    _locked_admitted(transaction, participant_id)
    revoke_all(transaction, participant_id, "enrolment")
    issued = add(transaction, participant_id, fresh, frozenset(), expires_at)
    told = {"credential_id": issued["credential_id"], "expires_at": issued["expires_at"]}
    transaction.log("participant.enrolment_code", participant_id, {**told, "reason_hash": hash_of(reason)})
    return {"participant_id": participant_id, "client_id": participant_id, **told}


def code_on_site(market: Market, participant_id: str) -> str:
    """A code for an operator that lost all its secrets, good for TTL_HOURS; gives it.

    It is called on the market's own machine, never over the network: whoever is there holds the database anyway, and
    the only operator has nobody else to ask. Raises Problem `not_permitted` for who is no operator, and what
    `issue_code` raises.
    """
    fresh = fresh_enrolment_code(market.random_bytes)

    def issued(transaction: Transaction) -> None:
        if _locked_admitted(transaction, participant_id).role != "operator":
            raise Problem("not_permitted", "An operator issues the codes of all others: `enrolment-code`.")
        expires_at = transaction.at + timedelta(hours=TTL_HOURS)
        issue_code(transaction, participant_id, fresh, expires_at, "on the market's own machine")

    market.act("market", issued)
    return fresh.secret


def given_code(market: Market, client_id: str, code: str) -> Code:
    """The code that somebody gives. Raises Problem `unauthenticated` for any that is not the participant's last one;
    the work is the same where there is none.

    The hash is computed here, before the transaction that uses the code.
    """
    own = credentials.c
    query = (
        sa.select(own.credential_id, own.secret_hash)
        .where(own.participant_id == client_id, own.kind == "enrolment")
        .order_by(own.revoked_at.is_not(None), own.credential_id.desc())
        .limit(1)
    )
    row = market.read(lambda connection: connection.execute(query).one_or_none())
    if not is_secret(None if row is None else row.secret_hash, code) or row is None:
        told = "Client id and enrolment code do not fit, or a later code took its place; ask the operator."
        raise Problem("unauthenticated", told)
    return Code(client_id, row.credential_id)


def use_code(transaction: Transaction, code: Code, fresh: Fresh) -> Mapping[str, Any]:
    """Make a client secret by a code, which ends the code and all that was good before; gives what is told of it,
    without the secret.

    Raises Problem `wrong_state` where the code was used, was revoked or has expired, and where the participant is not
    admitted.
    """
    role = _locked_admitted(transaction, code.participant_id).role
    is_own = credentials.c.credential_id == code.credential_id
    _require_good(transaction, transaction.connection.execute(sa.select(credentials).where(is_own)).one())
    transaction.connection.execute(sa.update(credentials).where(is_own).values(last_used_at=text_of(transaction.at)))
    revoked = revoke_all(transaction, code.participant_id)
    made = add(transaction, code.participant_id, fresh, scopes_of(role))
    told = {"by": code.credential_id, "credential_id": made["credential_id"], "revoked": len(revoked)}
    transaction.log("participant.enrolled_anew", code.participant_id, told)
    known = {"participant_id": code.participant_id, "state": "admitted", "client_id": code.participant_id}
    return {**known, "credential_id": made["credential_id"], "revoked": revoked}


def _locked_admitted(transaction: Transaction, participant_id: str) -> sa.Row[Any]:
    row = locked(transaction, PARTICIPANT, participants, participant_id)
    if row.state != "admitted":
        told = f"The participant is {row.state}; only one that is admitted is enrolled anew."
        raise Problem("wrong_state", told, state=row.state)
    return row


def _require_good(transaction: Transaction, row: sa.Row[Any]) -> None:
    again = "ask the operator for another one"
    if row.last_used_at is not None:
        raise Problem("wrong_state", f"The code was used at {row.last_used_at}; {again}.", state="used")
    if row.revoked_at is not None:
        raise Problem("wrong_state", f"The code was revoked at {row.revoked_at}; {again}.", state="revoked")
    if row.expires_at <= text_of(transaction.at):
        raise Problem("wrong_state", f"The code was good until {row.expires_at}; {again}.", state="expired")
