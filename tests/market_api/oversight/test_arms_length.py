"""Arm's length: no trade whose two sides a screen speaks against."""

from datetime import timedelta
from typing import Any

from market_api.oversight.arms_length import doubtful_trades
from market_api.screens.flags import ClearedTrade
from tests.market_api.builders import NOON

STRANGERS = {name: frozenset({f"owner of {name}"}) for name in ("s", "t", "a", "b", "c", "p")}


def test_strangers_trade_at_arms_length() -> None:
    assert doubtful(trade(1, "s", "a"), trade(2, "s", "b"), trade(3, "t", "a")) == set()


def test_one_owner_on_both_sides_is_not_at_arms_length() -> None:
    owners = {**STRANGERS, "a": STRANGERS["s"]}
    assert doubtful(trade(1, "s", "a"), trade(2, "s", "b"), trade(3, "t", "a"), owners=owners) == {"ord_1"}


def test_an_owner_that_nobody_knows_speaks_against_every_trade_of_his() -> None:
    owners = {**STRANGERS, "a": frozenset()}
    found = doubtful(trade(1, "s", "a"), trade(2, "s", "b"), trade(3, "a", "c"), owners=owners)
    assert found == {"ord_1", "ord_3"}
    assert doubtful(trade(1, "s", "nobody")) == {"ord_1"}


def test_whoever_sells_to_itself_is_not_at_arms_length() -> None:
    assert doubtful(trade(1, "s", "s")) == {"ord_1"}


def test_a_provider_that_buys_its_own_is_not_at_arms_length() -> None:
    found = doubtful(
        trade(1, "s", "p"), trade(2, "s", "p", component="other"), providers={"zone_hours": frozenset({"p"})}
    )
    assert found == {"ord_1"}


def test_forth_and_back_is_not_at_arms_length() -> None:
    assert doubtful(trade(1, "s", "a"), trade(2, "a", "s"), trade(3, "s", "b")) == {"ord_1", "ord_2"}


def test_sales_that_nobody_pulls_are_not_at_arms_length() -> None:
    unpulled = [trade(number, "s", "a", pulls=0) for number in range(3)]
    assert doubtful(*unpulled, trade(9, "s", "b")) == {"ord_0", "ord_1", "ord_2"}


def test_money_that_goes_round_is_not_at_arms_length() -> None:
    ring = [trade(1, "b", "a"), trade(2, "c", "b"), trade(3, "a", "c")]
    assert doubtful(*ring, trade(4, "s", "a", price_fen=7)) == {"ord_1", "ord_2", "ord_3"}


def test_no_trades_are_none() -> None:
    assert doubtful() == set()


def trade(number: int, seller: str, buyer: str, **changes: Any) -> ClearedTrade:
    given: dict[str, Any] = {
        "trade_id": f"ord_{number}",
        "component": "zone_hours",
        "application_field": "governance",
        "comparable_group": "governance/aggregate",
        "seller": seller,
        "buyer": buyer,
        "price_fen": 100_000,
        "closed_at": NOON + timedelta(days=number),
        "pulls": 1,
    }
    return ClearedTrade(**{**given, **changes})


def doubtful(*trades: ClearedTrade, owners: Any = None, providers: Any = None) -> set[str]:
    found = doubtful_trades(trades, STRANGERS if owners is None else owners, providers or {}, NOON + timedelta(days=90))
    return set(found)
