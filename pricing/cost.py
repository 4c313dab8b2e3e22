"""Activity-based cost: from what a period spent, by what was used, to fields and to the components that read them.

Shares are exact and each pool is rounded to whole fen once, by the largest remainder, so what is allocated and what is
not sum to what was metered.
Sources: white paper, cost price P' and adjusted cost C_y = k_y · P'; models §4.2.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from pricing.exact import above_zero, whole_fen, within
from pricing.money import Amount, allocate

Activity = Literal["storage", "compute", "governance", "acquisition"]
Ecosystem = Literal["governance", "livelihood", "innovation", "development"]

ACTIVITIES: tuple[Activity, ...] = ("storage", "compute", "governance", "acquisition")
USEFUL_LIFE_MONTHS = 36
LEAST_ADJUSTMENT = Fraction(1, 2)
MOST_ADJUSTMENT = Fraction(2)
ADJUSTMENTS: Mapping[Ecosystem, Fraction] = MappingProxyType(
    {
        "governance": Fraction(8, 10),
        "livelihood": Fraction(9, 10),
        "innovation": Fraction(1),
        "development": Fraction(12, 10),
    }
)
"""k_y of the white paper's four ecosystems (development: high-quality development), placeholders of models §4.2."""


@dataclass(frozen=True)
class Pool:
    """What one activity cost in a period, and how much of it each field used.

    spent_fen: 0 or more. drivers: quantity by field, 0 or more, in the activity's unit: byte-seconds of storage,
    seconds of compute, hours of governance; of an acquisition any unit, such as rows. capacity: what the money could
    have supplied, in the same unit; None where it is supplied to measure and all of it is used.
    """

    activity: Activity
    spent_fen: int
    drivers: Mapping[str, Amount]
    capacity: Amount | None = None

    def __post_init__(self) -> None:
        if self.activity not in ACTIVITIES:
            raise ValueError(f"activity must be one of {', '.join(ACTIVITIES)}, not {self.activity!r}")
        whole_fen("spent_fen", self.spent_fen)
        used = sum((within(f"driver of {field}", driver) for field, driver in self.drivers.items()), Fraction(0))
        if self.capacity is not None and used > within("capacity", self.capacity):
            raise ValueError(f"{self.activity}: the fields used {used}, above the capacity of {self.capacity}")


@dataclass(frozen=True)
class Allocation:
    """Whole fen by field or component, and those that nobody answers for."""

    by_name: Mapping[str, int]
    unallocated_fen: int

    @property
    def total_fen(self) -> int:
        """What was allocated and what was not: the metered amount."""
        return sum(self.by_name.values()) + self.unallocated_fen


@dataclass(frozen=True)
class Reading:
    """A field is read for a field downstream or for a component.

    usage: bytes scanned for it, or any other measure that all readers of that field share; None without telemetry.
    """

    field: str
    reader: str
    usage: Amount | None = None


@dataclass(frozen=True)
class Flow:
    """Whole fen, above 0, that arose at a field and ended at a component, or at a field that nobody reads."""

    field: str
    end: str
    fen: int


def pool_allocation(pool: Pool) -> Allocation:
    """A pool's fen by field in proportion to use; the share of unused capacity stays unallocated.

    fen_f = spent · driver_f / capacity, by largest remainder. Charging idle capacity to the fields in use would make
    them dearer the fewer there are. Source: models §4.2 (time-driven activity-based costing).
    """
    names = sorted(pool.drivers)
    drivers = [within(f"driver of {name}", pool.drivers[name]) for name in names]
    idle = Fraction(0) if pool.capacity is None else within("capacity", pool.capacity) - sum(drivers, Fraction(0))
    if not any(drivers) and idle == 0:
        return Allocation(dict.fromkeys(names, 0), pool.spent_fen)
    *shares, unallocated_fen = allocate(pool.spent_fen, [*drivers, idle])
    return Allocation(dict(zip(names, shares, strict=True)), unallocated_fen)


def field_allocation(pools: Iterable[Pool]) -> Allocation:
    """The fen of all pools of a period by field. Source: models §4.2."""
    by_field: dict[str, int] = {}
    unallocated_fen = 0
    for pool in pools:
        allocation = pool_allocation(pool)
        unallocated_fen += allocation.unallocated_fen
        for field, fen in allocation.by_name.items():
            by_field[field] = by_field.get(field, 0) + fen
    return Allocation(by_field, unallocated_fen)


