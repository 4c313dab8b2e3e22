"""A field in few hands is flagged, a field in many is not, and of a young one nothing is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.screens.concentration import concentration_flags, concentrations
from market_api.screens.flags import NO_VERDICT, ClearedTrade, Flag
from tests.market_api.screens.patterns import honest_trades, kinds, trade
from tests.pricing.markets import unhurried


def flags(trades: list[ClearedTrade]) -> list[Flag]:
    return list(concentration_flags(concentrations(trades)))


def test_shares_and_the_index_are_those_of_the_money() -> None:
    amounts = {"a": 400, "b": 300, "c": 200, "d": 100}
    sellers, buyers = concentrations([trade(name, seller=name, price_fen=amount) for name, amount in amounts.items()])
    assert (sellers.application_field, sellers.side, sellers.trades, sellers.total_fen) == (
        "governance",
        "sellers",
        4,
        1000,
    )
    assert (sellers.hhi, sellers.top_1, sellers.top_3) == (3000.0, 0.4, 0.9)
    assert sellers.largest == ("a", "b", "c")
    assert (buyers.hhi, buyers.top_1, buyers.largest) == (10_000.0, 1.0, ("app_0",))


@pytest.mark.parametrize("seed", range(5))
def test_an_open_field_is_not_flagged(seed: int) -> None:
    assert flags(honest_trades(seed)) == []


def test_a_field_that_one_seller_took_is_flagged_by_index_and_by_share() -> None:
    taken = [trade(f"x{number}", seller="dev_0", buyer=f"app_{number % 30}") for number in range(300)]
    found = flags(honest_trades(1) + taken)
    assert {flag.subjects[:2] for flag in found} == {("governance", "sellers")}
    assert [flag.threshold for flag in found] == [1800.0, 0.5, 0.75][: len(found)] and len(found) >= 2
    assert found[1].subjects == ("governance", "sellers", "dev_0") and found[1].measure > 0.5
    assert all(NO_VERDICT in flag.explanation for flag in found)


def test_buyers_are_looked_at_too() -> None:
    taken = [trade(f"x{number}", seller=f"dev_{number % 8}", buyer="app_7") for number in range(300)]
    assert {flag.subjects[1] for flag in flags(honest_trades(1) + taken)} == {"buyers"}


def test_fields_are_looked_at_one_by_one() -> None:
    alone = [trade(f"x{number}", application_field="livelihood") for number in range(10)]
    found = flags(honest_trades(1) + alone)
    assert {flag.subjects[0] for flag in found} == {"livelihood"}


def test_of_a_field_with_few_trades_it_says_so() -> None:
    found = flags([trade(f"x{number}") for number in range(9)])
    assert kinds(found) == {"not_enough"} and (found[0].measure, found[0].threshold) == (9, 10)


def test_what_is_free_of_charge_has_no_shares() -> None:
    assert concentrations([trade(f"x{number}", price_fen=0) for number in range(20)]) == ()
    assert concentrations([]) == ()


@unhurried
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 10**12)), min_size=1, max_size=30))
def test_the_index_lies_between_equal_shares_and_a_monopoly(paid: list[tuple[str, int]]) -> None:
    trades = [trade(str(number), seller=seller, price_fen=fen) for number, (seller, fen) in enumerate(paid)]
    sellers, _ = concentrations(trades)
    assert 10_000 / len({seller for seller, _ in paid}) <= sellers.hhi * (1 + 1e-12)
    assert sellers.hhi <= 10_000 and 0 < sellers.top_1 <= sellers.top_3 <= 1
    assert concentrations(trades[::-1]) == concentrations(trades)
