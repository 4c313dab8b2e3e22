"""Markets for the tests of screens: honest ones by a seed, and single trades and auctions to plant in them."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from market_api.screens.flags import Auction, Bid, ClearedTrade, Flag

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SELLERS = [f"dev_{number}" for number in range(8)]
BUYERS = [f"app_{number}" for number in range(30)]
OWNERS: Mapping[str, frozenset[str]] = {name: frozenset({f"owner of {name}"}) for name in (*SELLERS, *BUYERS)}


def trade(trade_id: str, **changes: Any) -> ClearedTrade:
    """A sale of a component among many, pulled once; `day` counts from the start of the quarter."""
    day = changes.pop("day", 0)
    given: dict[str, Any] = {
        "component": "zone_hourly_mobility",
        "application_field": "governance",
        "comparable_group": "governance/aggregate",
        "seller": "dev_0",
        "buyer": "app_0",
        "price_fen": 250_000,
        "closed_at": NOON - timedelta(days=80 - day),
        "pulls": 1,
        **changes,
    }
    return ClearedTrade(trade_id, **given)


def honest_trades(seed: int, count: int = 200) -> list[ClearedTrade]:
    """Eight developers sell to thirty others at prices that differ by a twentieth or so, and pull what they buy."""
    dice = random.Random(seed)
    return [
        trade(
            f"t{number:04d}",
            component=f"component_{dice.randrange(12)}",
            seller=dice.choice(SELLERS),
            buyer=dice.choice(BUYERS),
            price_fen=round(dice.lognormvariate(12.4, 0.05)),
            pulls=dice.randrange(1, 9),
            day=dice.uniform(0, 60),
        )
        for number in range(count)
    ]


def auction(auction_id: str, amounts_fen: Mapping[str, int], day: float = 0, **changes: Any) -> Auction:
    """A closed auction that the highest bid won."""
    bids = tuple(Bid(bidder, amount) for bidder, amount in amounts_fen.items())
    winner = max(amounts_fen, key=lambda bidder: amounts_fen[bidder]) if amounts_fen else None
    given: dict[str, Any] = {
        "series": "governance",
        "reserve_fen": 200_000,
        "winner": winner,
        "closed_at": NOON + timedelta(days=day),
        **changes,
    }
    return Auction(auction_id, bids=bids, **given)


def honest_auctions(seed: int, count: int = 30, bidders: int = 4) -> list[Auction]:
    """Each bidder's worth is drawn anew each time."""
    dice = random.Random(seed)
    return [
        auction(
            f"a{number:03d}",
            {f"app_{each}": 200_000 + round(dice.expovariate(1 / 100_000)) for each in range(bidders)},
            day=number,
        )
        for number in range(count)
    ]


def kinds(flags: Sequence[Flag]) -> set[str]:
    return {flag.kind for flag in flags}
