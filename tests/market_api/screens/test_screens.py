"""All screens together: silent over an honest market, each pattern found among the others, and never a verdict."""

from datetime import timedelta

import pytest

from market_api.screens import screened
from market_api.screens.flags import NO_VERDICT, Bid, ClearedTrade
from tests.market_api.screens.patterns import NOON, OWNERS, auction, honest_auctions, honest_trades, kinds, trade

PROVIDERS = {"zone_hourly_mobility": frozenset({"taxis"})}


def patterns() -> list[ClearedTrade]:
    """One of each kind of trade."""
    return [
        trade("w1", seller="dev_0", buyer="dev_1", component="wash", day=1),
        trade("w2", seller="dev_1", buyer="dev_0", component="wash", day=2),
        *(trade(f"u{number}", seller="dev_2", buyer="app_1", pulls=0, day=number) for number in range(3)),
        trade("c1", seller="dev_3", buyer="dev_4", day=1),
        trade("c2", seller="dev_5", buyer="dev_3", day=2),
        trade("c3", seller="dev_4", buyer="dev_5", day=3),
        trade("o1", seller="dev_6", buyer="app_2", price_fen=9_000_000, guide_fen=250_000),
        trade("s1", seller="dev_7", buyer="app_3"),
        trade("p1", seller="dev_7", buyer="taxis"),
    ]


def test_an_honest_market_has_no_flags() -> None:
    assert screened(honest_trades(1), honest_auctions(1), OWNERS, PROVIDERS, NOON) == ()


def test_every_pattern_is_found_among_the_others_and_none_is_judged() -> None:
    owners = {**OWNERS, "app_3": OWNERS["dev_7"]}
    turns = [
        auction(f"a{n:02d}", {"app_0": 300_000 + n % 2, "app_1": 300_001 - n % 2, "app_9": 200_000}, n)
        for n in range(20)
    ]
    found = screened([*honest_trades(1), *patterns()], turns, owners, PROVIDERS, NOON)
    assert kinds(found) >= {
        "round_trip",
        "unpulled_repeats",
        "circular_flow",
        "price_outlier",
        "off_guide_price",
        "shared_owner",
        "provider_buys",
        "owner_unknown",
        "bid_rotation",
    }
    assert all(flag.explanation.endswith(NO_VERDICT) for flag in found if flag.kind != "not_enough")
    assert not any(word in flag.explanation.lower() for flag in found for word in ("guilty", "fraud", "illegal"))
    assert list(found) == sorted(found, key=lambda flag: (flag.kind, flag.subjects, flag.explanation))


def test_a_market_without_trades_is_silent() -> None:
    assert screened([], [], {}, {}, NOON) == ()


@pytest.mark.parametrize(
    "changes", [{"price_fen": -1}, {"guide_fen": -1}, {"pulls": -1}, {"closed_at": NOON.replace(tzinfo=None)}]
)
def test_a_trade_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"price_fen|guide_fen|pulls|time zone"):
        trade("x", **changes)


def test_an_auction_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="did not bid"):
        auction("a", {"app_0": 1}, winner="app_1")
    with pytest.raises(ValueError, match="time zone"):
        auction("a", {"app_0": 1}, closed_at=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="amount_fen"):
        Bid("app_0", -1)


def test_many_trades_are_screened_in_a_moment() -> None:
    trades = honest_trades(9, count=20_000)
    assert "owner_unknown" not in kinds(screened(trades, [], OWNERS, PROVIDERS, NOON + timedelta(days=1)))