def task_drivers(seconds: Amount, columns: Mapping[str, Amount] | Collection[str]) -> dict[str, Fraction]:
    """A task's seconds by output column: in proportion to the weights given, evenly where only names are.

    seconds: 0 or more, or bytes scanned. Raises ValueError for a negative value and where no column has weight.
    Source: models §4.2.
    """
    total = within("seconds", seconds)
    weights = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, 1)
    exact_weights = {name: within(f"weight of {name}", weight) for name, weight in weights.items()}
    whole = sum(exact_weights.values(), Fraction(0))
    if whole == 0:
        raise ValueError("a task needs an output column with weight, to answer for its seconds")
    return {name: total * weight / whole for name, weight in exact_weights.items()}


def lineage_shares(fields: Iterable[str], readings: Sequence[Reading]) -> dict[str, dict[str, Fraction]]:
    """For each field the share of its cost that ends at each component that reads it, directly or through other fields.

    A field's cost goes to its readers by usage, evenly where any of them lacks telemetry, and on from those that are
    read themselves. What nobody reads, or only with usage 0, ends at the field itself. The shares of a field sum to 1.
    Raises ValueError for a lineage that turns on itself and for a reading given twice. Source: models §4.2.
    """
    readers = _readers_by_field(readings)
    shares: dict[str, dict[str, Fraction]] = {}
    for field in reversed(_upstream_first(readers)):
        ends: dict[str, Fraction] = {}
        for reading, of_reader in zip(readers[field], _usage_shares(readers[field]), strict=True):
            for end, share in shares.get(reading.reader, {reading.reader: Fraction(1)}).items():
                ends[end] = ends.get(end, Fraction(0)) + of_reader * share
        used = {end: share for end, share in ends.items() if share}
        shares[field] = used or {field: Fraction(1)}
    return {field: shares.get(field, {field: Fraction(1)}) for field in {*fields, *shares}}


def cost_flows(pool: Pool, shares: Mapping[str, Mapping[str, Fraction]]) -> tuple[Flow, ...]:
    """Where the fen of a pool went: how many arose at which field and ended where; those of no field are idle.

    shares: of every field among the drivers, see `lineage_shares`. The ends' totals are rounded first and then split
    over their fields, each by the largest remainder: a component's total is less than 1 fen off its exact share,
    however many fields it reads. Raises ValueError for a field without shares. Source: models §4.2.
    """
    used = {field: within(f"driver of {field}", driver) for field, driver in pool.drivers.items()}
    unknown = sorted(set(used) - set(shares))
    if unknown:
        raise ValueError(f"no shares are given of: {', '.join(unknown)}")
    idle = Fraction(0) if pool.capacity is None else within("capacity", pool.capacity) - sum(used.values(), Fraction(0))
    return _flows(pool.spent_fen, used, shares, idle)


def component_allocation(fields: Allocation, readings: Sequence[Reading]) -> Allocation:
    """Field costs flowed down the lineage to the components that read them.

    A name that is read is a field, one that only reads is a component. What nobody read, or read with usage 0, stays
    unallocated. Raises ValueError for a lineage that turns on itself and for a reading given twice.
    Source: models §4.2.
    """
    shares = lineage_shares(fields.by_name, readings)
    own = {field: Fraction(fen) for field, fen in fields.by_name.items()}
    of_components = dict.fromkeys(sorted({each.reader for each in readings} - {each.field for each in readings}), 0)
    unallocated_fen = fields.unallocated_fen
    for flow in _flows(sum(fields.by_name.values()), own, shares):
        if flow.end in of_components:
            of_components[flow.end] += flow.fen
        else:
            unallocated_fen += flow.fen
    return Allocation(of_components, unallocated_fen)


def fields_cost(costs: Mapping[str, Amount], fields: Iterable[str]) -> Fraction:
    """Σ C_x[i] over the fields a component reads, each counted once however often it is read.

    costs: fen by field, 0 or more. Raises ValueError for a field without a cost. Sources: white paper, P'; models §4.2.
    """
    read = set(fields)
    unknown = sorted(read - set(costs))
    if unknown:
        raise ValueError(f"no cost is known of: {', '.join(unknown)}")
    return sum((within(f"cost of {field}", costs[field]) for field in read), Fraction(0))


def model_cost(
    development: Amount, period_months: Amount, run_cost: Amount, useful_life_months: Amount = USEFUL_LIFE_MONTHS
) -> Fraction:
    """C_xm = development · months in the period / useful life + run cost, in the unit of the amounts.

    Straight-line. Amounts 0 or more; 0 <= period_months <= useful_life_months, since more would write off more than was
    spent. Raises ValueError else. Sources: white paper, C_xm; models §4.2.
    """
    life_months = above_zero("useful_life_months", useful_life_months)
    months = within("period_months", period_months, 0, life_months)
    return within("development", development) * months / life_months + within("run_cost", run_cost)


