"""Shares are those of the contract, or those of the records that each provider handed over."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.rates.receivers import Receiver, contracted, measured, require_whole
from tests.pricing.markets import unhurried


def lineage(**rows_of: list[int]) -> list[dict[str, Any]]:
    return [
        {"source": source, "batches": [{"sha256": "0" * 64, "rows": rows} for rows in batches]}
        for source, batches in rows_of.items()
    ]


def shares(receivers: tuple[Receiver, ...]) -> dict[tuple[str, str], Fraction]:
    return {(each.receiver, each.role): each.share for each in receivers}


def test_the_seller_has_what_the_contract_leaves() -> None:
    assert shares(contracted("dev", {"bureau": Fraction(1, 5), "buses": 0.25})) == {
        ("dev", "seller"): Fraction(11, 20),
        ("bureau", "provider"): Fraction(1, 5),
        ("buses", "provider"): Fraction(1, 4),
    }


def test_measured_shares_follow_the_rows_of_all_sources_of_a_provider() -> None:
    found = measured(
        "dev",
        Fraction(1, 2),
        lineage(trips=[60_000, 60_000], zones=[266], stops=[119_734]),
        {"trips": "taxis", "zones": "taxis", "stops": "buses", "unused": "nobody"},
    )
    assert shares(found) == {
        ("dev", "seller"): Fraction(1, 2),
        ("taxis", "provider"): Fraction(1, 2) * Fraction(120_266, 240_000),
        ("buses", "provider"): Fraction(1, 2) * Fraction(119_734, 240_000),
    }


def test_a_source_that_nobody_answers_for_is_not_paid_by_a_guess() -> None:
    with pytest.raises(ValueError, match="the source zones has no provider"):
        measured("dev", Fraction(1, 2), lineage(trips=[1], zones=[1]), {"trips": "taxis"})


@pytest.mark.parametrize("sources", [{}, {"trips": [0]}, {"trips": []}])
def test_without_rows_no_contribution_is_measured(sources: dict[str, list[int]]) -> None:
    with pytest.raises(ValueError, match="no source records"):
        measured("dev", Fraction(1, 2), lineage(**sources), {"trips": "taxis"})
    assert shares(measured("dev", 0, lineage(**sources), {"trips": "taxis"}))[("dev", "seller")] == 1


@pytest.mark.parametrize("providers", [{"bureau": Fraction(11, 10)}, {"bureau": -0.1}, {"a": 0.6, "b": 0.5}])
def test_shares_of_more_than_there_is_are_refused(providers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="share"):
        contracted("dev", providers)


def test_shares_that_are_not_the_whole_or_stand_twice_are_refused() -> None:
    half = Receiver("dev", "seller", Fraction(1, 2))
    for receivers in ((), (half,)):
        with pytest.raises(ValueError, match="make up the whole"):
            require_whole(receivers)
    with pytest.raises(ValueError, match="twice"):
        require_whole((half, half))
    require_whole((half, Receiver("dev", "provider", Fraction(1, 2))))


@unhurried
@given(
    st.fractions(0, 1, max_denominator=1000),
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.integers(0, 10**9), max_size=4), min_size=1),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["p", "q", "dev"]), min_size=6, max_size=6),
)
def test_measured_shares_are_always_the_whole(
    part: Fraction, rows: dict[str, list[int]], owners: dict[str, str]
) -> None:
    if part and not sum(map(sum, rows.values())):
        return
    found = measured("dev", part, lineage(**rows), owners)
    require_whole(found)
    assert sum(each.share for each in found if each.role == "provider") in (part, 0)
