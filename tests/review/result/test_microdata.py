"""The figures of persons' tables: those that others published on the same files, worked cases, and laws that hold."""

import json
import math
import random as random_module
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.result import microdata
from review.result.classes import ClassSizes, PopulationFigures, Unmeasurable, risks
from review.result.microdata import Microdata, SensitiveColumn, SensitiveFigures, measure_microdata
from tests.builders import REAL_DATA
from tests.review.result.builders import Columns, columns_of, tables
from tests.vault.test_measures import spark_session
from vault.ibis_tables import ibis_table

CLOSE = 1e-9
some = settings(deadline=None, max_examples=8)
ORACLE = REAL_DATA.parent / "oracle"
on_real_data = pytest.mark.skipif(
    not ORACLE.is_dir(), reason=f"the published figures are not at {ORACLE.name}; nothing was compared with them"
)


def published(part: str) -> Any:
    return json.loads((ORACLE / "privacy.json").read_text("utf-8"))[part] if ORACLE.is_dir() else []


def worked(case: str) -> Any:
    cases = json.loads((ORACLE / "vectors.json").read_text("utf-8"))["cases"]
    return next(each for each in cases if each["id"] == case)


def measured(
    columns: Columns, quasi: Sequence[str], *sensitive: SensitiveColumn, population_columns: Columns | None = None
) -> Microdata:
    with tables(component=columns, **({"population": population_columns} if population_columns else {})) as found:
        return measure_microdata(found["component"], quasi, sensitive, population=found.get("population"))


def in_file(name: str, delimiter: str, quasi: Sequence[str], sensitive: Sequence[str], **how: Any) -> Microdata:
    with duckdb.connect(config={"threads": 2}) as connection:
        options = f"delim = '{delimiter}', header = true, all_varchar = true"
        connection.execute(f"create table component as from read_csv('{REAL_DATA / name}', {options})")
        table = ibis_table(connection, "memory", "main", "component")
        return measure_microdata(table, quasi, [SensitiveColumn(each) for each in sensitive], **how)


@on_real_data
@pytest.mark.parametrize("known", published("pycanon_reference"), ids=lambda known: Path(known["file"]).name)
def test_pycanon_found_the_same_on_adult(known: dict[str, Any]) -> None:
    found = in_file(known["file"], ",", known["quasi_identifiers"], known["sensitive"])
    sizes, (salary,) = found.sizes, found.sensitive
    assert (sizes.rows, sizes.smallest, sizes.classes) == (known["rows"], known["k"], known["classes"])
    assert (sizes.unique_rows, sizes.largest) == (known["unique_rows"], known["max_class"])
    assert (salary.distinct_l, int(salary.entropy_l + CLOSE)) == (known["l_diversity"], known["entropy_l"])
    assert (salary.alpha, salary.t, salary.delta) == pytest.approx(
        (known["alpha"], known["t_closeness"], known["delta_disclosure"]), rel=CLOSE
    )
    assert (salary.basic_beta, salary.enhanced_beta) == pytest.approx(
        (known["basic_beta"], known["enhanced_beta"]), rel=CLOSE
    )
    if known["recursive_c"] is None:
        assert salary.recursive_c == math.inf, "a class of one salary is recursive for no c"
    else:
        assert salary.recursive_c == pytest.approx(known["alpha"] / (1 - known["alpha"]))
        assert pycanon_c(known) == known["recursive_c"]


def pycanon_c(known: dict[str, Any]) -> float:
    """c as pycanon reads it, from the least frequent value instead of the most frequent: floor(least / most) + 1."""
    quasi = ", ".join(f'"{name}"' for name in known["quasi_identifiers"])
    counts = (
        f"select {quasi}, \"{known['sensitive'][0]}\", count(*) as n from read_csv('{REAL_DATA / known['file']}', "
        "all_varchar = true) group by all"
    )
    with duckdb.connect() as connection:
        (c,) = connection.execute(
            f"select max(floor(least / most) + 1) from (select min(n) as least, max(n) as most from ({counts}) "
            f"group by {quasi})"
        ).fetchone() or (0,)
    return float(c)


