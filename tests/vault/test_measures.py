"""Measures: the engine counts to the same bits as the pure formulas, leaves out what does not count, shows no value."""

import math
import random as random_module
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.density import record_entropy
from pricing.discretisation import Binning, Quantiles, binning
from pricing.entropy import plug_in
from tests.builders import fresh_vault
from vault.contract import Column
from vault.discretising import bins
from vault.ibis_tables import ibis_table
from vault.layers import connect
from vault.measures import ColumnMeasure, TableMeasures, measure

CLOSE = 1e-9
SEED = "release 7"
some = settings(deadline=None, max_examples=15)
"""Each example asks the engine six times."""

Declared = tuple[Column, pa.Array]

letters = st.none() | st.sampled_from("abc")
records = st.lists(st.tuples(letters, letters, letters, letters), min_size=1, max_size=40)


def column(name: str, logical_type: str = "string", role: str = "attribute", **more: Any) -> Column:
    return Column.model_validate(
        {"name": name, "logicalType": logical_type, "role": role, "description": "a column", **more}
    )


def texts(name: str, values: Sequence[str | None], **more: Any) -> Declared:
    return column(name, **more), pa.array(values, pa.string())


def codes(name: str, values: Sequence[int | None], **more: Any) -> Declared:
    return column(name, "integer", **more), pa.array(values, pa.int64())


def numbers(name: str, values: Sequence[float | None], **more: Any) -> Declared:
    return column(name, "number", **{"role": "measure", **more}), pa.array(values, pa.float64())


def measured(*declared: Declared, **how: Any) -> TableMeasures:
    with duckdb.connect(config={"threads": 2}) as connection:
        table = pa.table({each.name: values for each, values in declared})
        connection.register("received", table)
        connection.execute("create table component as from received")
        return measured_in(connection, [each for each, _ in declared], **how)


def measured_in(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], **how: Any) -> TableMeasures:
    return measure(ibis_table(connection, "memory", "main", "component"), columns, **{"seed": SEED, **how})


def only(found: TableMeasures) -> ColumnMeasure:
    (one,) = found.columns
    return one


def by_letters(table: list[tuple[str | None, ...]]) -> list[Declared]:
    return [texts(name, values) for name, values in zip("abcd", zip(*table, strict=True), strict=True)]


@some
@given(records)
def test_it_is_the_entropy_of_the_pure_formula(table: list[tuple[str | None, ...]]) -> None:
    found = measured(*by_letters(table)).entropy
    expected = record_entropy("abcd", list(Counter(table).items()))
    assert found.bits == pytest.approx(expected.bits, abs=CLOSE)
    assert found.joint_bits == pytest.approx(expected.joint_bits, abs=CLOSE)
    assert [each.name for each in found.columns] == list("abcd")
    for one, other in zip(found.columns + found.pairs, expected.columns + expected.pairs, strict=True):
        assert one.null_rate == pytest.approx(other.null_rate, abs=CLOSE)
        assert one.weighted_bits == pytest.approx(other.weighted_bits, abs=CLOSE)


@some
@given(records, st.permutations(range(4)), st.randoms())
def test_neither_the_order_of_columns_nor_of_rows_matters(
    table: list[tuple[str | None, ...]], order: list[int], random: random_module.Random
) -> None:
    shuffled = random.sample(table, len(table))
    one, other = measured(*by_letters(table)), measured(*[by_letters(shuffled)[place] for place in order])
    assert one.entropy.bits == pytest.approx(other.entropy.bits, abs=CLOSE)
    assert sorted(one.columns, key=lambda each: each.name) == sorted(other.columns, key=lambda each: each.name)


@some
@given(records)
def test_a_duplicate_column_adds_nothing(table: list[tuple[str | None, ...]]) -> None:
    alone = by_letters(table)
    copy = texts("copy", [None if row[2] is None else f"recoded {row[2]}" for row in table])
    assert measured(*alone, copy).entropy.bits == pytest.approx(measured(*alone).entropy.bits, abs=CLOSE)


