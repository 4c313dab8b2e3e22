"""What screens look at, and what they say: closed trades and auctions in, flags out; all of them frozen values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pricing.exact import whole_fen

FlagKind = Literal[
    "concentration",
    "shared_owner",
    "provider_buys",
    "owner_unknown",
    "round_trip",
    "unpulled_repeats",
    "circular_flow",
    "price_outlier",
    "off_guide_price",
    "bid_rotation",
    "suppressed_variance",
    "not_enough",
]

NO_VERDICT = "This is a pattern and no finding: a person decides what it means."
IDS_TOLD = 5


@dataclass(frozen=True)
class ClearedTrade:
    """A sale that was settled. comparable_group: of what it is compared with, such as 'governance/aggregate'.

    pulls: how often the licence was pulled up to now; guide_fen: P² of the component on that day, None without one.
    """

    trade_id: str
    component: str
    application_field: str
    comparable_group: str
    seller: str
    buyer: str
    price_fen: int
    closed_at: datetime
    pulls: int = 0
    guide_fen: int | None = None

    def __post_init__(self) -> None:
        whole_fen("price_fen", self.price_fen)
        if self.guide_fen is not None:
            whole_fen("guide_fen", self.guide_fen)
        if self.pulls < 0:
            raise ValueError("pulls must be 0 or more")
        if self.closed_at.tzinfo is None:
            raise ValueError("closed_at needs a time zone")


@dataclass(frozen=True)
class Bid:
    """What a bidder bid at last, in fen."""

    bidder: str
    amount_fen: int

    def __post_init__(self) -> None:
        whole_fen("amount_fen", self.amount_fen)


@dataclass(frozen=True)
class Auction:
    """A closed auction. series: with which others it is looked at, such as its field; winner: None without a sale."""

    auction_id: str
    series: str
    reserve_fen: int
    bids: tuple[Bid, ...]
    winner: str | None
    closed_at: datetime

    def __post_init__(self) -> None:
        whole_fen("reserve_fen", self.reserve_fen)
        bidders = [bid.bidder for bid in self.bids]
        if len(set(bidders)) < len(bidders):
            raise ValueError("a bidder comes twice among the bids")
        if self.winner is not None and self.winner not in bidders:
            raise ValueError("the winner did not bid")
        if self.closed_at.tzinfo is None:
            raise ValueError("closed_at needs a time zone")


@dataclass(frozen=True)
class Flag:
    """Something to look at: whom it is about, what was measured, from where on it is flagged, and why, in words."""

    kind: FlagKind
    subjects: tuple[str, ...]
    measure: float
    threshold: float
    explanation: str


def flag(kind: FlagKind, subjects: Iterable[str], measure: float, threshold: float, why: str) -> Flag:
    """A flag whose words end with what a flag is."""
    return Flag(kind, tuple(subjects), float(measure), float(threshold), f"{why} {NO_VERDICT}")


def not_enough(subjects: Iterable[str], count: int, least: int, what: str) -> Flag:
    """That a screen could not look: silence would read as a clean record."""
    why = f"{what}: {count} are too few to tell anything, {least} are needed."
    return Flag("not_enough", tuple(subjects), float(count), float(least), why)


def named(trades: Iterable[ClearedTrade]) -> str:
    """The first trades by name, and how many more."""
    names = sorted(trade.trade_id for trade in trades)
    more = f" and {len(names) - IDS_TOLD} more" if len(names) > IDS_TOLD else ""
    return f"{', '.join(names[:IDS_TOLD])}{more}"