@on_real_data
def test_arx_found_the_same_risks_on_adult() -> None:
    average, unique, highest = published("arx_risk")
    found = in_file("adult_arx/adult.csv.gz", ";", average["quasi_identifiers"], ())
    assert float(found.sizes.average_risk) == pytest.approx(average["value"], rel=CLOSE)
    assert found.sizes.unique_rows / found.sizes.rows == pytest.approx(unique["value"], rel=CLOSE)
    assert float(risks(found.sizes, None).prosecutor) == highest["value"]


@on_real_data
def test_quasi_identifiers_tell_rows_apart_as_arx_has_it_by_hand() -> None:
    known = published("arx_quasi_identifier_table_by_hand")
    columns = columns_of([tuple(row) for row in known["rows"]], *known["columns"])
    for each in known["expected"]:
        found = measured(columns, each["qi"].split(","))
        assert float(found.sizes.average_risk) == pytest.approx(each["distinction"])
        assert float(found.sizes.separation) == pytest.approx(each["separation"])
        if "," not in each["qi"]:
            assert found.sizes_alone == ((each["qi"], found.sizes),)


@on_real_data
def test_the_worked_case_of_risks() -> None:
    case = worked("R-01")
    own, whole = case["inputs"]["sample_class_sizes"], case["inputs"]["population_class_sizes"]
    found = measured(people_of(own), ["group"], population_columns=people_of(whole))
    three = risks(found.sizes, found.population)
    expected = {name: float(value) for name, value in case["outputs"].items()}
    assert found.sizes.smallest == expected["k"]
    assert float(three.prosecutor) == pytest.approx(expected["prosecutor_max"])
    assert float(found.sizes.average_risk) == pytest.approx(expected["prosecutor_avg"])
    assert float(three.journalist) == pytest.approx(expected["journalist_max"])
    assert float(three.marketer) == pytest.approx(expected["marketer"], rel=CLOSE)


@on_real_data
def test_the_worked_case_of_l_and_t() -> None:
    case = worked("R-02")
    own, whole = case["inputs"]["class_counts"], case["inputs"]["global_counts"]
    rows = [("one", value) for value, count in enumerate(own) for _ in range(count)]
    rows += [("other", value) for value, count in enumerate(whole) for _ in range(count - own[value])]
    (found,) = measured(columns_of(rows, "group", "value"), ["group"], SensitiveColumn("value", True)).sensitive
    assert found.distinct_l == case["outputs"]["distinct_l"]
    assert found.entropy_l == pytest.approx(float(case["outputs"]["entropy_l"]), rel=CLOSE)
    assert found.t_equal == pytest.approx(float(case["outputs"]["t_equal_distance"]), rel=CLOSE)
    assert found.t == found.t_ordered == pytest.approx(float(case["outputs"]["t_ordered"]), rel=CLOSE)


values = st.none() | st.sampled_from("abcd")
records = st.lists(st.tuples(values, values, st.none() | st.integers(0, 4)), min_size=1, max_size=40)


def by_hand(rows: Sequence[tuple[Any, ...]], recursive_l: int) -> dict[str, Any]:
    """The figures of the third column, from their definitions; a null comes first in the order."""
    total = Counter(row[2] for row in rows)
    order = sorted(total, key=lambda value: (value is not None, value or 0))
    classes: dict[Any, Counter[Any]] = {}
    for row in rows:
        classes.setdefault(row[:2], Counter())[row[2]] += 1
    p = {value: Fraction(total[value], len(rows)) for value in order}
    found: dict[str, list[Any]] = {}
    for counts in classes.values():
        size = sum(counts.values())
        q = {value: Fraction(counts[value], size) for value in order}
        ranked = sorted(counts.values(), reverse=True)
        tail = sum(ranked[recursive_l - 1 :])
        apart = [sum(p[value] - q[value] for value in order[: place + 1]) for place in range(len(order))]
        for name, value in {
            "l": len(counts),
            "entropy": -sum(float(share) * math.log2(share) for share in q.values() if share),
            "c": ranked[0] / tail if tail else math.inf,
            "alpha": max(q.values()),
            "beta": max((q[value] - p[value]) / p[value] for value in order),
            "delta": max(abs(math.log(q[value] / p[value])) for value in order if q[value]),
            "t": sum(abs(p[value] - q[value]) for value in order) / 2,
            "ordered": sum(map(abs, apart)) / max(1, len(order) - 1),
            "guessed": ranked[0],
        }.items():
            found.setdefault(name, []).append(value)
    return {
        **{name: max(each) for name, each in found.items()},
        "l": min(found["l"]),
        "entropy_l": 2 ** min(found["entropy"]),
        "guessed": sum(found["guessed"]),
        "sizes": sorted(sum(counts.values()) for counts in classes.values()),
    }


