"""Negotiation (议价): a band around P¹, and offers by turns that only ever approach each other.

A negotiation is a frozen value; every act gives the next one or raises ValueError that says which rule it breaks.
Sources: white paper, trade by negotiation; models §6.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from pricing.clearance import Clearance, require_clearance
from pricing.exact import whole_fen, within
from pricing.money import Amount

Party = Literal["buyer", "seller"]
State = Literal["open", "counter", "agreed", "rejected", "expired", "withdrawn"]

TOLERANCE = Fraction(15, 100)
LEAST_STEP = Fraction(5, 1000)
MOST_ROUNDS = 10
TIME_TO_LIVE = timedelta(hours=72)


@dataclass(frozen=True)
class Band:
    """The prices that may be offered without a waiver, both ends included. Exact fen, so no rounding narrows it."""

    lowest: Fraction
    highest: Fraction

    def holds(self, price_fen: int) -> bool:
        """Whether lowest <= price <= highest."""
        return self.lowest <= price_fen <= self.highest

    @property
    def lowest_fen(self) -> int:
        """The lowest whole fen inside."""
        return math.ceil(self.lowest)

    @property
    def highest_fen(self) -> int:
        """The highest whole fen inside."""
        return math.floor(self.highest)


@dataclass(frozen=True)
class Offer:
    """A price by one party at a moment, under terms known by their hash.

    price_fen: fen, above 0. waiver_id: the regulator's waiver, for a price outside the band.
    """

    party: Party
    price_fen: int
    terms_sha256: str
    made_at: datetime
    waiver_id: str | None = None

    def __post_init__(self) -> None:
        if self.party not in ("buyer", "seller"):
            raise ValueError(f"party must be buyer or seller, not {self.party!r}")
        whole_fen("price_fen", self.price_fen, least=1)
        _check_moment(self.made_at)


@dataclass(frozen=True)
class Rules:
    """Limits of a negotiation: the least step as a share of one's own last price, rounds of two offers, hours to live.

    A round is one offer of each party.
    """

    least_step: Amount = LEAST_STEP
    most_rounds: int = MOST_ROUNDS
    time_to_live: timedelta = TIME_TO_LIVE

    def __post_init__(self) -> None:
        within("least_step", self.least_step, 0, 1)
        if self.most_rounds < 1:
            raise ValueError(f"most_rounds must be 1 or more, not {self.most_rounds}")
        if self.time_to_live <= timedelta(0):
            raise ValueError(f"time_to_live must be above 0, not {self.time_to_live}")


@dataclass(frozen=True)
class Negotiation:
    """One negotiation as it stands: its band, the terms it is about, the offers so far, and what came of them."""

    band: Band
    terms_sha256: str
    opened_at: datetime
    rules: Rules = Rules()
    offers: tuple[Offer, ...] = ()
    state: State = "open"
    agreed_fen: int | None = None

    def __post_init__(self) -> None:
        _check_moment(self.opened_at)

    @property
    def last_moment(self) -> datetime:
        """When something last happened: the last offer, or the opening."""
        return self.offers[-1].made_at if self.offers else self.opened_at

    @property
    def expires_at(self) -> datetime:
        """Until when the standing offer, or the opening, can be answered."""
        return self.last_moment + self.rules.time_to_live

    def standing(self, party: Party) -> Offer | None:
        """The party's last offer, which binds it."""
        return next((offer for offer in reversed(self.offers) if offer.party == party), None)


def negotiation_band(
    cost_price_fen: Amount, price_fen: Amount, tolerance: Amount = TOLERANCE, ceiling_fen: Amount | None = None
) -> Band:
    """L = max(P', (1 - δ)·P¹), U = (1 + δ)·P¹; under a ceiling, U = min(U, ceiling).

    Amounts in fen, 0 or more; δ in [0, 1]. Raises ValueError else, and where L is above U: then no price both covers
    the cost and may be asked. Source: models §6.
    """
    delta, price = within("δ", tolerance, 0, 1), within("P¹", price_fen)
    lowest = max(within("P'", cost_price_fen), (1 - delta) * price)
    highest = (1 + delta) * price
    if ceiling_fen is not None:
        highest = min(highest, within("ceiling", ceiling_fen))
    if lowest > highest:
        raise ValueError(f"no price is left between {float(lowest):.2f} fen and {float(highest):.2f} fen")
    return Band(lowest, highest)


def offered(negotiation: Negotiation, offer: Offer, clearance: Clearance) -> Negotiation:
    """The negotiation after an offer. One that meets or crosses the other party's closes at that earlier price.

    Rules: parties take turns; the seller never asks more than before, the buyer never bids less; who moves, moves by
    the least step unless that crosses; at most the rounds allowed; same terms; within the band unless waived; in time.
    Raises ValueError for what breaks one, and where a closing lacks clearance. Source: models §6.
    """
    _check_live(negotiation, offer.made_at)
    _check_turn(negotiation, offer)
    _check_price(negotiation, offer)
    against = negotiation.standing(_other(offer.party))
    after = replace(negotiation, offers=(*negotiation.offers, offer), state="counter")
    if against is not None and _meets(offer, against):
        return _agreed(after, against, clearance)
    return after