def cost_price(field_costs: Iterable[Amount], model: Amount, expected_licences: int = 1) -> Fraction:
    """P' = (Σ C_x[i] + C_xm) / L, in the unit of the amounts; L = 1 is the printed formula.

    Amounts 0 or more; expected_licences 1 or more, over which the cost is recovered. Raises ValueError else.
    Sources: white paper, cost price; models §4.2.
    """
    if expected_licences < 1:
        raise ValueError(f"expected_licences must be 1 or more, not {expected_licences}")
    of_fields = sum((within("field cost", cost) for cost in field_costs), Fraction(0))
    return (of_fields + within("model cost", model)) / expected_licences


def adjusted_cost(price: Amount, adjustment: Amount = 1, subsidised: bool = False) -> Fraction:
    """C_y = k_y · P', in the unit of the price.

    P' 0 or more; k_y in [0.5, 2], below 1 only where the loss is flagged as subsidised. Raises ValueError else.
    Sources: white paper, C_y; models §4.2.
    """
    return checked_adjustment("k_y", adjustment, subsidised) * within("cost price", price)


def checked_adjustment(name: str, adjustment: Amount, subsidised: bool) -> Fraction:
    """The adjustment k_y where it lies in [0.5, 2], and is 1 or more unless subsidised. Raises ValueError, named, else.

    Source: models §4.2.
    """
    k_y = within(name, adjustment, LEAST_ADJUSTMENT, MOST_ADJUSTMENT)
    if k_y < 1 and not subsidised:
        raise ValueError(f"{name} {adjustment} is below 1, below cost, which needs the subsidised flag")
    return k_y


def _readers_by_field(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    readers: dict[str, list[Reading]] = {}
    seen: set[tuple[str, str]] = set()
    for reading in sorted(readings, key=lambda reading: (reading.field, reading.reader)):
        if (reading.field, reading.reader) in seen:
            raise ValueError(f"{reading.reader} reads {reading.field} twice; its cost is counted once")
        seen.add((reading.field, reading.reader))
        readers.setdefault(reading.field, []).append(reading)
    return readers


def _upstream_first(readers: Mapping[str, Sequence[Reading]]) -> list[str]:
    """The fields that are read, each after all the fields it reads itself."""
    waiting = dict.fromkeys(readers, 0)
    for of_field in readers.values():
        for reading in of_field:
            if reading.reader in waiting:
                waiting[reading.reader] += 1
    ready = [field for field, upstream in waiting.items() if upstream == 0]
    ordered: list[str] = []
    while ready:
        field = ready.pop()
        ordered.append(field)
        for reading in readers[field]:
            if reading.reader in waiting:
                waiting[reading.reader] -= 1
                if waiting[reading.reader] == 0:
                    ready.append(reading.reader)
    if len(ordered) < len(readers):
        raise ValueError(f"the lineage turns on itself at: {', '.join(sorted(set(readers) - set(ordered)))}")
    return ordered


def _usage_shares(readings: Sequence[Reading]) -> list[Fraction]:
    """Shares of one field's readers, which sum to 1, or all 0 where every usage is."""
    usages = [within(f"usage by {item.reader}", item.usage) for item in readings if item.usage is not None]
    if len(usages) < len(readings):
        return [Fraction(1, len(readings))] * len(readings)
    whole = sum(usages, Fraction(0))
    return [usage / whole if whole else usage for usage in usages]


def _flows(
    spent_fen: int,
    drivers: Mapping[str, Fraction],
    shares: Mapping[str, Mapping[str, Fraction]],
    idle: Fraction = Fraction(0),
) -> tuple[Flow, ...]:
    cells: dict[str, dict[str, Fraction]] = {}
    for field in sorted(drivers):
        for end, share in shares[field].items():
            cells.setdefault(end, {})[field] = drivers[field] * share
    ends = sorted(cells)
    totals = [sum(cells[end].values(), Fraction(0)) for end in ends]
    if not any(totals) and idle == 0:
        return ()  # nobody used it
    *of_ends, _ = allocate(spent_fen, [*totals, idle])
    return tuple(
        Flow(field, end, fen)
        for end, end_fen in zip(ends, of_ends, strict=True)
        for field, fen in zip(cells[end], allocate(end_fen, list(cells[end].values())), strict=True)
        if fen
    )
