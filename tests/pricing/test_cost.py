"""Cost: what is metered is allocated to the fen, what is shared is counted once, what is idle is nobody's."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.cost import (
    ADJUSTMENTS,
    Allocation,
    Flow,
    Pool,
    Reading,
    adjusted_cost,
    component_allocation,
    cost_flows,
    cost_price,
    field_allocation,
    fields_cost,
    lineage_shares,
    model_cost,
    pool_allocation,
    task_drivers,
)
from tests.pricing.markets import NOT_FINITE, amounts_fen, unhurried

drivers = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**6), max_size=6)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    used = draw(drivers)
    capacity = draw(st.none() | st.integers(sum(used.values()), 10**8))
    return Pool(
        draw(st.sampled_from(["storage", "compute", "governance", "acquisition"])), draw(amounts_fen), used, capacity
    )


@st.composite
def lineages(draw: st.DrawFn) -> list[Reading]:
    """Fields 0 to 5 read only by later ones and by components X and Y, so that no lineage turns on itself."""
    edges = draw(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 7)).filter(lambda edge: edge[0] < edge[1])))
    names = [*"abcdef", "X", "Y"]
    usage = st.none() | st.integers(0, 10**6)
    return [Reading(names[field], names[reader], draw(usage)) for field, reader in sorted(edges)]


@unhurried
@given(pools())
def test_a_pool_is_allocated_to_the_fen(pool: Pool) -> None:
    assert pool_allocation(pool).total_fen == pool.spent_fen


@unhurried
@given(st.lists(pools(), max_size=4), lineages())
def test_what_flows_down_the_lineage_is_what_was_metered(metered: list[Pool], readings: list[Reading]) -> None:
    fields = field_allocation(metered)
    components = component_allocation(fields, readings)
    assert components.total_fen == fields.total_fen == sum(pool.spent_fen for pool in metered)
    assert set(components.by_name) <= {"X", "Y", *"bcdef"}


def test_unused_capacity_stays_unallocated() -> None:
    allocation = pool_allocation(Pool("storage", 1000, {"fare": 30, "line": 20}, capacity=100))
    assert allocation == Allocation({"fare": 300, "line": 200}, 500)


def test_a_field_pays_no_more_when_another_stops_using_the_pool() -> None:
    before = pool_allocation(Pool("compute", 1000, {"fare": 30, "line": 20}, capacity=100))
    alone = pool_allocation(Pool("compute", 1000, {"fare": 30}, capacity=100))
    assert alone.by_name["fare"] == before.by_name["fare"]


def test_a_pool_that_nobody_used_is_nobodys() -> None:
    assert pool_allocation(Pool("acquisition", 700, {})) == Allocation({}, 700)


def test_a_field_collects_from_every_pool() -> None:
    metered = [Pool("storage", 100, {"fare": 1}), Pool("governance", 300, {"fare": 1, "line": 2})]
    assert field_allocation(metered) == Allocation({"fare": 200, "line": 200}, 0)


def test_a_task_is_split_over_its_columns_evenly_or_by_weight() -> None:
    assert task_drivers(10, ["fare", "line", "stop", "hour"])["stop"] == Fraction(5, 2)
    assert task_drivers(10, {"fare": 4, "line": 1}) == {"fare": 8, "line": 2}


def test_cost_flows_by_usage_and_evenly_where_telemetry_lacks() -> None:
    fields = Allocation({"fare": 900, "line": 100}, 0)
    metered = [Reading("fare", "X", 2), Reading("fare", "Y", 1), Reading("line", "X"), Reading("line", "Y", 9)]
    assert component_allocation(fields, metered).by_name == {"X": 650, "Y": 350}


def test_upstream_cost_reaches_a_component_through_every_field_between() -> None:
    readings = [Reading("raw", "base", 1), Reading("base", "X", 3), Reading("base", "Y", 1)]
    assert component_allocation(Allocation({"raw": 60, "base": 40}, 0), readings).by_name == {"X": 75, "Y": 25}


def test_a_field_that_nobody_reads_stays_unallocated() -> None:
    fields = Allocation({"fare": 900, "unread": 40, "listed": 10}, 5)
    allocation = component_allocation(fields, [Reading("fare", "X", 1), Reading("listed", "X", 0)])
    assert allocation == Allocation({"X": 900}, 55)


@unhurried
@given(pools(), lineages())
def test_every_fen_of_a_pool_flows_from_a_field_to_an_end_or_is_idle(pool: Pool, readings: list[Reading]) -> None:
    shares = lineage_shares(pool.drivers, readings)
    assert all(sum(of_field.values()) == 1 for of_field in shares.values())
    flows = cost_flows(pool, shares)
    assert all(flow.fen > 0 and flow.end in shares[flow.field] for flow in flows)
    assert sum(flow.fen for flow in flows) <= pool.spent_fen
    if pool.capacity is None and any(pool.drivers.values()):
        assert sum(flow.fen for flow in flows) == pool.spent_fen


@unhurried
@given(pools(), lineages())
def test_an_end_is_less_than_a_fen_off_its_exact_share(pool: Pool, readings: list[Reading]) -> None:
    shares = lineage_shares(pool.drivers, readings)
    used = sum(pool.drivers.values())
    capacity = max(used, 1) if pool.capacity is None else max(pool.capacity, 1)
    for end in {end for field in pool.drivers for end in shares[field]}:
        exact = sum(
            Fraction(pool.spent_fen * pool.drivers[field]) / Fraction(capacity) * shares[field].get(end, 0)
            for field in pool.drivers
        )
        assert abs(exact - sum(flow.fen for flow in cost_flows(pool, shares) if flow.end == end)) < 1


def test_a_flow_says_where_its_fen_arose_and_where_they_ended() -> None:
    readings = [Reading("raw", "base", 1), Reading("base", "X", 3), Reading("base", "Y", 1)]
    pool = Pool("compute", 1000, {"raw": 60, "base": 20, "unread": 10}, capacity=100)
    assert cost_flows(pool, lineage_shares(pool.drivers, readings)) == (
        Flow("base", "X", 150),
        Flow("raw", "X", 450),
        Flow("base", "Y", 50),
        Flow("raw", "Y", 150),
        Flow("unread", "unread", 100),
    )


def test_many_small_shares_are_not_rounded_away() -> None:
    fields = [f"field{number:03}" for number in range(300)]
    readings = [Reading(field, reader) for field in fields for reader in ("A", "B", "Z")]
    flows = cost_flows(Pool("governance", 30, dict.fromkeys(fields, 1)), lineage_shares(fields, readings))
    assert [sum(flow.fen for flow in flows if flow.end == reader) for reader in ("A", "B", "Z")] == [10, 10, 10]


def test_flows_need_the_shares_of_every_field() -> None:
    with pytest.raises(ValueError, match="no shares are given of: fare"):
        cost_flows(Pool("storage", 10, {"fare": 1}), {})


def test_a_shared_field_is_counted_once() -> None:
    assert fields_cost({"fare": 100, "line": 40}, ["fare", "line", "fare"]) == 140


def test_the_model_is_written_off_over_its_life() -> None:
    periods = [model_cost(100_00, 7, 0), model_cost(100_00, 29, 0)]
    assert sum(periods) == 100_00


def test_the_cost_price_is_shared_by_the_licences_expected() -> None:
    assert cost_price([12000, 8500.5, 4300], 15000) == Fraction("39800.5")
    assert cost_price([12000, 8500.5, 4300], 15000, expected_licences=5) == Fraction("7960.1")


def test_only_the_governance_and_livelihood_ecosystems_sell_below_cost() -> None:
    assert {name for name, k_y in ADJUSTMENTS.items() if k_y < 1} == {"governance", "livelihood"}
    assert adjusted_cost(1000, ADJUSTMENTS["governance"], subsidised=True) == 800


def test_selling_below_cost_needs_the_subsidised_flag() -> None:
    with pytest.raises(ValueError, match="needs the subsidised flag"):
        adjusted_cost(1000, 0.9)


@pytest.mark.parametrize("k_y", [0.49, 2.01, *NOT_FINITE])
def test_k_y_stays_within_its_bounds(k_y: float) -> None:
    with pytest.raises(ValueError, match="k_y must be"):
        adjusted_cost(1000, k_y, subsidised=True)


@pytest.mark.parametrize("amount", [-1, *NOT_FINITE])
def test_an_amount_that_is_no_amount_is_refused(amount: float) -> None:
    for refused in (
        lambda: model_cost(amount, 1, 0),
        lambda: model_cost(0, 1, amount),
        lambda: cost_price([amount], 0),
        lambda: cost_price([], amount),
        lambda: fields_cost({"fare": amount}, ["fare"]),
        lambda: adjusted_cost(amount),
        lambda: task_drivers(amount, ["fare"]),
        lambda: Pool("storage", 1, {"fare": amount}),
        lambda: Pool("storage", 1, {}, capacity=amount),
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"activity": "lobbying"}, "activity must be one of"),
        ({"spent_fen": 1.5}, "whole number of fen"),
        ({"spent_fen": -1}, "whole number of fen"),
        ({"capacity": 2}, "above the capacity of 2"),
    ],
)
def test_a_pool_that_cannot_be_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Pool(**{"activity": "storage", "spent_fen": 10, "drivers": {"fare": 3}, **values})


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="turns on itself at: fare, line"):
        component_allocation(Allocation({}, 0), [Reading("fare", "line", 1), Reading("line", "fare", 1)])
    with pytest.raises(ValueError, match="X reads fare twice"):
        component_allocation(Allocation({}, 0), [Reading("fare", "X", 1), Reading("fare", "X", 2)])
    with pytest.raises(ValueError, match="no cost is known of: hour"):
        fields_cost({"fare": 1}, ["fare", "hour"])
    with pytest.raises(ValueError, match="expected_licences must be 1 or more"):
        cost_price([1], 1, expected_licences=0)
    with pytest.raises(ValueError, match="period_months must be 36 or less"):
        model_cost(100, 37, 0)
    with pytest.raises(ValueError, match="useful_life_months must be above 0"):
        model_cost(100, 0, 0, useful_life_months=0)
    with pytest.raises(ValueError, match="needs an output column"):
        task_drivers(3, [])