def figures_by_hand(found: SensitiveFigures) -> list[float]:
    return [
        found.distinct_l,
        found.entropy_l,
        found.recursive_c,
        found.alpha,
        found.basic_beta,
        found.delta,
        found.t_equal,
        found.t_ordered or 0,
        found.guessed,
    ]


NAMES = ("l", "entropy_l", "c", "alpha", "beta", "delta", "t", "ordered", "guessed")


@some
@given(records, st.integers(1, 4))
def test_the_engine_computes_the_definitions(rows: list[tuple[Any, ...]], recursive_l: int) -> None:
    found = measured_records(rows, recursive_l=recursive_l)
    expected = by_hand(rows, recursive_l)
    assert [size for size, number in found.sizes.classes_of_size for _ in range(number)] == expected["sizes"]
    (level,) = found.sensitive
    assert figures_by_hand(level) == pytest.approx([float(expected[name]) for name in NAMES], abs=CLOSE)


@some
@given(records, st.randoms())
def test_neither_the_order_of_rows_nor_of_columns_matters(
    rows: list[tuple[Any, ...]], random: random_module.Random
) -> None:
    turned = [(row[1], row[0], row[2]) for row in random.sample(rows, len(rows))]
    one, other = measured_records(rows), measured_records(turned)
    assert one.sizes == other.sizes
    assert figures_by_hand(one.sensitive[0]) == pytest.approx(figures_by_hand(other.sensitive[0]), abs=CLOSE)


@some
@given(records)
def test_a_coarser_quasi_identifier_never_raises_the_risk(rows: list[tuple[Any, ...]]) -> None:
    columns = columns_of(rows, "one", "other", "level")
    fine, coarse = (measured(columns, quasi) for quasi in (["one", "other"], ["one"]))
    assert coarse.sizes.smallest >= fine.sizes.smallest
    assert risks(coarse.sizes, None).marketer <= risks(fine.sizes, None).marketer
    assert coarse.sizes.separation <= fine.sizes.separation
    assert fine.sizes_alone[0] == ("one", coarse.sizes)


def measured_records(rows: list[tuple[Any, ...]], **how: Any) -> Microdata:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("create table component (one varchar, other varchar, level integer)")
        connection.executemany("insert into component values (?, ?, ?)", rows)
        table = ibis_table(connection, "memory", "main", "component")
        return measure_microdata(table, ["one", "other"], [SensitiveColumn("level", True)], **how)


def people_of(sizes: Sequence[int]) -> Columns:
    return {"group": [f"group {place}" for place, size in enumerate(sizes) for _ in range(size)]}


def test_a_null_is_a_value_of_its_own() -> None:
    found = measured({"age": ["35", None, None, "35"], "district": ["n", "n", "n", None]}, ["age", "district"])
    assert found.sizes.classes_of_size == ((1, 2), (2, 1))


def test_a_column_may_have_any_name_and_type() -> None:
    columns = {"size": [1.5, 1.5, 2.5], "rows": [True, True, None], "number": [1, 1, 2], "value_0": ["x", "y", "y"]}
    found = measured(columns, ["size", "rows"], SensitiveColumn("number", True), SensitiveColumn("value_0"))
    assert found.sizes.classes_of_size == ((1, 1), (2, 1))
    assert [each.distinct_l for each in found.sensitive] == [1, 1]


def test_many_sensitive_columns_are_measured_each_by_itself() -> None:
    columns = {"group": ["a"] * 4 + ["b"] * 4, "one": list("wxyzwxyz"), "other": list("wwwwxxxx")}
    one, other = measured(columns, ["group"], SensitiveColumn("one"), SensitiveColumn("other")).sensitive
    assert (one.distinct_l, one.entropy_l, one.t, one.inference_advantage) == (4, 4, 0, 0)
    assert (other.distinct_l, other.recursive_c, other.t, other.inference_advantage) == (1, math.inf, 0.5, 1)