def test_every_type_is_counted_by_its_values() -> None:
    days = pa.array([0, 0, 1, 3] * 9, pa.int32()).cast(pa.date32())
    moments = pa.array([0, 3_600, 90_000, 300_000] * 9, pa.int64()).cast(pa.timestamp("s"))
    found = measured(
        texts("district", ["north", "north", "south", None] * 9),
        codes("weekday", [1, 1, 2, 7] * 9),
        (column("open", "boolean"), pa.array([True, True, False, None] * 9)),
        (column("day", "date", "timestamp"), days),
        (column("at", "timestamp", "timestamp"), moments),
        (column("rate"), pa.array([1, 1, 2, 3] * 9).cast(pa.decimal128(20, 1))),
    )
    assert [(each.method, each.distinct_values) for each in found.columns] == [
        ("value", 2), ("value", 3), ("value", 2), ("value", 3), ("grain", 3), ("value", 3),
    ]  # fmt: skip
    assert [each.bits for each in found.columns] == pytest.approx(
        [plug_in(c) for c in ([2, 1], [2, 1, 1]) * 2 + ([2, 1, 1],) * 2]
    )
    assert found.columns[0].null_rate == 0.25
    assert (found.rows, found.measured_rows, found.basis, found.sample_seed, found.flags) == (
        36,
        36,
        "population",
        None,
        (),
    )


EDGES = [step * width for width in (0.1, 0.3, 1 / 7, 2.0) for step in range(-40, 40)]
doubles = st.floats(-1e9, 1e9) | st.sampled_from(EDGES)


@some
@given(
    st.lists(doubles, min_size=1, max_size=60),
    st.sampled_from([0.0, 0.1, -7.3, 1e6 / 3]),
    st.sampled_from([0.1, 0.3, 1 / 7, 2.0, 1e-3]),
    st.sampled_from([(None, None), (-32, 31), (0, 63)]),
)
def test_the_engine_puts_values_in_the_bins_of_the_pure_formula(
    values: list[float], origin: float, width: float, ends: tuple[int | None, int | None]
) -> None:
    """Values on an edge and off it by a rounding too, also where origin and width are no short decimals."""
    chosen = Binning("iqr_grid", origin, width, *ends)
    with duckdb.connect() as connection:
        points = np.array([*values, *(origin + step * width for step in range(-70, 70))])
        connection.register("received", pa.table({"place": np.arange(len(points)), "x": points}))
        connection.execute("create table component as from received")
        table = ibis_table(connection, "memory", "main", "component")
        found = table.select(table.place, bin=bins(table.x, chosen)).order_by("place").to_pyarrow()["bin"]
    assert found.to_pylist() == chosen.bins(points).tolist()


def pure_bits(values: Sequence[float], resolution: float | None = None) -> tuple[str, float]:
    """The method and the bits by numpy and the pure formulas."""
    levels = [float(each) for each in np.quantile(values, [0.001, 0.25, 0.5, 0.75, 0.999])]
    chosen = binning(Quantiles(*levels, distinct_values=len(set(values))), resolution)
    return chosen.method, plug_in(np.unique(chosen.bins(values), return_counts=True)[1])


@pytest.mark.parametrize(
    ("method", "values", "resolution"),
    [
        ("iqr_grid", [math.exp(math.sin(i * i)) for i in range(500)], None),
        ("iqr_grid", [round(math.sin(i) * 20) / 10 for i in range(500)], None),
        ("distinct", [0.0] * 400 + [i % 60 / 7 for i in range(100)], None),
        ("distinct", [0.0, -0.0] * 200 + [1.5, 2.5], None),
        ("equal_width", [0.0] * 400 + [i / 7 for i in range(100)], None),
        ("constant", [0.0] * 500_000 + [i / 7 for i in range(70)], None),
        ("resolution", [i * 0.1 for i in range(300)], 0.1),
        ("resolution", [math.sin(i) * 1e15 for i in range(300)], 0.5),
    ],
)
def test_a_number_is_measured_in_the_bins_that_follow_from_its_quantiles(
    method: str, values: list[float], resolution: float | None
) -> None:
    found = only(measured(numbers("level", values, decisionResolution=resolution)))
    assert (found.method, found.bits) == (method, pytest.approx(pure_bits(values, resolution)[1], abs=CLOSE))
    assert pure_bits(values, resolution)[0] == method


