"""What a component costs: every metered fen is somewhere, and where it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pricing.cost import ACTIVITIES
from tests.builders import column, source_contract
from tests.pricing.markets import unhurried
from vault.contract import ComponentContract, ComponentCost, SourceContract, SourceCost
from vault.costing import REASONS, CostReport, byte_seconds, cost_report
from vault.metering import ComputeUse, Metered, StorageObservation, TableLineage
from vault.tariffs import ComputeTariff, GovernanceTariff, Period, StorageTariff, Tariffs

START = datetime(2026, 10, 1, tzinfo=UTC)
UNTIL = START + timedelta(seconds=1000)
TARIFFS = Tariffs(
    StorageTariff(1_000_000, 1_000_000, "a fen for a byte-second"),
    ComputeTariff(100_000, 1000, "a yuan for a second"),
    GovernanceTariff(12_000, "120 yuan an hour"),
    Period(3, "a quarter"),
)
TAPS = source_contract(columns=[column("fare"), column("zone")], cost={"acquisitionFen": 1000, "governanceHours": 1})
BASE = TableLineage({"fare": ("raw/taps.fare",), "zone": ("raw/taps.zone",)}, (), ("raw/taps",))
RIDES = TableLineage({"mean_fare": ("base/taps.fare",)}, (), ("base/taps",))


def component(**cost: Any) -> ComponentContract:
    return ComponentContract.model_construct(cost=ComponentCost.model_validate({"developmentFen": 0, **cost}))


def used(
    lineage: Mapping[str, TableLineage],
    seconds: Mapping[str, float] | None = None,
    sizes_bytes: Mapping[str, int] | None = None,
) -> Metered:
    compute = [ComputeUse(name, tuple(lineage[name].columns), each) for name, each in (seconds or {}).items()]
    storage = [StorageObservation("run", name, each, START) for name, each in (sizes_bytes or {}).items()]
    return Metered(tuple(compute), lineage, tuple(storage))


def report(
    metered: Metered,
    sources: Mapping[str, SourceContract] | None = None,
    components: Sequence[str] | Mapping[str, ComponentContract] = ("rides",),
) -> CostReport:
    known = components if isinstance(components, Mapping) else {name: component() for name in components}
    return cost_report(metered, {"taps": TAPS} if sources is None else sources, known, TARIFFS, START, UNTIL)


def accounted(of: CostReport) -> bool:
    """Whether, activity by activity, what reached components and what did not is what was spent."""
    return all(
        pool.spent_fen
        == of.allocated_fen(pool.activity) + sum(of.unallocated_fen(pool.activity, each) for each in REASONS)
        for pool in of.pools
    )


def lines(of: CostReport, name: str = "rides") -> dict[str, dict[str, int]]:
    return {line.field: dict(line.by_activity) for line in of.components[name].lines}


def lost(of: CostReport) -> dict[tuple[str, str, str], int]:
    return {(each.activity, each.reason, each.name): each.fen for each in of.unallocated if each.reason != "idle"}


LAYERS = ("raw/taps", "base/a", "base/b", "resource/c", "resource/d", "components/x", "components/y", "products/p")


@st.composite
def metered_cities(draw: st.DrawFn) -> Metered:
    """Tables that read any others, also later ones and themselves, some of them unresolved or without columns."""
    names = st.sampled_from(("p", "q", "r"))
    fields = st.builds("{}.{}".format, st.sampled_from(LAYERS), names)
    origins = st.none() | st.lists(fields, max_size=3).map(tuple)
    lineage = st.builds(
        TableLineage,
        st.dictionaries(names, origins, max_size=3),
        st.lists(fields, max_size=2).map(tuple),
        st.lists(st.sampled_from(LAYERS), max_size=2).map(tuple),
    )
    tables = st.sampled_from(LAYERS)
    uses = st.builds(ComputeUse, tables, st.sets(names).map(lambda them: tuple(sorted(them))), st.floats(0, 900))
    moments = st.integers(-5000, 5000).map(lambda second: START + timedelta(seconds=second))
    sizes = st.builds(StorageObservation, st.just("run"), tables, st.integers(0, 2000), moments)
    return Metered(
        tuple(draw(st.lists(uses, max_size=5))),
        draw(st.dictionaries(tables, lineage)),
        tuple(draw(st.lists(sizes, max_size=8))),
    )


@unhurried
@given(metered_cities(), st.integers(0, 10**7), st.floats(0, 100))
def test_every_metered_fen_is_somewhere(metered: Metered, acquisition_fen: int, hours: float) -> None:
    cost = SourceCost.model_validate({"acquisitionFen": acquisition_fen, "governanceHours": hours})
    of = report(metered, {"taps": TAPS.model_copy(update={"cost": cost})}, ("x", "y"))
    assert accounted(of)
    assert sum(each.fields_cost_fen for each in of.components.values()) + sum(
        each.fen for each in of.unallocated
    ) == sum(pool.spent_fen for pool in of.pools)
    for statement in of.components.values():
        read = [line.field for line in statement.lines]
        assert len(set(read)) == len(read), "a field counts once"
        assert all(fen > 0 for line in statement.lines for fen in line.by_activity.values())


def test_cost_reaches_the_component_from_where_it_arose() -> None:
    lineage = {"base/taps": BASE, "components/rides": RIDES}
    of = report(used(lineage, {"base/taps": 2, "components/rides": 1}, {"raw/taps": 100, "components/rides": 10}))
    assert accounted(of)
    assert lines(of) == {
        "raw/taps.fare": {"storage": 50_000, "governance": 6000, "acquisition": 500},
        "base/taps.fare": {"compute": 100},
        "components/rides.mean_fare": {"storage": 10_000, "compute": 100},
    }
    assert lost(of) == {
        ("storage", "unread", "raw/taps.zone"): 50_000,
        ("governance", "unread", "raw/taps.zone"): 6000,
        ("acquisition", "unread", "raw/taps.zone"): 500,
        ("compute", "unread", "base/taps.zone"): 100,
    }
    assert of.unallocated_fen("storage", "idle") == 890_000 and of.unallocated_fen("compute", "idle") == 99_700


def test_columns_that_only_choose_rows_are_read_too() -> None:
    chosen = replace(RIDES, columns={"rides": ()}, conditions=("base/taps.zone",))
    of = report(used({"base/taps": BASE, "components/rides": chosen}))
    assert lines(of) == {"raw/taps.zone": {"governance": 6000, "acquisition": 500}}


def test_a_table_counts_once_among_the_readers_of_a_field_however_many_columns_rest_on_it() -> None:
    wide = TableLineage(dict.fromkeys("abcdefghi", ("base/taps.fare",)))
    of = report(used({"base/taps": BASE, "components/rides": RIDES, "components/wide": wide}), None, ("rides", "wide"))
    assert lines(of)["raw/taps.fare"] == lines(of, "wide")["raw/taps.fare"]


def test_a_shared_field_counts_once_for_a_component_that_reads_it_twice() -> None:
    twice = TableLineage({"a": ("base/taps.fare",), "b": ("base/taps.fare", "raw/taps.fare")})
    assert lines(report(used({"base/taps": BASE, "components/rides": twice}))) == {
        "raw/taps.fare": {"governance": 6000, "acquisition": 500}
    }


def test_a_column_that_leads_nowhere_takes_no_share_of_what_it_reads() -> None:
    flagged = replace(BASE, columns={**BASE.columns, "flags": ("raw/taps.fare", "raw/taps.zone")})
    of = report(used({"base/taps": flagged, "components/rides": RIDES}, {"base/taps": 3}))
    assert lines(of)["raw/taps.fare"] == {"governance": 6000, "acquisition": 500}
    assert lost(of)["compute", "unread", "base/taps.flags"] == 100, "what it took itself is its own"


def test_a_component_made_from_another_shares_its_fields() -> None:
    index = TableLineage({"index": ("components/rides.mean_fare",)})
    lineage = {"base/taps": BASE, "components/rides": RIDES, "components/index": index}
    of = report(used(lineage), None, ("rides", "index"))
    assert lines(of)["raw/taps.fare"] == lines(of, "index")["raw/taps.fare"]
    assert lines(of)["raw/taps.fare"] == {"governance": 3000, "acquisition": 250}


def test_products_buy_and_take_no_part() -> None:
    lineage = {
        "base/taps": BASE,
        "components/rides": RIDES,
        "products/plan": TableLineage({"fare": ("components/rides.mean_fare",)}),
    }
    of = report(used(lineage, {"products/plan": 4}))
    assert lines(of)["raw/taps.fare"] == {"governance": 6000, "acquisition": 500}
    assert of.unallocated_fen("compute", "product") == 400 and ("compute", "product", "products/plan") in lost(of)


def test_cost_above_an_unresolved_lineage_is_visible_by_name() -> None:
    opaque = TableLineage({"fare": None, "zone": None}, (), ("raw/taps",))
    of = report(used({"base/taps": opaque, "components/rides": RIDES}, {"base/taps": 2}))
    assert accounted(of)
    assert lines(of) == {"base/taps.fare": {"compute": 100}}
    assert lost(of)["acquisition", "unresolved", "base/taps"] == 1000
    assert of.unallocated_fen("governance", "unresolved") == 12_000
    assert of.components["rides"].unresolved == ("base/taps",)


def test_an_unresolved_component_keeps_its_own_use_and_is_told() -> None:
    opaque = TableLineage({"mean_fare": None}, (), ("base/taps",))
    of = report(used({"base/taps": BASE, "components/rides": opaque}, {"components/rides": 1}))
    assert lines(of) == {"components/rides.mean_fare": {"compute": 100}}
    assert of.unallocated_fen("acquisition", "unresolved") == 1000
    assert of.components["rides"].unresolved == ("components/rides",)


def test_a_lineage_that_turns_on_itself_is_unresolved() -> None:
    lineage = {
        "base/taps": TableLineage({"fare": ("resource/trip.fare", "raw/taps.fare")}, (), ("raw/taps",)),
        "resource/trip": TableLineage({"fare": ("base/taps.fare",)}),
        "components/rides": TableLineage({"fare": ("resource/trip.fare",)}),
    }
    of = report(used(lineage, {"base/taps": 1}))
    assert accounted(of)
    assert of.components["rides"].unresolved == ("base/taps", "resource/trip")
    assert {name for _, reason, name in lost(of) if reason == "unresolved"} == {"base/taps", "resource/trip"}


def test_a_table_that_reads_itself_as_an_incremental_one_does_is_no_cycle() -> None:
    own = replace(BASE, conditions=("base/taps.fare", "base/taps.zone"))
    of = report(used({"base/taps": own, "components/rides": RIDES}))
    assert of.components["rides"].unresolved == () and "raw/taps.fare" in lines(of)


def test_what_was_built_before_the_meter_is_told() -> None:
    of = report(used({"components/rides": RIDES}), None, ("rides", "never_built"))
    assert of.components["rides"].unresolved == ("base/taps",)
    assert of.components["never_built"].unresolved == ("components/never_built",)
    assert of.unallocated_fen("acquisition", "unread") == 1000


def test_use_of_a_table_whose_columns_are_not_known_is_nobodys() -> None:
    """A killed run measured it and recorded no task that tells what it is made of."""
    of = report(used({}, {}, {"base/taps": 10}))
    assert lost(of)["storage", "unread", "base/taps"] == 10_000 and accounted(of)


def test_a_column_that_was_dropped_keeps_the_seconds_it_took() -> None:
    metered = used({"base/taps": BASE, "components/rides": RIDES})
    of = report(replace(metered, compute=(ComputeUse("base/taps", ("fare", "gone"), 2),)))
    assert lines(of)["base/taps.fare"] == {"compute": 100}
    assert lost(of)["compute", "unread", "base/taps.gone"] == 100


def test_where_more_was_used_than_the_capacity_nothing_is_idle() -> None:
    of = report(used({"base/taps": BASE, "components/rides": RIDES}, {"base/taps": 5000}))
    assert of.unallocated_fen("compute", "idle") == 0 and accounted(of)
    (compute,) = [pool for pool in of.pools if pool.activity == "compute"]
    assert (compute.used, compute.capacity) == (5000, 1000)


def test_a_source_without_cost_and_a_city_without_anything() -> None:
    free = source_contract(columns=[column("fare")])
    of = report(used({}), {"taps": free}, ())
    assert [pool.activity for pool in of.pools] == list(ACTIVITIES)
    assert of.spent_fen == of.unallocated_fen("storage", "idle") + of.unallocated_fen("compute", "idle") == 1_100_000
    assert report(used({}), {}, ()).components == {}


def test_hours_are_priced_by_source_and_rounded_once() -> None:
    third = TAPS.model_copy(update={"cost": SourceCost.model_validate({"governanceHours": 1 / 3})})
    assert report(used({}), {"taps": third}).unallocated_fen("governance", "unread") == 4000


def test_the_model_is_written_off_over_its_life_and_its_run_cost_added() -> None:
    costs = {
        "rides": component(developmentFen=100_000, usefulLifeMonths=36, runCostFen=70),
        "short": component(developmentFen=100_000, usefulLifeMonths=2),
    }
    of = report(used({"base/taps": BASE, "components/rides": RIDES}), None, costs)
    rides = of.components["rides"]
    assert rides.model_cost_fen == Fraction(100_000 * 3, 36) + 70
    assert rides.cost_price_fen == 6500 + rides.model_cost_fen
    assert of.components["short"].model_cost_fen == 100_000, "what lives shorter than a period is written off within it"


@pytest.mark.parametrize(
    "cost", [{"acquisitionFen": -1}, {"governanceHours": -0.5}, {"governanceHours": float("inf")}, {"acquisition": 1}]
)
def test_a_source_s_cost_that_cannot_be_is_refused(cost: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SourceCost.model_validate(cost)


@pytest.mark.parametrize("cost", [{}, {"developmentFen": -1}, {"developmentFen": 1, "usefulLifeMonths": 0}])
def test_a_component_s_cost_that_cannot_be_is_refused(cost: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ComponentCost.model_validate(cost)


def held(*sizes: tuple[int, int]) -> Fraction:
    """Byte-seconds of a table by (second of the observation, bytes), in the order of the record."""
    seen = [StorageObservation("run", "base/taps", size, START + timedelta(seconds=second)) for second, size in sizes]
    return byte_seconds(seen, START, UNTIL).get("base/taps", Fraction(0))


def test_a_size_holds_until_the_next_observation_and_the_last_to_the_end() -> None:
    assert held((0, 5)) == 5000
    assert held((400, 5)) == 3000, "before its first observation a table was not there"
    assert held((-90, 5), (400, 10)) == 400 * 5 + 600 * 10
    assert held((0, 10), (600, 4)) == 600 * 10 + 400 * 4, "a table that shrank"
    assert held((0, 10), (250, 0)) == 2500
    assert held() == held((1000, 7)) == held((5000, 7)) == 0, "what comes at the end of the period or later"


def test_byte_seconds_are_exact() -> None:
    moment = START + timedelta(microseconds=1)
    assert byte_seconds([StorageObservation("run", "a", 7, moment)], START, UNTIL)["a"] == 7000 - Fraction(7, 10**6)


def test_where_the_clock_went_back_what_was_recorded_last_holds() -> None:
    assert held((0, 1), (900, 50), (500, 2)) == 500 * 1 + 500 * 2, "the stamp of the clock that was ahead is undone"
    assert held((0, 1), (5000, 50), (500, 2)) == 500 * 1 + 500 * 2
    assert held((0, 3), (0, 5)) == 5000, "the same moment twice"


@given(st.lists(st.tuples(st.integers(-2000, 2000), st.integers(0, 100)), max_size=8))
def test_byte_seconds_lie_between_nothing_and_the_largest_size_throughout(sizes: list[tuple[int, int]]) -> None:
    assert 0 <= held(*sizes) <= max((size for _, size in sizes), default=0) * 1000
