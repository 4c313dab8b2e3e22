"""Participants from their application to the end: who they are, and what operator and regulator decide on them.

A participant acts only while it is admitted. Nobody decides on himself. What the regulator froze only the regulator
releases, and it is suspended then, until the operator reinstates it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.revisions import move_on
from market_api.identity import names
from market_api.identity.credentials import add, fresh_secret
from market_api.identity.hashing import owner_hash
from market_api.identity.names import name_key
from market_api.identity.tables import participants
from market_api.ledger.accounts import open_accounts
from market_api.market import Market, Transaction
from market_api.paging import page, read_token
from market_api.permissions import scopes_of
from market_api.problems import Problem
from market_api.states import PARTICIPANT, advance, begin, locked
from vault.errors import JinkuError

OWNER_KEY = "beneficial-owner"
DOUBLE_STATE = "23505"
"""PostgreSQL's unique violation."""

DOUBLE_WORDS = ("UNIQUE constraint", "is never changed")
"""SQLite's, and that of a guarded table, which refuses a second row of the same key itself (see `database.guard`)."""


@dataclass(frozen=True)
class Application:
    """What somebody says about himself. role: one that may be taken up; owner_registration: the registration id of the
    beneficial owner, none where it is not declared; taxpayer: 'general', 'small_scale' or 'none'."""

    role: str
    registered_name: str
    taxpayer: str
    owner_registration: str | None = None


def apply(transaction: Transaction, application: Application) -> str:
    """Take an application; gives the participant's id. Raises Problem `taken` for a name that looks like another's."""
    key = transaction.market.keys.derived(OWNER_KEY)
    declared = application.owner_registration
    values = {
        "participant_id": transaction.new_identifier("par"),
        "role": application.role,
        "registered_name": application.registered_name,
        "name_key": name_key(application.registered_name),
        "beneficial_owner": None if declared is None else owner_hash(key, declared),
        "taxpayer": application.taxpayer,
        "reason": "",
    }
    with unique("Another participant has this name or one that looks like it.", "registered_name"):
        begin(transaction, PARTICIPANT, participants, values, {"role": application.role})
    return str(values["participant_id"])


def admit(transaction: Transaction, participant_id: str, party: str | None = None) -> Mapping[str, Any]:
    """Admit an applicant and open its accounts. party: the name under which datasheets know it, which was checked.

    Raises Problem `not_found`, `wrong_state`, `not_permitted`, and `taken` where another has that party.
    """
    row = _other(transaction, participant_id)
    with unique("Another participant is known under this party.", "party"):
        told = {} if party is None else {"has_party": True}
        advance(transaction, PARTICIPANT, participants, row, "admit", told, reason="", party=party)
    open_accounts(transaction.connection, participant_id)
    return participant(transaction.connection, participant_id)


def decide(transaction: Transaction, participant_id: str, event: str, reason: str) -> Mapping[str, Any]:
    """Refuse, suspend, reinstate, freeze or release a participant, for a reason that it is told.

    What it has listed is on offer or not by its standing, so the catalogue counts as changed. Raises Problem
    `not_found`, `wrong_state`, and `not_permitted` for one's own participant.
    """
    row = _other(transaction, participant_id)
    advance(transaction, PARTICIPANT, participants, row, event, {}, reason=reason)
    move_on(transaction.connection)
    return participant(transaction.connection, participant_id)


def link(transaction: Transaction, participant_id: str, subject: str | None) -> Mapping[str, Any]:
    """Link a participant to its subject at the external OpenID issuer, or to none any more.

    Raises Problem `not_found`, `not_permitted` for one's own, and `taken` where another has that subject.
    """
    row = _other(transaction, participant_id)
    own = participants.c
    with unique("Another participant is linked to this subject.", "subject"):
        transaction.connection.execute(
            sa.update(participants).where(own.participant_id == row.participant_id).values(external_subject=subject)
        )
    transaction.log("participant.link", participant_id, {"is_linked": subject is not None})
    return participant(transaction.connection, participant_id)


def first_operator(market: Market, registered_name: str = "Operator") -> tuple[str, str]:
    """Make the operator who admits all others, where there is none that is admitted; gives its id and its secret.

    It is called on the market's own machine, never over the network. Raises JinkuError `operator_there`, and Problem
    `taken` for the name, `invalid_request` for what is none.
    """
    try:
        kept_name = names.registered_name(registered_name)
    except ValueError as fault:
        raise Problem("invalid_request", f"The name cannot be registered: {fault}.", "registered_name") from None
    fresh = fresh_secret(market.random_bytes)

    def made(transaction: Transaction) -> str:
        own = participants.c
        there = sa.select(own.participant_id).where(own.role == "operator", own.state == "admitted")
        if transaction.connection.execute(there).first() is not None:
            raise JinkuError(
                "operator_there",
                "the market has an operator, who admits the others",
                "market",
                "Ask the operator; the first one is made only where there is none.",
            )
        participant_id = apply(transaction, Application("operator", kept_name, "none"))
        add(transaction, participant_id, fresh, scopes_of("operator"))
        admit(transaction, participant_id)
        return participant_id

    return market.act("market", made), fresh.secret


def participant(connection: sa.Connection, participant_id: str) -> Mapping[str, Any]:
    """A participant as the operator sees it. Raises Problem `not_found`."""
    row = connection.execute(sa.select(participants).where(participants.c.participant_id == participant_id)).first()
    if row is None:
        raise Problem("not_found", f"There is no participant '{participant_id}' for you.")
    return document(row)


def participants_page(connection: sa.Connection, state: str | None, token: str, size: int) -> Mapping[str, Any]:
    """A page of participants, the oldest first, all or those of a state."""
    own = participants.c
    query = sa.select(participants).where(own.participant_id > read_token(token))
    if state is not None:
        query = query.where(own.state == state)
    rows = connection.execute(query.order_by(own.participant_id).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.participant_id), document)


def document(row: Any) -> dict[str, Any]:
    """What is told of a participant."""
    return {
        "participant_id": row.participant_id,
        "role": row.role,
        "registered_name": row.registered_name,
        "taxpayer": row.taxpayer,
        "party": row.party,
        "has_declared_owner": row.beneficial_owner is not None,
        "is_linked": row.external_subject is not None,
        "state": row.state,
        "reason": row.reason,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


@contextmanager
def unique(detail: str, field: str) -> Iterator[None]:
    """Turn the database's refusal of a second one of its kind into Problem `taken`; the transaction is over then."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        is_double = any(words in str(error.orig) for words in DOUBLE_WORDS)
        if is_double or getattr(error.orig, "sqlstate", None) == DOUBLE_STATE:
            raise Problem("taken", detail, field) from None
        raise


def _other(transaction: Transaction, participant_id: str) -> sa.Row[Any]:
    """A participant that is not the one who acts, locked."""
    if participant_id == transaction.actor:
        raise Problem("not_permitted", "Nobody decides on his own participant; another one has to.")
    return locked(transaction, PARTICIPANT, participants, participant_id)
