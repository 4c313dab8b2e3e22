"""Builders shared by the tests of prices and markets: bids, offers, negotiations, factors, listings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from pricing.auction import SealedBid
from pricing.clearance import Clearance
from pricing.comparables import Comparable, Factors
from pricing.draw import drawn_order
from pricing.negotiation import Negotiation, Offer, Party, negotiation_band, offered

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLEARED = Clearance(safe=True, gate_open=True)
SEED = b"revealed after the close"
DRAW = drawn_order(SEED)
TERMS = "a" * 64
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]

unhurried = settings(deadline=None)
"""The machine may be shared, so no example is timed."""

amounts_fen = st.integers(0, 10**9)
shares = st.fractions(0, 1, max_denominator=1000)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def bids(*amounts_fen: int) -> list[SealedBid]:
    """One bid each by bidder0, bidder1, ..."""
    return [SealedBid(f"bid{number}", f"bidder{number}", amount) for number, amount in enumerate(amounts_fen)]


bid_lists = st.lists(st.integers(0, 12), max_size=9).map(lambda amounts: bids(*amounts))


def factors(scarcity: float = 0.5, timeliness: float = 0.75, records: float = 1e6, coverage: float = 0.95) -> Factors:
    return Factors(scarcity, timeliness, records, coverage)


def sale(price: float, age_days: float = 0, buyer: str = "", **changes: object) -> Comparable:
    """A sale, each to a buyer of its own unless one is named."""
    return Comparable(price, age_days, buyer or f"buyer at {price}", **changes)  # type: ignore[arg-type]


def negotiation(cost_price_fen: int = 80_000, price_fen: int = 100_000, **changes: object) -> Negotiation:
    """Open since noon, with a band of 85,000 to 115,000 fen."""
    return Negotiation(negotiation_band(cost_price_fen, price_fen), TERMS, NOON, **changes)  # type: ignore[arg-type]


def offer(party: Party, price_fen: int, minute: float = 0, **changes: object) -> Offer:
    values = {"terms_sha256": TERMS, "made_at": NOON + minutes(minute), **changes}
    return Offer(party, price_fen, **values)  # type: ignore[arg-type]


def after(opened: Negotiation, moves: Sequence[tuple[Party, int]]) -> Negotiation:
    """The negotiation after moves a minute apart."""
    for minute, (party, price_fen) in enumerate(moves, start=1):
        opened = offered(opened, offer(party, price_fen, minute), CLEARED)
    return opened
