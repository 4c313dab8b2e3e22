"""Who sells to itself, by whatever name, is flagged; the owner is not named, and an unknown one is told as that."""

from market_api.screens.self_dealing import self_dealing
from tests.market_api.screens.patterns import OWNERS, honest_trades, kinds, trade

NOBODY: dict[str, frozenset[str]] = {}
PROVIDERS = {"zone_hourly_mobility": frozenset({"taxis", "buses"})}


def test_an_honest_market_deals_with_others() -> None:
    assert list(self_dealing(honest_trades(1), OWNERS, PROVIDERS)) == []


def test_two_that_share_an_owner_are_flagged_together_and_the_owner_is_not_named() -> None:
    owners = {**OWNERS, "dev_3": frozenset({"Li Wei", "Wang Fang"}), "app_9": frozenset({"Li Wei"})}
    planted = [trade(f"x{number}", seller="dev_3", buyer="app_9") for number in range(7)]
    (flag,) = self_dealing([*honest_trades(1), *planted], owners, NOBODY)
    assert (flag.kind, flag.subjects, flag.threshold) == ("shared_owner", ("app_9", "dev_3"), 1)
    assert flag.measure >= 7 and "and" in flag.explanation and "more" in flag.explanation
    assert "Li Wei" not in flag.explanation and "x" in flag.explanation


def test_who_buys_from_itself_is_flagged_even_without_a_record() -> None:
    found = list(self_dealing([trade("x", seller="dev_0", buyer="dev_0")], NOBODY, NOBODY))
    assert kinds(found) == {"shared_owner", "owner_unknown"}


def test_a_provider_and_its_owner_are_flagged_as_buyers_of_its_own_data() -> None:
    owners = {**OWNERS, "taxis": frozenset({"holding"}), "app_1": frozenset({"holding"}), "app_2": frozenset({"taxis"})}
    for buyer in ("taxis", "app_1", "app_2"):
        (flag,) = self_dealing([trade("x", buyer=buyer)], owners, PROVIDERS)
        assert (flag.kind, flag.subjects) == ("provider_buys", (buyer, "zone_hourly_mobility"))
    assert list(self_dealing([trade("x", buyer="app_1", component="other")], owners, PROVIDERS)) == []
    assert list(self_dealing([trade("x", buyer="app_3")], owners, PROVIDERS)) == []


def test_whoever_has_no_owner_on_record_is_told_as_that() -> None:
    owners = {**OWNERS, "app_0": frozenset[str]()}
    (flag,) = self_dealing([trade("x"), trade("y")], owners, NOBODY)
    assert (flag.kind, flag.subjects, flag.measure) == ("owner_unknown", ("app_0",), 2)


def test_two_without_owners_on_record_share_none() -> None:
    assert kinds(list(self_dealing([trade("x")], NOBODY, NOBODY))) == {"owner_unknown"}
