"""The search is exact: whatever the table, the target and the loss, trying all transformations finds nothing better."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.anonymisation import search as search_module
from review.anonymisation.coded_table import CodedTable, QuasiIdentifier, Sensitive, coded_table
from review.anonymisation.finding import anonymised
from review.anonymisation.levels import Exact, Hidden, Interval, Level, Lookup, Prefix, Unchanged
from review.anonymisation.losses import LOSSES
from review.anonymisation.search import search
from review.anonymisation.target import Target
from tests.review.anonymisation.people import plan, with_people
from vault.errors import JinkuError

Row = tuple[str | None, int | None, str, str | None]

LETTERS = Lookup((("early", ("a", "b")), ("late", ("c", "d"))), 1)
LEVELS: tuple[tuple[Level, ...], ...] = (
    (Exact(), LETTERS, Hidden()),
    (Exact(), Interval(2, True), Interval(4, True), Hidden()),
    (Exact(), Prefix(1), Hidden()),
)
rows = st.lists(
    st.tuples(
        st.sampled_from([*"abcd", None]),
        st.integers(0, 7) | st.none(),
        st.sampled_from(["xx", "xy", "yx"]),
        st.sampled_from(["p", "q", "r", None]),
    ),
    min_size=3,
    max_size=30,
)
targets = st.builds(
    Target,
    k=st.integers(2, 4),
    distinct_l=st.integers(1, 3),
    entropy_l=st.sampled_from([1.0, 1.5, 2.0]),
    t=st.sampled_from([1.0, 0.5, 0.3]),
    inference_advantage_max=st.sampled_from([1.0, 0.3]),
    suppression_limit=st.sampled_from([0.0, 0.1, 0.4]),
)


def generalised(column: int, level: int, value: str | int | None) -> str | None:
    """What a level makes of a value, said once more without SQL."""
    if level == len(LEVELS[column]) - 1:
        return "*"
    if value is None or level == 0:
        return None if value is None else str(value)
    if isinstance(value, int):
        width = 2 * level
        return f"{value // width * width}-{value // width * width + width - 1}"
    return {"a": "early", "b": "early"}.get(value, "late") if column == 0 else value[0] + "*"


def table_of(data: Sequence[Row]) -> CodedTable:
    with duckdb.connect() as engine:
        engine.execute("create table person (a varchar, b bigint, c varchar, s varchar)")
        engine.executemany("insert into person values (?, ?, ?, ?)", [list(row) for row in data])
        quasi = [QuasiIdentifier(name, name, levels) for name, levels in zip("abc", LEVELS, strict=True)]
        return coded_table(engine, "person", quasi, [Sensitive("s", "s", Unchanged())])


def best_of_all(data: Sequence[Row], target: Target, loss: str) -> tuple[float, int] | None:
    """The least loss of all transformations, and the rows left out with it."""
    found = []
    for levels in itertools.product(*(range(len(each)) for each in LEVELS)):
        groups: dict[tuple[str | None, ...], list[Row]] = {}
        for row in data:
            key = tuple(generalised(column, level, row[column]) for column, level in enumerate(levels))
            groups.setdefault(key, []).append(row)
        kept = [group for group in groups.values() if is_kept(group, data, target)]
        suppressed = len(data) - sum(map(len, kept))
        if suppressed <= math.floor(target.suppression_limit * len(data) + 1e-9) and are_kept(kept, target):
            found.append((loss_of(data, levels, kept, loss), suppressed))
    return min(found, default=None)


def shares(group: Sequence[Row]) -> dict[str | None, float]:
    return {value: count / len(group) for value, count in Counter(row[3] for row in group).items()}


def distance(group: Sequence[Row], whole: Sequence[Row]) -> float:
    own, of_all = shares(group), shares(whole)
    return sum(abs(own.get(value, 0) - share) for value, share in of_all.items()) / 2


def is_kept(group: Sequence[Row], data: Sequence[Row], target: Target) -> bool:
    bits = -sum(share * math.log2(share) for share in shares(group).values())
    return (
        len(group) >= target.k
        and len(set(shares(group)) - {None}) >= target.distinct_l
        and bits >= math.log2(target.entropy_l) - 1e-9
        and distance(group, data) <= target.t + 1e-9
    )


def are_kept(kept: Sequence[Sequence[Row]], target: Target) -> bool:
    """The rows that stay, judged by themselves."""
    whole = [row for group in kept for row in group]
    if not whole:
        return False
    guessed = sum(max(Counter(row[3] for row in group).values()) for group in kept)
    blindly = max(Counter(row[3] for row in whole).values())
    advantage = (guessed - blindly) / (len(whole) - blindly) if len(whole) > blindly else 0.0
    is_close = all(distance(group, whole) <= target.t + 1e-9 for group in kept)
    return is_close and advantage <= target.inference_advantage_max + 1e-9


def loss_of(data: Sequence[Row], levels: Sequence[int], kept: Sequence[Sequence[Row]], loss: str) -> float:
    shown, suppressed = sum(map(len, kept)), len(data) - sum(map(len, kept))
    if loss == "discernibility":
        return float(sum(len(group) ** 2 for group in kept) + suppressed * len(data))
    lost = 0.0
    for column, level in enumerate(levels):
        values = Counter(row[column] for row in data)
        label = {value: generalised(column, level, value) for value in values}
        if loss == "entropy":
            under = Counter(label[row[column]] for row in data)
            lost += sum(math.log2(under[label[row[column]]] / values[row[column]]) for row in data)
        else:
            under = Counter(label.values())
            cells = [under[label[row[column]]] - 1 for group in kept for row in group]
            lost += (sum(cells) / max(len(values) - 1, 1) + suppressed) / (len(data) * len(levels))
    assert shown + suppressed == len(data)
    return lost


@settings(deadline=None, max_examples=30)
@given(rows, targets, st.sampled_from(sorted(LOSSES)))
def test_no_transformation_is_better(data: list[Row], target: Target, loss: str) -> None:
    table, expected = table_of(data), best_of_all(data, target, loss)
    if expected is None:
        with pytest.raises(JinkuError, match="no_generalisation"):
            search(table, target, LOSSES[loss](table))
        return
    found = search(table, target, LOSSES[loss](table))
    assert found.loss == pytest.approx(expected[0], abs=1e-9)
    assert found.rows == len(data) and found.rows_suppressed <= target.rows_suppressed_max(len(data))
    assert found.smallest_group >= target.k


def test_of_equal_losses_the_one_that_leaves_out_fewer_rows_is_taken() -> None:
    """One value in all rows can be hidden or not without any loss."""
    data: list[Row] = [("a", 1, "xx", "p")] * 3 + [("a", 2, "xx", "q")] * 3
    table = table_of(data)
    found = search(table, Target(k=3), LOSSES["entropy"](table))
    assert (found.levels, found.loss, found.rows_suppressed) == ((0, 0, 0), 0.0, 0)


def test_too_many_ways_to_generalise_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "TRANSFORMATIONS_AT_MOST", 35)
    table = table_of([("a", 1, "xx", "p")] * 3)
    with pytest.raises(JinkuError, match="lattice_too_large: there are 36 ways to generalise, and 35 can be searched"):
        search(table, Target(k=2), LOSSES["entropy"](table))


def test_groupings_that_are_not_kept_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data: list[Row] = [("abcd"[i % 4], i % 7, ["xx", "xy", "yx"][i % 3], "pqr"[i % 3]) for i in range(25)]
    table, target = table_of(data), Target(k=3, distinct_l=2, suppression_limit=0.2)
    with_memory = search(table, target, LOSSES["certainty"](table))
    monkeypatch.setattr(search_module, "CELLS_KEPT_AT_MOST", 0)
    assert search(table, target, LOSSES["certainty"](table)).levels == with_memory.levels


def test_more_columns_than_64_bits_hold_are_counted_right() -> None:
    """Values of 11 columns, 100 each, are 1e22 combinations."""
    with duckdb.connect() as engine:
        columns = ", ".join(f"(hash(i * {n + 3}) % 100)::bigint as q{n}" for n in range(11))
        engine.execute(f"create table person as select {columns} from range(500) numbers(i)")
        engine.execute("insert into person select * from person")
        quasi = [QuasiIdentifier(f"q{n}", f"q{n}", (Exact(), Hidden())) for n in range(11)]
        table = coded_table(engine, "person", quasi, [])
    found = search(table, Target(k=2), LOSSES["entropy"](table))
    assert (found.levels, found.loss, found.smallest_group, found.groups) == ((0,) * 11, 0.0, 2, 500)


def test_a_sensitive_column_that_never_has_enough_values_is_named(tmp_path: Path) -> None:
    with with_people(200) as engine:
        own = plan(engine, tmp_path)
        with pytest.raises(JinkuError, match=r"no_generalisation: 'cost_band' has 4 values in all, .* needs 5"):
            anonymised(engine, "resource.person", own, Target(k=2, distinct_l=5))
        with pytest.raises(JinkuError, match=r"no_generalisation: 'diagnosis' has \d.\d\d values in effect"):
            anonymised(engine, "resource.person", own, Target(k=2, distinct_l=2, entropy_l=6))


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    with with_people(0) as engine, pytest.raises(JinkuError, match="not_built: the table has no rows"):
        anonymised(engine, "resource.person", plan(engine, tmp_path), Target(k=2))


def test_several_rows_of_a_subject_are_refused(tmp_path: Path) -> None:
    """Eleven visits of one person are no eleven persons."""
    with with_people(50) as engine:
        engine.execute("insert into resource.person select * from resource.person limit 1")
        with pytest.raises(JinkuError, match="anonymise_section: 1 rows of the table have no subject, or one"):
            anonymised(engine, "resource.person", plan(engine, tmp_path), Target(k=2))


@pytest.mark.parametrize(
    "wrong",
    [{"k": 1}, {"k": 0}, {"distinct_l": 0}, {"entropy_l": 0.5}, {"entropy_l": math.nan}, {"t": 1.1}, {"t": math.nan},
     {"suppression_limit": 1.0}, {"inference_advantage_max": -0.1}],
)  # fmt: skip
def test_a_target_that_asks_for_nothing_or_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Target(**{"k": 2, **wrong})  # type: ignore[arg-type]
