"""The regulator's β: a record for one component or one application field, over a term of whole quarters.

It leaves the market in the signed trades, so that the vault's next epoch is proposed with it. A quarter that has begun
is priced already and is not touched; the bounds are those of the formula, which keep P² at cost. The last record of a
component or field is in force, and one without β takes the earlier ones back. Source: models §5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.notices import tell
from market_api.catalogue.tables import listings
from market_api.market import Transaction
from market_api.oversight.numbering import next_number
from market_api.oversight.periods import after, bounds_of, quarter_of
from market_api.oversight.tables import beta_overrides
from market_api.paging import page, read_number
from market_api.problems import Problem
from pricing.guide import Override, market_factor
from pricing.overrides import BetaOverride
from vault.moments import text_of
from vault.releases.datasheet import hash_of

TERM_MAX_QUARTERS = 4
MILLION = 10**6

_OWN = beta_overrides.c


@dataclass(frozen=True)
class Asked:
    """What the regulator sets. beta: None to take earlier records back; component, application_field: exactly one."""

    beta: Fraction | None
    first_epoch: str
    last_epoch: str
    reason: str
    component: str | None = None
    application_field: str | None = None


def record_beta(transaction: Transaction, asked: Asked) -> Mapping[str, Any]:
    """Record it, and tell the sellers whom it concerns.

    Raises Problem `not_found` for a component that was never listed, and `invalid_request` for a β outside the bounds
    or finer than a millionth, for both or neither of what it may be for, and for a term that has begun, ends before it
    begins or is longer than TERM_MAX_QUARTERS.
    """
    _check(asked)
    _check_term(asked, quarter_of(text_of(transaction.at)))
    record_id = transaction.new_identifier("bov")
    listing_id, sellers = _concerned(transaction.connection, asked)
    place = asked.component or f"field:{asked.application_field}"
    told = {
        "beta": None if asked.beta is None else decimal_of(asked.beta),
        "first_epoch": asked.first_epoch,
        "last_epoch": asked.last_epoch,
        "record_id": record_id,
    }
    tell(transaction, "market_factor", place, listing_id or record_id, {**told, "reason": asked.reason}, sellers)
    values = {
        "number": next_number(transaction, _OWN.number),
        "record_id": record_id,
        "component": asked.component,
        "application_field": asked.application_field,
        "beta_millionths": None if asked.beta is None else int(asked.beta * MILLION),
        "first_epoch": asked.first_epoch,
        "last_epoch": asked.last_epoch,
        "reason": asked.reason,
        "recorded_by": transaction.actor,
        "at": text_of(transaction.at),
    }
    row = transaction.connection.execute(sa.insert(beta_overrides).values(**values).returning(beta_overrides)).one()
    transaction.log("oversight.set_beta", place, {**told, "reason_hash": hash_of(asked.reason)})
    return _document(row)


def records_page(
    connection: sa.Connection, component: str | None, application_field: str | None, token: str, size: int
) -> Mapping[str, Any]:
    """A page of records in the order in which they were made; all, or those of a component or of a field."""
    query = sa.select(beta_overrides).where(_OWN.number > read_number(token))
    if component is not None:
        query = query.where(_OWN.component == component)
    if application_field is not None:
        query = query.where(_OWN.application_field == application_field)
    rows = connection.execute(query.order_by(_OWN.number).limit(size + 1)).all()
    return page(rows, size, lambda row: str(row.number), _document)


def beta_records(connection: sa.Connection, from_epoch: str) -> tuple[BetaOverride, ...]:
    """All records whose term reaches a quarter or a later one, in order, as the vault knows them."""
    query = sa.select(beta_overrides).where(_OWN.last_epoch >= from_epoch).order_by(_OWN.number)
    return tuple(
        BetaOverride(
            record_id=row.record_id,
            beta=_beta(row),
            reason=row.reason,
            first_epoch=row.first_epoch,
            last_epoch=row.last_epoch,
            component=row.component,
            domain=row.application_field,
        )
        for row in connection.execute(query)
    )


def decimal_of(beta: Fraction) -> str:
    """β as a decimal, such as '1.05'."""
    return f"{float(beta):.6f}".rstrip("0").rstrip(".")


def _check(asked: Asked) -> None:
    if (asked.component is None) == (asked.application_field is None):
        raise Problem("invalid_request", "Name a component or a field, and not both.", "component")
    if asked.beta is None:
        return
    if (asked.beta * MILLION).denominator != 1:
        raise Problem("invalid_request", "A β has six decimals at most.", "beta")
    try:
        market_factor(0, 0, override=Override(asked.beta, "record"))
    except ValueError as error:
        raise Problem("invalid_request", f"The {error}.", "beta") from None


def _check_term(asked: Asked, now: str) -> None:
    for field, epoch in (("first_epoch", asked.first_epoch), ("last_epoch", asked.last_epoch)):
        try:
            bounds_of(epoch)
        except Problem as problem:
            raise Problem("invalid_request", problem.detail, field) from None
    if asked.first_epoch <= now:
        raise Problem(
            "invalid_request",
            f"{now} is priced already, and no quarter is priced anew once it has begun; the next one is {after(now)}.",
            "first_epoch",
        )
    quarters, last = 1, asked.first_epoch
    while last < asked.last_epoch and quarters <= TERM_MAX_QUARTERS:
        quarters, last = quarters + 1, after(last)
    if last != asked.last_epoch or quarters > TERM_MAX_QUARTERS:
        raise Problem(
            "invalid_request",
            f"The term begins with {asked.first_epoch} and is {TERM_MAX_QUARTERS} quarters at most.",
            "last_epoch",
        )


def _concerned(connection: sa.Connection, asked: Asked) -> tuple[str | None, list[str]]:
    """The component's newest listing, and the sellers of what it is for."""
    own = listings.c
    if asked.component is None:
        of_field = sa.select(own.seller_id).where(
            own.application_field == asked.application_field, own.state.in_(["listed", "frozen"])
        )
        return None, list(connection.execute(of_field.distinct()).scalars())
    newest = sa.select(own.listing_id, own.seller_id).where(own.component == asked.component)
    row = connection.execute(newest.order_by(own.release_number.desc()).limit(1)).one_or_none()
    if row is None:
        raise Problem("not_found", f"The component '{asked.component}' is not in the catalogue.", "component")
    return row.listing_id, [row.seller_id]


def _beta(row: sa.Row[Any]) -> Fraction | None:
    return None if row.beta_millionths is None else Fraction(row.beta_millionths, MILLION)


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    beta = _beta(row)
    return {
        "record_id": row.record_id,
        "component": row.component,
        "field": row.application_field,
        "beta": None if beta is None else decimal_of(beta),
        "first_epoch": row.first_epoch,
        "last_epoch": row.last_epoch,
        "reason": row.reason,
        "recorded_by": row.recorded_by,
        "at": row.at,
    }
