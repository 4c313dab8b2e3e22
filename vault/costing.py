"""What a component costs: from what a period used to each field and each component, exact to the fen.

Pure: what was metered, contracts and tariffs come in, a report goes out. Four activities are metered. Storage is a
table's byte-seconds, split evenly over its fields, because not every engine tells the size of a column.
Compute is the seconds of a table's tasks, over its fields. Governance hours and acquisition are what contracts of
sources say, evenly over the fields of the source's raw tables. Fields that only say where a row came from (`_batch`,
`_row`, `_collected_at`) are no fields: they would carry cost that nobody buys.

A component's own table is metered as every other one, so storage and compute of it stand among its fields. C_xm holds
what no meter sees: development, and the running cost that its contract declares. No fen stands in both.
Sources: white paper, P'; models §4.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from pricing.cost import ACTIVITIES, Activity, Pool, cost_flows, cost_price, lineage_shares, model_cost, task_drivers
from pricing.money import exact, round_half_up
from vault.contract import ComponentContract, SourceContract
from vault.ledger import tables_of
from vault.lineage import SINK, Lineages, fields_of, readings, table_of, unresolved_above, without_cycles
from vault.metering import Metered, StorageObservation, TableLineage
from vault.tariffs import Tariffs

Reason = Literal["idle", "unread", "unresolved", "product"]
REASONS: tuple[Reason, ...] = ("idle", "unread", "unresolved", "product")
"""Why cost is no component's: capacity that was not used, fields that no component is made from, tables of which it is
not known what they are made from, and products, which buy components."""

MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_PER_SECOND = 10**6


@dataclass(frozen=True)
class PoolUse:
    """What an activity cost in the period, in fen, and how much of it was used: byte-seconds, seconds, hours or fen.

    capacity: in the same unit, None where it is bought to measure.
    """

    activity: Activity
    spent_fen: int
    used: Fraction
    capacity: int | None


@dataclass(frozen=True)
class CostLine:
    """What one field cost one component: whole fen by activity, where it arose."""

    field: str
    by_activity: Mapping[Activity, int]

    @property
    def total_fen(self) -> int:
        """Fen of all activities."""
        return sum(self.by_activity.values())


@dataclass(frozen=True)
class CostStatement:
    """What a component costs in the period, before expected licences and k_y.

    lines: of each field once; development_fen: exact, what the period writes off; run_cost_fen: as declared;
    unresolved: tables, itself included, of which it is not known what they are made from: the cost lacks what is above.
    """

    component: str
    lines: tuple[CostLine, ...]
    development_fen: Fraction
    run_cost_fen: int
    unresolved: tuple[str, ...]

    def fen_of(self, activity: Activity) -> int:
        """Fen of one activity over all fields."""
        return sum(line.by_activity.get(activity, 0) for line in self.lines)

    @property
    def fields_cost_fen(self) -> int:
        """Σ C_x[i]: metered, whole fen."""
        return sum(line.total_fen for line in self.lines)

    @property
    def model_cost_fen(self) -> Fraction:
        """C_xm, exact fen."""
        return self.development_fen + self.run_cost_fen

    @property
    def cost_price_fen(self) -> Fraction:
        """P' of one expected licence, exact fen. Source: white paper, P'."""
        return cost_price([self.fields_cost_fen], self.model_cost_fen)


@dataclass(frozen=True)
class Unallocated:
    """Whole fen of an activity that are no component's, why, and the field or table by which they were lost.

    The name of idle capacity is the activity's.
    """

    activity: Activity
    reason: Reason
    name: str
    fen: int


@dataclass(frozen=True)
class CostReport:
    """Where every fen of a period went: to components or, with a reason, to none.

    For each activity the components' lines and what is unallocated sum to what its pool spent, exactly.
    """

    period_start: datetime
    until: datetime
    pools: tuple[PoolUse, ...]
    components: Mapping[str, CostStatement]
    unallocated: tuple[Unallocated, ...]

    @property
    def spent_fen(self) -> int:
        """Fen of all pools."""
        return sum(pool.spent_fen for pool in self.pools)

    def allocated_fen(self, activity: Activity) -> int:
        """Fen of an activity that reached components."""
        return sum(statement.fen_of(activity) for statement in self.components.values())

    def unallocated_fen(self, activity: Activity, reason: Reason) -> int:
        """Fen of an activity that reached no component for this reason."""
        return sum(each.fen for each in self.unallocated if (each.activity, each.reason) == (activity, reason))


def cost_report(
    metered: Metered,
    sources: Mapping[str, SourceContract],
    components: Mapping[str, ComponentContract],
    tariffs: Tariffs,
    period_start: datetime,
    until: datetime,
) -> CostReport:
    """The cost of the period's fields and components, by what was used from its start on and before `until`.

    Tariffs and contracts are for the whole period, so before its end what is not used yet counts as idle. Where more
    was used than the tariffs' capacity, nothing is idle. Source: models §4.2.
    """
    lineages = without_cycles({**_declared(sources), **metered.lineage})
    flowing = {table: each for table, each in lineages.items() if not table.startswith("products/")}
    ends = {f"components/{name}": name for name in components}
    pools = (
        _storage(byte_seconds(metered.storage, period_start, until), lineages, tariffs),
        _compute(metered, tariffs),
        *_of_sources(sources, tariffs),
    )
    shares = lineage_shares({field for pool in pools for field in pool.drivers}, readings(flowing, ends))
    lines: dict[str, dict[str, dict[Activity, int]]] = {name: {} for name in components}
    unallocated: list[Unallocated] = []
    for pool in pools:
        flows = cost_flows(pool, shares)
        for flow in flows:
            if flow.end in ends:
                lines[ends[flow.end]].setdefault(flow.field, {})[pool.activity] = flow.fen
            else:
                unallocated.append(Unallocated(pool.activity, *_reason(flow.end), flow.fen))
        idle_fen = pool.spent_fen - sum(flow.fen for flow in flows)
        unallocated.append(Unallocated(pool.activity, "idle", pool.activity, idle_fen))
    return CostReport(
        period_start,
        until,
        tuple(_use_of(activity, pools, tariffs) for activity in ACTIVITIES),
        {name: _statement(name, components[name], lines[name], lineages, tariffs) for name in sorted(components)},
        _summed(unallocated),
    )


def byte_seconds(
    observations: Iterable[StorageObservation], period_start: datetime, until: datetime
) -> dict[str, Fraction]:
    """Byte-seconds of each table in the period: a size holds from its observation until the next, the last to the end.

    observations: in the order of their record. What was recorded later holds from its time on, also where the clock
    had gone back and earlier records bear later times. Source: models §4.2.
    """
    held: dict[str, list[StorageObservation]] = {}
    for seen in observations:
        of_table = held.setdefault(seen.asset, [])
        while of_table and of_table[-1].measured_at >= seen.measured_at:
            of_table.pop()
        of_table.append(seen)
    found = {}
    for asset, of_table in held.items():
        moments = [min(max(each.measured_at, period_start), until) for each in of_table]
        lengths = [(end - start) // MICROSECOND for start, end in zip(moments, [*moments[1:], until], strict=True)]
        byte_microseconds = sum(each.size_bytes * length for each, length in zip(of_table, lengths, strict=True))
        found[asset] = Fraction(byte_microseconds, MICROSECONDS_PER_SECOND)
    return found


def _declared(sources: Mapping[str, SourceContract]) -> Lineages:
    """Raw tables as contracts declare them: they cost governance and acquisition also before anything was collected."""
    return {
        f"raw/{table}": TableLineage({column.name: () for column in columns})
        for source, contract in sources.items()
        for table, columns in tables_of(source, contract).items()
    }


def _storage(used: Mapping[str, Fraction], lineages: Lineages, tariffs: Tariffs) -> Pool:
    drivers: dict[str, Fraction] = {}
    for table, of_table in used.items():
        drivers.update(task_drivers(of_table, fields_of(table, lineages)))
    return _pool("storage", tariffs.storage.spent_fen, drivers, tariffs.storage.capacity_byte_seconds)


def _compute(metered: Metered, tariffs: Tariffs) -> Pool:
    drivers: dict[str, Fraction] = {}
    for use in metered.compute:
        fields = [f"{use.asset}.{column}" for column in use.columns] or [use.asset]
        for field, seconds in task_drivers(use.seconds, fields).items():
            drivers[field] = drivers.get(field, Fraction(0)) + seconds
    return _pool("compute", tariffs.compute.spent_fen, drivers, tariffs.compute.capacity_seconds)


def _pool(activity: Activity, spent_fen: int, drivers: Mapping[str, Fraction], capacity: int) -> Pool:
    used = sum(drivers.values(), Fraction(0))
    return Pool(activity, spent_fen, drivers, max(Fraction(capacity), used))


def _of_sources(sources: Mapping[str, SourceContract], tariffs: Tariffs) -> Iterable[Pool]:
    """A pool of hours and a pool of fen for each source, so that what it costs is also exact by source."""
    for source, contract in sources.items():
        tables = tables_of(source, contract)
        fields = [f"raw/{table}.{column.name}" for table, columns in tables.items() for column in columns]
        hours = task_drivers(contract.cost.governance_hours, fields)
        spent_fen = round_half_up(sum(hours.values(), Fraction(0)) * tariffs.governance.fen_per_hour)
        yield Pool("governance", spent_fen, hours)
        acquisition_fen = contract.cost.acquisition_fen
        yield Pool("acquisition", acquisition_fen, task_drivers(acquisition_fen, fields))


def _reason(end: str) -> tuple[Reason, str]:
    if end.startswith(SINK):
        return "unresolved", end.removeprefix(SINK)
    return ("product", table_of(end)) if end.startswith("products/") else ("unread", end)


def _use_of(activity: Activity, pools: Sequence[Pool], tariffs: Tariffs) -> PoolUse:
    own = [pool for pool in pools if pool.activity == activity]
    used = sum((exact(driver) for pool in own for driver in pool.drivers.values()), Fraction(0))
    capacities = {"storage": tariffs.storage.capacity_byte_seconds, "compute": tariffs.compute.capacity_seconds}
    return PoolUse(activity, sum(pool.spent_fen for pool in own), used, capacities.get(activity))


def _summed(unallocated: Iterable[Unallocated]) -> tuple[Unallocated, ...]:
    """One entry for each activity, reason and name, where there is anything to tell."""
    found: dict[tuple[Activity, Reason, str], int] = {}
    for each in unallocated:
        key = (each.activity, each.reason, each.name)
        found[key] = found.get(key, 0) + each.fen
    return tuple(Unallocated(*key, fen) for key, fen in found.items() if fen)


def _statement(
    name: str,
    contract: ComponentContract,
    lines: Mapping[str, Mapping[Activity, int]],
    lineages: Lineages,
    tariffs: Tariffs,
) -> CostStatement:
    life_months = contract.cost.useful_life_months
    months = min(tariffs.period.months, life_months)  # what lives shorter than a period is written off within it
    return CostStatement(
        name,
        tuple(CostLine(field, by_activity) for field, by_activity in sorted(lines.items())),
        model_cost(contract.cost.development_fen, months, 0, life_months),
        contract.cost.run_cost_fen,
        unresolved_above(f"components/{name}", lineages),
    )