def test_one_value_alone_tells_nothing_new() -> None:
    (found,) = measured({"group": list("aab"), "level": [7, 7, 7]}, ["group"], SensitiveColumn("level", True)).sensitive
    assert (found.inference_advantage, found.t, found.basic_beta, found.delta, found.enhanced_beta) == (0, 0, 0, 0, 0)


def test_no_rows_have_no_classes_and_no_risk() -> None:
    found = measured({"group": [], "level": []}, ["group"], SensitiveColumn("level"))
    assert (found.sizes, found.sensitive) == (ClassSizes(()), ())
    assert (found.sizes.smallest, found.sizes.average_risk, found.sizes.separation) == (0, 0, 0)
    with pytest.raises(Unmeasurable, match="without rows"):
        risks(found.sizes, None)


def test_without_a_quasi_identifier_nothing_is_measured() -> None:
    with pytest.raises(Unmeasurable, match="without a quasi-identifier"):
        measured({"group": ["a"]}, [])


def test_too_many_ordered_values_are_refused_and_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microdata, "GRID_MAX", 5)
    columns = {"group": list("abcabc"), "level": [1, 2, 3, 4, 5, 6]}
    assert measured(columns, ["group"], SensitiveColumn("level")).sensitive[0].t_ordered is None
    with pytest.raises(Unmeasurable, match="3 classes of 6 ordered values"):
        measured(columns, ["group"], SensitiveColumn("level", True))


def test_one_eleventh_is_more_than_nine_per_cent() -> None:
    assert risks(ClassSizes(((11, 3),)), None).prosecutor == Fraction(1, 11) > Fraction(9, 100)


def test_the_marketer_is_exact_where_all_classes_are_at_the_bound() -> None:
    whole = PopulationFigures(11, ((11, 33),), 1.0, 0)
    assert risks(ClassSizes(((11, 3),)), whole).marketer == Fraction(1, 11)


def test_the_population_is_matched_by_null_too_and_must_contain_the_table() -> None:
    own = {"age": ["35", None, None], "district": ["n", "n", "n"]}
    whole = {"age": ["35", None, None, None, "70"], "district": ["n"] * 5}
    found = measured(own, ["age", "district"], population_columns=whole)
    assert found.population == PopulationFigures(1, ((1, 1), (3, 2)), 1.0, 0)
    for short in ({"age": ["35", None], "district": ["n", "n"]}, {"age": ["35"] * 3, "district": ["n"] * 3}):
        stray = measured(own, ["age", "district"], population_columns=short)
        assert stray.population is not None and stray.population.astray == 1
        with pytest.raises(Unmeasurable, match="the population lacks rows of 1 classes"):
            risks(stray.sizes, stray.population)


def test_nothing_that_comes_back_holds_a_value() -> None:
    columns = {"age": ["PLANTED-7734"] * 3, "level": [77_341, 77_342, 77_342]}
    assert "7734" not in repr(measured(columns, ["age"], SensitiveColumn("level", True)))


def test_spark_finds_the_same() -> None:
    """Where the extra is installed: counts are whole numbers, only sums of logarithms may differ in a last digit."""
    pytest.importorskip("pyspark")
    random = random_module.Random(5)
    rows = [(random.choice("abc"), random.choice(["x", "y", None]), random.randrange(5)) for _ in range(300)]
    rows = [(one, other, level if level else None) for one, other, level in rows]
    with spark_session() as session:
        session.createDataFrame(rows, "one string, other string, level int").createOrReplaceTempView("component")
        table = ibis.pyspark.connect(session).table("component")
        how: dict[str, Any] = {"recursive_l": 3, "population": table}
        found = measure_microdata(table, ["one", "other"], [SensitiveColumn("level", True)], **how)
    here = measured_records(rows, recursive_l=3)
    assert (found.sizes, found.sizes_alone) == (here.sizes, here.sizes_alone)
    assert found.population is not None and found.population.presence == 1
    assert figures_by_hand(found.sensitive[0]) == pytest.approx(figures_by_hand(here.sensitive[0]), abs=CLOSE)