@pytest.mark.parametrize(
    ("role", "more", "method"),
    [
        ("measure", {}, "iqr_grid"),
        ("attribute", {}, "value"),
        ("attribute", {"decisionResolution": 5}, "resolution"),
        ("target", {}, "value"),
        ("target", {"unit": "trip"}, "iqr_grid"),
    ],
)
def test_a_whole_number_is_a_code_unless_it_is_declared_a_quantity(
    role: str, more: dict[str, Any], method: str
) -> None:
    values = [i * i % 997 for i in range(40)]
    assert only(measured(codes("count", values, role=role, **more))).method == method


UNIQUE = [f"n{i}" for i in range(200)]


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (texts("person", UNIQUE[:3], role="identifier"), "identifier"),
        (texts("remark", ["a", "b", "a"], role="free_text"), "free text"),
        (texts("person_hash", ["a", "b", "a"]), "token of an identifier"),
        (texts("who", ["a", "b", "a"], conceptId="resident_pseudonym"), "token of an identifier"),
        (codes("row_number", [1, 2, 3]), "row number"),
        (texts("name", UNIQUE), "nearly unique: 1.00 distinct of non-null"),
        (texts("name", [*UNIQUE[:190], *UNIQUE[:10]]), "nearly unique: 0.95 distinct of non-null"),
        (texts("name", [*UNIQUE[:120], *[None] * 80]), "nearly unique: 1.00 distinct of non-null"),
        (codes("number", list(range(100)), role="quasi_identifier"), "nearly unique: 1.00 distinct of non-null"),
    ],
)
def test_what_only_names_a_row_is_left_out_with_its_reason(declared: Declared, reason: str) -> None:
    kept = texts("district", ["north", "south"] * (len(declared[1]) // 2) + ["north"] * (len(declared[1]) % 2))
    found = measured(declared, kept)
    assert [(each.name, each.reason) for each in found.left_out] == [(declared[0].name, reason)]
    assert only(found).name == "district"


@pytest.mark.parametrize(
    "declared",
    [
        texts("name", [*UNIQUE[:175], *UNIQUE[:25]]),
        texts("name", UNIQUE[:99]),
        texts("name", [*UNIQUE[:99], *[None] * 500]),
        codes("trips", list(range(200)), role="measure"),
        codes("label", list(range(200)), role="target"),
        (column("day", "date", "timestamp"), pa.array(range(200), pa.int32()).cast(pa.date32())),
        (column("district_name_hash", role="timestamp"), pa.array(["a", "b"])),
    ],
)
def test_what_is_declared_to_vary_or_repeats_is_kept(declared: Declared) -> None:
    assert only(measured(declared)).bits > 0


def test_no_rows_and_no_informative_column_hold_nothing_and_say_so() -> None:
    empty = measured(texts("a", []), numbers("b", []))
    assert (empty.rows, empty.entropy.bits, empty.columns, empty.flags) == (0, 0, (), ("no rows",))
    nameless = measured(texts("person", ["a", "b"], role="identifier"))
    assert (nameless.rows, nameless.entropy.bits, nameless.flags) == (2, 0, ("no informative column",))


def test_a_constant_and_an_empty_column_hold_nothing() -> None:
    found = measured(texts("city", ["x"] * 9), numbers("level", [2.5] * 9), numbers("gone", [None] * 9))
    assert [(each.bits, each.null_rate, each.distinct_values) for each in found.columns] == [
        (0, 0, 1),
        (0, 0, 1),
        (0, 1, 0),
    ]
    assert found.entropy.bits == 0
    assert found.entropy.joint_bits == 0


@pytest.mark.parametrize("resolution", [None, 0.5])
def test_what_is_no_finite_number_counts_as_null_and_is_flagged(resolution: float | None) -> None:
    broken = [math.nan, math.inf, -math.inf, None, 1.0, 2.0, 2.0, 4.0]
    found = measured(numbers("level", broken, decisionResolution=resolution), texts("district", ["n", "s"] * 4))
    level = found.columns[0]
    assert (level.non_finite_rows, level.null_rate, level.bits) == (3, 0.5, pytest.approx(1.5))
    assert found.flags == ("non-finite values in level",)
    assert only(measured(numbers("level", [math.nan] * 3))).null_rate == 1


def test_a_far_outlier_has_a_bin_too() -> None:
    values = [0.25, 0.75, 1e300, -1e300]
    assert only(measured(numbers("level", values, decisionResolution=1e-5))).bits == 2
    assert only(measured(numbers("level", [*map(float, range(60)), *values[2:]]))).distinct_values <= 64


def trips(rows: int) -> list[Declared]:
    """Three related columns, as a key's values follow from its number."""
    random = np.random.default_rng(11)
    zone = random.geometric(0.1, rows)
    fare = zone * 2 + random.normal(size=rows)
    weekday = random.integers(0, 7, rows)
    return [
        codes("trip", np.arange(rows), role="identifier"),
        codes("zone", zone),
        codes("weekday", weekday),
        numbers("fare", fare),
    ]


def test_a_sample_is_the_same_for_the_same_seed_and_near_the_whole() -> None:
    whole = measured(*trips(60_000))
    how = {"sample_above": 50_000, "sample_rows": 20_000}
    sample, again, other = (measured(*trips(60_000), seed=seed, **how) for seed in ("a", "a", "b"))
    assert sample == again
    assert sample.columns != other.columns
    assert (sample.basis, sample.sample_seed, sample.rows) == ("sample", "a", 60_000)
    assert sample.measured_rows == pytest.approx(20_000, rel=0.03)
    assert sample.entropy.bits == pytest.approx(whole.entropy.bits, abs=0.1)
    assert [each.estimator for each in sample.columns] == ["miller_madow"] * 3
    assert all(0.99 < each.coverage <= 1 for each in sample.columns)
    assert sample.flags == ()


def test_a_sample_is_drawn_by_the_grain_alone() -> None:
    """So a column more draws no other rows."""
    how = {"sample_above": 50_000, "sample_rows": 20_000}
    trip, zone, weekday, fare = trips(60_000)
    one = measured(trip, zone, weekday, grain=["trip"], **how)
    other = measured(trip, zone, fare, grain=["trip"], **how)
    keyed = (trip[0].model_copy(update={"primary_key": True}), trip[1])
    assert one.columns[0] == other.columns[0] == measured(keyed, zone, **how).columns[0]
    assert one.columns[0] != measured(trip, zone, **how).columns[0]


def test_a_sample_is_estimated_by_the_pure_formulas_from_its_counts() -> None:
    values = [f"n{i * i % 9_001}" for i in range(9_000)]
    found = measured(
        texts("name", values), codes("key", range(9_000), role="identifier"), sample_above=8_999, sample_rows=700
    )
    name = only(found)
    assert (name.estimator, name.undersampled, found.flags) == ("chao_shen", True, ("undersampled: name",))
    assert name.coverage < 0.5
    assert name.bits <= math.log2(9_000)
    assert name.bits == pytest.approx(found.entropy.bits)


def test_a_code_that_repeats_in_the_whole_is_no_identifier_for_being_rare_in_the_sample() -> None:
    values = [f"n{i % 5_000}" for i in range(20_000)]
    key = codes("key", range(20_000), role="identifier")
    found = measured(texts("name", values), key, sample_above=10_000, sample_rows=300)
    assert [each.name for each in found.left_out] == ["key"]


def test_rows_alike_are_drawn_together_and_an_uneven_sample_is_flagged() -> None:
    found = measured(texts("district", ["north", "south"] * 5_000), sample_above=9_999, sample_rows=1_000)
    assert found.measured_rows in (0, 5_000, 10_000)
    assert "uneven sample: rows repeat" in found.flags


def test_a_target_is_told_by_what_determines_it_and_not_by_noise() -> None:
    random = np.random.default_rng(3)
    label = random.integers(0, 4, 5_000)
    noise = codes("noise", random.integers(0, 9, 5_000))
    target = codes("label", label, role="target")
    told = measured(texts("cause", [f"c{each}" for each in label]), noise, target)
    blind = measured(noise, target)
    assert told.target is not None and blind.target is not None
    assert told.target.bits == pytest.approx(2, abs=0.02)
    assert told.target.target_bits == pytest.approx(2, abs=0.01)
    assert blind.target.bits == pytest.approx(0, abs=0.01)
    assert (told.target_rows, told.sample_seed) == (5_000, SEED)
    assert [each.name for each in told.columns] == ["cause", "noise", "label"], "the target is part of the record"


def test_a_target_is_measured_on_the_rows_that_have_it_and_alone_tells_nothing() -> None:
    alone = measured(codes("label", [0, 1, None, 1], role="target"))
    assert (alone.target_rows, alone.target is not None and alone.target.bits) == (3, 0)
    two = measured(codes("label", [0, 1, 1], role="target"), codes("other", [0, 1, 1], role="target"))
    assert two.flags == ("a further target, not measured: other",)
    assert two.target is not None and two.target.bits == 0
    assert measured(codes("a", [0, 1])).target is None


def test_a_target_of_many_rows_is_measured_by_a_sample() -> None:
    rows = 150_000
    label = np.arange(rows) % 3
    found = measured(
        codes("key", range(rows), role="identifier"), codes("cause", label), codes("label", label, role="target")
    )
    assert 95_000 < found.target_rows <= 100_000
    assert found.target is not None and found.target.share == pytest.approx(1, abs=0.01)


def test_nothing_that_comes_back_holds_a_value() -> None:
    secret = "PLANTED-7734"
    found = measured(
        texts("name", [secret, secret, "other"] * 40),
        texts("person", [f"{secret}{i}" for i in range(120)]),
        numbers("level", [7734.25] * 119 + [math.inf]),
        codes("label", [7734, 1, 1] * 40, role="target"),
    )
    assert "7734" not in repr(found)


def test_a_million_keys_fit_in_little_memory() -> None:
    with duckdb.connect(config={"threads": 2, "memory_limit": "500MB"}) as connection:
        connection.execute("""
            create table component as
            select 'p' || i as person, 'k' || (i % 1000000) as card, i % 7 as weekday, 'n' || (i % 3) as district
            from range(1200000) numbers(i)
        """)
        columns = [column("person"), column("card"), column("weekday", "integer"), column("district")]
        found = measured_in(connection, columns)
    assert [each.name for each in found.left_out] == ["person"]
    assert [each.distinct_values for each in found.columns] == [1_000_000, 7, 3]
    assert found.columns[0].bits == pytest.approx(plug_in([2] * 200_000 + [1] * 800_000), abs=CLOSE)


def test_an_encrypted_layer_is_read_and_the_connection_left_as_it_was(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, write="components") as connection:
        connection.execute(
            "create schema components.release; create table components.release.zones as select 'x' as zone"
        )
    with connect(vault, read=("components",)) as connection:
        found = measure(ibis_table(connection, "components", "release", "zones"), [column("zone")], seed=SEED)
        assert connection.execute("select count(*) from duckdb_tables() where temporary").fetchone() == (0,)
    assert found.rows == 1


def test_a_table_that_is_not_as_declared_is_refused_by_name() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table component as select 'secret' as level")
        with pytest.raises(ValueError, match="lacks the columns depth"):
            measured_in(connection, [column("level"), column("depth")])
        with pytest.raises(ValueError, match="level is declared a number, but the table holds string"):
            measured_in(connection, [column("level", "number", "measure")])


def test_spark_counts_to_the_same_bits() -> None:
    """Where the extra is installed: the counts are whole numbers, so not even a last digit differs."""
    pytest.importorskip("pyspark")
    declared = [*trips(400), numbers("level", [math.nan, math.inf, None, 1.5] * 100, decisionResolution=0.1)]
    declared.append(texts("district", ["north", "south", None, "north"] * 100, role="target"))
    with spark_session() as session:
        frame = session.createDataFrame(list(zip(*(values.to_pylist() for _, values in declared), strict=True)))
        frame.toDF(*(each.name for each, _ in declared)).createOrReplaceTempView("component")
        table = ibis.pyspark.connect(session).table("component")
        assert measure(table, [each for each, _ in declared], seed=SEED) == measured(*declared)


def spark_session() -> Any:
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.default.parallelism": "2"}
    builder = SparkSession.builder.master("local[2]").config("spark.driver.host", "127.0.0.1")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
