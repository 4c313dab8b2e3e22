"""Levels only coarsen, in the engine as in words; files and contracts that would not are refused."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from review.anonymisation.hierarchy_file import read_hierarchy
from review.anonymisation.levels import Kind, Level, levels_of
from tests.builders import column
from tests.review.anonymisation.people import attributes, contract, plan, with_people
from vault.contract import Generalisation
from vault.errors import JinkuError


def labels(levels: Sequence[Level], values: Sequence[Any], column_type: str) -> list[tuple[Any, ...]]:
    """What each value is shown as at each level."""
    expressions = ", ".join(level.sql("value", "varchar") for level in levels)
    with duckdb.connect() as engine:
        engine.execute(f"create table given (place integer, value {column_type})")
        engine.executemany("insert into given values (?, ?)", [list(each) for each in enumerate(values)])
        return engine.execute(f"select {expressions} from given order by place").fetchall()


def rule(**given: Any) -> Generalisation:
    return Generalisation.model_validate(given)


def test_bands_of_whole_numbers_are_named_by_the_numbers_in_them() -> None:
    levels = levels_of(rule(bands=[[0, 18, 35, 36, 65], [18, 65]]), "whole")
    assert labels(levels, [-1, 0, 17, 18, 35, 36, 65, None], "bigint") == [
        ("-1", "<0", "<18", "*"),
        ("0", "0-17", "<18", "*"),
        ("17", "0-17", "<18", "*"),
        ("18", "18-34", "18-64", "*"),
        ("35", "35", "18-64", "*"),
        ("36", "36-64", "18-64", "*"),
        ("65", "65+", "65+", "*"),
        (None, None, None, "*"),
    ]


def test_bands_of_other_numbers_say_that_their_end_is_outside() -> None:
    levels = levels_of(rule(bands=[[100, 200]]), "number")
    assert labels(levels, [99.99, 100.0, 199.99, 200.0], "double") == [
        ("99.99", "<100", "*"),
        ("100.0", "100-<200", "*"),
        ("199.99", "100-<200", "*"),
        ("200.0", "200+", "*"),
    ]


def test_intervals_are_counted_from_0_below_it_too() -> None:
    levels = levels_of(rule(intervals=[5, 10]), "whole")
    assert labels(levels, [-1, 0, 9, None], "integer") == [
        ("-1", "-5--1", "-10--1", "*"),
        ("0", "0-4", "0-9", "*"),
        ("9", "5-9", "0-9", "*"),
        (None, None, None, "*"),
    ]
    assert labels(levels_of(rule(intervals=[10]), "number"), [9.5], "decimal(9, 2)") == [("9.50", "0-<10", "*")]


def test_prefixes_keep_the_first_characters_of_texts_and_of_dates() -> None:
    levels = levels_of(rule(prefix=[4, 2]), "text")
    assert labels(levels, ["440303", "44"], "varchar") == [("440303", "4403*", "44*", "*"), ("44", "44*", "44*", "*")]
    assert labels(levels_of(rule(prefix=[7]), "other"), ["2018-06-30"], "date") == [("2018-06-30", "2018-06*", "*")]


ascending = st.lists(st.integers(-50, 50), min_size=1, max_size=6, unique=True).map(sorted)


@settings(deadline=None, max_examples=20)
@given(ascending, st.data(), st.lists(st.integers(-60, 60), min_size=2, max_size=20))
def test_what_is_one_at_a_level_is_one_at_every_coarser_one(
    starts: list[int], data: st.DataObject, values: list[int]
) -> None:
    fewer = data.draw(st.lists(st.sampled_from(starts), min_size=1, max_size=len(starts), unique=True).map(sorted))
    levels = levels_of(rule(bands=[starts, fewer] if len(fewer) < len(starts) else [starts]), "whole")
    for shown in pairwise(zip(*labels(levels, values, "bigint"), strict=True)):
        coarser: dict[str, str] = {}
        for fine, coarse in zip(*shown, strict=True):
            assert coarser.setdefault(fine, coarse) == coarse


@pytest.mark.parametrize("kind", ["text", "other"])
def test_numbers_of_texts_have_no_bands(kind: Kind) -> None:
    with pytest.raises(ValueError, match="bands and intervals are for numbers"):
        levels_of(rule(intervals=[5]), kind)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"hidden": False},
        {"prefix": [4], "hidden": True},
        {"bands": [[18, 35], [20]]},
        {"bands": [[35, 18]]},
        {"bands": [[18, 18]]},
        {"bands": [[18], [18]]},
        {"bands": [[]]},
        {"intervals": [5, 8]},
        {"intervals": [1]},
        {"intervals": [0]},
        {"intervals": [10, 5]},
        {"prefix": [2, 4]},
        {"prefix": [0]},
    ],
    ids=str,
)
def test_a_rule_that_does_not_coarsen_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"give one of|must be coarser"):
        rule(**wrong)


def in_a_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hierarchy.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_level_by_level(tmp_path: Path) -> None:
    levels = read_hierarchy(in_a_file(tmp_path, "罗湖;东;*\n福田;东;*\nO'Neill;西;*\n"))
    assert [each.words for each in levels] == ["level 1 of its hierarchy"]
    assert labels(levels, ["罗湖", "O'Neill", "elsewhere", None], "varchar") == [("东",), ("西",), (None,), (None,)]


def test_a_last_level_with_several_labels_stands_below_the_hidden_one(tmp_path: Path) -> None:
    levels = levels_of(rule(hierarchy="x"), "text", read_hierarchy(in_a_file(tmp_path, "a;A\nb;B\n")))
    assert labels(levels, ["a", "b"], "varchar") == [("a", "A", "*"), ("b", "B", "*")]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it has no line"),
        ("a\nb\n", "it has no line"),
        ("a;x;*\nb;*\n", "line 2 has 2 fields, the first has 3"),
        ("a;x;*\na;y;*\n", "line 2 has a value that stood before"),
        ("a;x;p\nb;x;q\n", "line 2: what is one at level 1 is split at level 2"),
        ("a;{{ x }};*\n", "line 1 has a mark of templates"),
    ],
)
def test_a_file_that_is_no_hierarchy_is_refused_with_its_line(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(JinkuError, match="hierarchy_invalid: the file is no hierarchy: ") as refused:
        read_hierarchy(in_a_file(tmp_path, text))
    assert cause in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match=r"hierarchy_invalid: .*No such file"):
        read_hierarchy(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(JinkuError, match=r"hierarchy_invalid: .*not UTF-8"):
        read_hierarchy(tmp_path / "binary.csv")


def test_a_file_outside_the_project_is_not_read(tmp_path: Path) -> None:
    changed = attributes()["anonymise"]
    changed["generalise"]["education"] = {"hierarchy": "../../outside.csv"}
    with with_people(10) as engine, pytest.raises(JinkuError, match=r"hierarchy_invalid: .*outside the project"):
        plan(engine, tmp_path, anonymise=changed)


def changed(**generalise: Any) -> dict[str, Any]:
    own: dict[str, Any] = attributes()["anonymise"]
    own["generalise"] = {**own["generalise"], **generalise}
    return own


def test_a_column_that_the_table_does_not_have_is_named() -> None:
    with with_people(10) as engine, pytest.raises(JinkuError, match="unknown_name: the table has no column 'borne'"):
        plan(engine, Path("/tmp"), anonymise=changed(born={"of": "borne", "prefix": [3]}))


def test_a_rule_that_does_not_fit_the_column_is_refused(tmp_path: Path) -> None:
    with (
        with_people(10) as engine,
        pytest.raises(JinkuError, match="anonymise_section: the rule of 'sex' does not fit"),
    ):
        plan(engine, tmp_path, anonymise=changed(sex={"intervals": [5]}))


def test_a_contract_without_the_section_says_what_to_add(tmp_path: Path) -> None:
    with with_people(10) as engine, pytest.raises(JinkuError, match="anonymise_section: the contract has no section"):
        plan(engine, tmp_path, anonymise=None)


COLUMNS = attributes()["columns"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anonymise": changed(bron={"prefix": [3]})}, "'bron' is no column; did you mean 'born'?"),
        ({"anonymise": changed(household_size={"intervals": [2]})}, "'household_size' is generalised: its type"),
        ({"anonymise": changed(resident_id={"prefix": [3]})}, "'resident_id' is generalised"),
        ({"anonymise": changed(cost_band={"bands": [[1, 2], [1]]})}, "'cost_band' is sensitive: it is shown in bands"),
        ({"anonymise": changed(cost_band={"prefix": [1]})}, "'cost_band' is sensitive: it is shown in bands"),
        ({"anonymise": changed(cost_band={"hidden": True})}, "'cost_band' is sensitive: it is shown in bands"),
        ({"columns": [*COLUMNS, column("bill", role="sensitive", logicalType="number")]}, "an exact number needs"),
        ({"columns": [*COLUMNS, column("fell_ill", role="target", logicalType="date")]}, "an exact date needs"),
        ({"columns": [*COLUMNS, column("card", role="identifier")]}, "needs 0 to 1 columns of the role identifier"),
        ({"columns": [COLUMNS[0], COLUMNS[-1]]}, "needs 1 to 2 columns of the role quasi_identifier"),
        ({"anonymise": {**changed(), "generalise": {}}}, "generalise"),
        ({"anonymise": {**changed(), "suppressionLimit": 1.0}}, "suppressionLimit"),
        ({"anonymise": {"from": "person", "generalise": {"sex": {"hidden": True}}}}, "missing key 'subject'"),
    ],
)  # fmt: skip
def test_a_section_that_does_not_fit_the_columns_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        contract(**changes)
    assert message in str(refused.value)