def accepted(negotiation: Negotiation, party: Party, at: datetime, clearance: Clearance) -> Negotiation:
    """The party takes the other's standing price. Raises ValueError where there is none, too late, or not cleared.

    Source: models §6.
    """
    _check_live(negotiation, at)
    against = negotiation.standing(_other(party))
    if against is None:
        raise ValueError(f"the {_other(party)} has no offer standing to accept")
    return _agreed(negotiation, against, clearance)


def rejected(negotiation: Negotiation, party: Party, at: datetime) -> Negotiation:
    """The party ends it by refusing the other's offer. Raises ValueError where there is none, or too late.

    Source: models §6.
    """
    _check_live(negotiation, at)
    if negotiation.standing(_other(party)) is None:
        raise ValueError(f"the {_other(party)} has no offer standing to reject")
    return replace(negotiation, state="rejected")


def withdrawn(negotiation: Negotiation, at: datetime) -> Negotiation:
    """Either party leaves before an agreement. Raises ValueError where it is over already. Source: models §6."""
    _check_live(negotiation, at)
    return replace(negotiation, state="withdrawn")


def as_of(negotiation: Negotiation, at: datetime) -> Negotiation:
    """The negotiation at a moment: expired where nothing happened within the time to live. Source: models §6."""
    _check_moment(at)
    over = negotiation.state not in ("open", "counter")
    return negotiation if over or at <= negotiation.expires_at else replace(negotiation, state="expired")


def deliverable_fen(negotiation: Negotiation, clearance: Clearance) -> int:
    """The agreed price, at the moment of delivery. Raises ValueError where nothing is agreed or clearance is lost.

    Source: models §6.
    """
    if negotiation.agreed_fen is None:
        raise ValueError(f"nothing is agreed: the negotiation is {negotiation.state}")
    require_clearance(clearance)
    return negotiation.agreed_fen


def _agreed(negotiation: Negotiation, standing: Offer, clearance: Clearance) -> Negotiation:
    require_clearance(clearance)
    return replace(negotiation, state="agreed", agreed_fen=standing.price_fen)


def _check_live(negotiation: Negotiation, at: datetime) -> None:
    _check_moment(at)
    if negotiation.state not in ("open", "counter"):
        raise ValueError(f"the negotiation is over: {negotiation.state}")
    if at < negotiation.last_moment:
        raise ValueError(f"{at.isoformat()} is before the last event, {negotiation.last_moment.isoformat()}")
    if at > negotiation.expires_at:
        raise ValueError(f"the negotiation expired at {negotiation.expires_at.isoformat()}")


def _check_turn(negotiation: Negotiation, offer: Offer) -> None:
    if offer.terms_sha256 != negotiation.terms_sha256:
        raise ValueError("the terms changed, so a new negotiation must be opened")
    if negotiation.offers and negotiation.offers[-1].party == offer.party:
        raise ValueError(f"it is the {_other(offer.party)}'s turn")
    if len(negotiation.offers) >= 2 * negotiation.rules.most_rounds:
        raise ValueError(f"all {negotiation.rules.most_rounds} rounds are used: accept, reject or withdraw")


def _check_price(negotiation: Negotiation, offer: Offer) -> None:
    if not negotiation.band.holds(offer.price_fen) and not offer.waiver_id:
        band = negotiation.band
        raise ValueError(
            f"{offer.price_fen} fen is outside the band {band.lowest_fen} to {band.highest_fen} fen, "
            "which needs a regulator's waiver"
        )
    before = negotiation.standing(offer.party)
    if before is None:
        return
    concession = before.price_fen - offer.price_fen if offer.party == "seller" else offer.price_fen - before.price_fen
    if concession < 0:
        raise ValueError(f"the {offer.party} offered {before.price_fen} fen before and may not go back on it")
    least = within("least_step", negotiation.rules.least_step) * before.price_fen
    against = negotiation.standing(_other(offer.party))
    if 0 < concession < least and not (against is not None and _meets(offer, against)):
        raise ValueError(f"a step must be {math.ceil(least)} fen or more, not {concession}")


def _meets(offer: Offer, against: Offer) -> bool:
    if offer.party == "buyer":
        return offer.price_fen >= against.price_fen
    return offer.price_fen <= against.price_fen


def _other(party: Party) -> Party:
    return "seller" if party == "buyer" else "buyer"


def _check_moment(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {at.isoformat()}")
