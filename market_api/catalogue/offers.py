"""What a seller offers of a release, and what its signed datasheet allows: whose it is, for what, and who shares.

Nothing of it is taken on trust: purposes lie within the contract's permitted uses and within the purposes of every
right that the release rests on; the seller is the contract's owner or provider by the party that was confirmed at its
admission; shares are exact and make up the whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Literal

import sqlalchemy as sa

from market_api.identity.tables import participants
from market_api.problems import Problem
from market_api.rates.receivers import Receiver, measured
from market_api.trading.terms import Terms
from vault.releases.datasheet import Document

Shares = tuple[tuple[str, Fraction], ...]
"""Participants, each with its share of what is left of a sale after tax and fee."""


@dataclass(frozen=True)
class Offer:
    """What a seller asks to list.

    terms: the widest licence; price_fen: to post, None for P² as the regime leaves it, or where price is 'on_request';
    shares: as agreed, None where they are measured by what each source contributed, of which the providers then get
    providers_share.
    """

    release: str
    terms: Terms
    price: Literal["posted", "on_request"] = "posted"
    price_fen: int | None = None
    shares: Shares | None = None
    providers_share: Fraction | None = None


def require_own(document: Document, party: str | None) -> None:
    """A seller lists its own components only. party: confirmed at its admission. Raises Problem `not_permitted`."""
    contract = document["contract"]
    if party is None:
        raise Problem(
            "not_permitted",
            "No party is confirmed of your participant, so nothing shows that the component is yours; the operator "
            "confirms it at admission.",
            "release",
        )
    if party not in (contract["owner"], contract["provider"]):
        raise Problem(
            "not_permitted",
            f"'{party}', the party confirmed of you, is neither the owner nor the provider of this component.",
            "release",
        )


def require_permitted(document: Document, terms: Terms) -> None:
    """Purposes must lie within what contract and rights permit. Raises Problem `invalid_request`."""
    permitted = permitted_purposes(document)
    beyond = [purpose for purpose in terms.purposes if purpose not in permitted]
    if beyond:
        within = ", ".join(permitted) or "none"
        raise Problem(
            "invalid_request",
            f"The contract and all rights that it rests on permit: {within}; not {', '.join(beyond)}.",
            "terms.purposes",
        )


def permitted_purposes(document: Document) -> tuple[str, ...]:
    """The uses that the contract permits and that every right was granted for."""
    purposes = set(document["contract"]["permittedUses"])
    for right in document["rights"]:
        purposes &= set(right["purposes"])
    return tuple(sorted(purposes))


def term_warnings(document: Document, terms: Terms, at: datetime) -> Iterator[str]:
    """Where a licence sold now would outlast a right: deliveries stop when that ends."""
    ends = (at + timedelta(days=terms.term_days)).date()
    first = min(document["rights"], key=lambda right: str(right["valid_until"]))
    if date.fromisoformat(first["valid_until"]) < ends:
        yield (
            f"A licence of {terms.term_days} days outlasts the {first['confirmation']} right on '{first['subject']}', "
            f"which ends on {first['valid_until']}; nothing is delivered after that."
        )


def agreed_shares(connection: sa.Connection, document: Document, seller_id: str, offer: Offer) -> Shares:
    """Who gets which share of a sale.

    A holder of a right who takes part in the market, by its party, has a share or there is no listing; one who does not
    take part is paid by the seller as their contract says. Raises Problem `invalid_request`.
    """
    by_party = _participants_of(connection, [right["holder"] for right in document["rights"]])
    if offer.shares is None:
        return _measured_shares(document, seller_id, offer.providers_share, by_party)
    _check_shares(offer.shares)
    _require_admitted(connection, [receiver for receiver, _ in offer.shares])
    receivers = {receiver for receiver, _ in offer.shares}
    for right in document["rights"]:
        holder_id = by_party.get(right["holder"])
        if right["confirmation"] == "holding" and holder_id not in (None, seller_id) and holder_id not in receivers:
            raise Problem(
                "invalid_request",
                f"'{right['holder']}' holds the right on '{right['subject']}' and takes part in this market as "
                f"{holder_id}: give it its share.",
                "shares",
            )
    return offer.shares


def _check_shares(shares: Shares) -> None:
    receivers = [receiver for receiver, _ in shares]
    if len(set(receivers)) < len(receivers):
        raise Problem("invalid_request", "A participant stands twice among the shares.", "shares")
    if any(share <= 0 for _, share in shares):
        raise Problem("invalid_request", "A share is above 0; leave out who gets nothing.", "shares")
    whole = sum((share for _, share in shares), Fraction(0))
    if whole != 1:
        raise Problem("invalid_request", f"The shares make up {whole}, not the whole.", "shares")


def _require_admitted(connection: sa.Connection, receivers: Sequence[str]) -> None:
    own = participants.c
    admitted = sa.select(own.participant_id).where(own.participant_id.in_(receivers), own.state == "admitted")
    missing = set(receivers) - set(connection.execute(admitted).scalars())
    if missing:
        raise Problem("invalid_request", f"{min(missing)} is not an admitted participant.", "shares")


def _measured_shares(
    document: Document, seller_id: str, providers_share: Fraction | None, by_party: Mapping[str, str]
) -> Shares:
    if providers_share is None:
        raise Problem(
            "invalid_request",
            "Say which part the providers get together; each source's own follows from its records.",
            "providers_share",
        )
    holders = {right["subject"]: right["holder"] for right in document["rights"] if right["confirmation"] == "holding"}
    provider_of = {source: by_party[holder] for source, holder in holders.items() if holder in by_party}
    try:
        receivers = measured(seller_id, providers_share, document["lineage"], provider_of)
    except ValueError as error:
        raise Problem(
            "invalid_request",
            f"The contributions cannot be measured: {error}. Every source's holder must be an admitted participant "
            "under the name in the datasheet, else give the shares as agreed.",
            "shares",
        ) from None
    return _together(receivers)


def _together(receivers: Sequence[Receiver]) -> Shares:
    """One share for each participant; who is seller and provider has both."""
    shares: dict[str, Fraction] = {}
    for each in receivers:
        shares[each.receiver] = shares.get(each.receiver, Fraction(0)) + Fraction(each.share)
    return tuple(sorted((receiver, share) for receiver, share in shares.items() if share))


def _participants_of(connection: sa.Connection, parties: Sequence[str]) -> dict[str, str]:
    own = participants.c
    found = sa.select(own.party, own.participant_id).where(own.party.in_(sorted(set(parties))), own.state == "admitted")
    return {row.party: row.participant_id for row in connection.execute(found)}
