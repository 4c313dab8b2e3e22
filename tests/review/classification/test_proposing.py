"""Proposals follow from names, types and values together; their reasons count and never show a value."""

from collections.abc import Mapping, Sequence

import duckdb
import pytest

from review.classification import column_facts as column_facts_module
from review.classification.column_facts import ColumnFacts, column_facts
from review.classification.proposing import ColumnName, Proposal, propose
from vault.contract import LogicalType, Role

ROWS = 400
PERSON = "printf('4403031980%02d%02d%03d', 1 + i % 12, 1 + i % 28, i)"
"""The body of an identity number; its check digit follows below."""

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
SUM = " + ".join(f"{weight} * substr(body, {place}, 1)::integer" for place, weight in enumerate(WEIGHTS, 1))
IDENTITY = f"(select body || substr('10X98765432', ({SUM}) % 11 + 1, 1) from (select {PERSON} as body))"


def facts_of(columns: Mapping[str, str], rows: int = ROWS) -> tuple[ColumnFacts, ...]:
    """The counts of a table whose columns are expressions of the row's number `i`."""
    selected = ", ".join(f"({expression})::varchar as {name}" for name, expression in columns.items())
    with duckdb.connect() as engine:
        engine.execute(f"create table t as select {selected} from range({rows}) numbers(i)")
        return column_facts(engine, "t", list(columns))


def proposed(columns: Mapping[str, str], rows: int = ROWS, **declared: tuple[LogicalType, Role]) -> dict[str, Proposal]:
    names = [ColumnName(name, name, *declared.get(name, (None, None))) for name in columns]
    return dict(zip(columns, propose(names, facts_of(columns, rows)), strict=True))


def roles(columns: Mapping[str, str], rows: int = ROWS) -> dict[str, str]:
    return {name: each.role for name, each in proposed(columns, rows).items()}


PEOPLE = {
    "c1": IDENTITY,
    "c2": "['王', '李', '欧阳', '张', '刘', '陈'][1 + i % 6] || ['伟', '静怡', '娜', '敏', '洋'][1 + i % 5]",
    "c3": "['M', 'F'][1 + i % 2]",
    "c4": "date '1930-01-01' + (i * 71)::integer",
    "c5": "printf('1099%07d', hash(i) % 10000000)",
    "c6": "'福田区云杉路' || (1 + i % 200) || '号2栋1101室'",
    "c7": "printf('4403%02d', 3 + i % 9)",
    "c8": "['J45.9', 'I10', 'E11', 'M54', 'K29', 'A09'][1 + i % 6]",
    "c9": "date '2018-06-01' + (i % 30)::integer",
    "c10": "i * 1.37",
}


def test_a_table_of_persons_is_known_by_its_values_alone() -> None:
    assert list(roles(PEOPLE).values()) == [
        "identifier",
        "identifier",
        "quasi_identifier",
        "quasi_identifier",
        "identifier",
        "identifier",
        "quasi_identifier",
        "sensitive",
        "timestamp",
        "measure",
    ]


def test_reasons_count_and_show_no_value() -> None:
    found = proposed(PEOPLE)
    assert found["c1"].reasons == (f"{ROWS} of {ROWS} values have the check digit of an identity number",)
    assert found["c5"].reasons[0].endswith(f"of {ROWS} values differ")
    told = " ".join(reason for each in found.values() for reason in each.reasons)
    for shown in ("4403", "王", "1099", "福田", "J45", "1930", "2018"):
        assert shown not in told


def test_sensitivity_follows_from_what_is_held() -> None:
    found = proposed(PEOPLE)
    sensitivities = {name: found[name].sensitivity for name in ("c1", "c2", "c8", "c9")}
    assert sensitivities == {"c1": "sensitive personal", "c2": "personal", "c8": "sensitive personal", "c9": "none"}


def test_a_place_is_a_quasi_identifier_only_beside_persons() -> None:
    stations = {"station": "'S' || i % 9", "district_code": "printf('4403%02d', 3 + i % 9)", "pm10": "i % 300 + 0.5"}
    assert roles(stations) == {"station": "attribute", "district_code": "attribute", "pm10": "measure"}
    beside = roles({**stations, "sfzh": IDENTITY})
    assert beside["station"] == beside["district_code"] == "quasi_identifier"


def test_a_key_is_an_identifier_only_beside_persons_or_enterprises() -> None:
    key = {"visit": "'V' || i"}
    assert roles(key) == {"visit": "attribute"}
    assert roles({**key, "c1": IDENTITY})["visit"] == "identifier"
    firms = {**key, "c2": "['AMBERLINE', 'FOXGLOVE', 'OAKMONT'][1 + i % 3] || ' ' || i || ' LLC'"}
    assert roles(firms) == {"visit": "identifier", "c2": "identifier"}


def test_a_category_is_no_identifier_whatever_it_is_called() -> None:
    assert roles({"phone_kind": "'13800138000'", "has_phone": "i % 2"}) == {
        "phone_kind": "attribute",
        "has_phone": "attribute",
    }


def test_a_check_digit_outweighs_a_name() -> None:
    found = proposed({"remark": IDENTITY})["remark"]
    assert found.role == "identifier" and found.sensitivity == "sensitive personal"


def test_coordinates_are_known_by_their_company() -> None:
    columns = {"c1": "22.5 + i / 100000.0", "c2": "114.05 + i / 100000.0"}
    found = proposed(columns)
    assert all("within 90 and 180 degrees" in each.reasons[0] for each in found.values())
    assert {each.role for each in found.values()} == {"measure"}
    beside = roles({**columns, "c3": IDENTITY})
    assert beside["c1"] == beside["c2"] == "quasi_identifier"
    shares = proposed({"c1": "hash(i) % 100000 / 100000.0", "c2": "hash(i + 1) % 100000 / 100000.0"})
    assert shares["c1"].reasons == ("nothing speaks for more",), "shares of something are no degrees"


def test_parts_of_dates_are_times() -> None:
    parts = {"c1": "2013 + i % 5", "c2": "1 + i % 12", "c3": "1 + i % 31", "c4": "i % 24", "c5": "1 + i % 7"}
    assert list(roles(parts).values()) == ["timestamp", "timestamp", "timestamp", "timestamp", "attribute"]


def test_long_texts_are_free_text() -> None:
    text = "'the patient said that it began ' || i || ' days ago and then went away again'"
    assert roles({"c1": text}) == {"c1": "free_text"}


def test_dirty_values_do_not_hide_an_identifier() -> None:
    """A third of the values is broken, a fifth is missing."""
    dirty = f"case when i % 5 = 0 then 'NA' when i % 3 = 0 then {PERSON} || '?' else {IDENTITY} end"
    found = proposed({"c1": dirty})["c1"]
    assert found.role == "identifier" and "of 320 values" in found.reasons[0]


def test_a_column_without_values_is_judged_by_its_name() -> None:
    found = proposed({"sfzh": "null", "c1": "''"})
    assert found["sfzh"].role == "identifier" and found["c1"].reasons == ("there are no values to look at",)
    nothing = proposed({"sfzh": "null", "c1": "null"}, rows=0)
    assert nothing["sfzh"].role == "identifier" and nothing["c1"].role == "attribute"


@pytest.mark.parametrize(
    ("declared", "is_stricter"),
    [("identifier", False), ("quasi_identifier", True), ("attribute", True), ("measure", True), ("free_text", True)],
)
def test_a_proposal_says_where_it_is_stricter_than_what_is_declared(declared: Role, is_stricter: bool) -> None:
    found = proposed({"c1": IDENTITY}, c1=("string", declared))["c1"]
    assert found.column.role == declared and found.looks_more_sensitive is is_stricter
    assert found.agrees is (declared == "identifier")


def test_the_declared_type_stands() -> None:
    found = proposed({"c1": "1 + i % 7"}, c1=("number", "measure"))["c1"]
    assert (found.logical_type, found.role) == ("number", "measure")


def test_only_a_sample_is_looked_at_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_facts_module, "ROWS_SAMPLED", 50)
    columns = {"c1": "hash(i) % 1000", "c2": "i"}
    once, again = facts_of(columns), facts_of(columns)
    assert once == again and [each.rows for each in once] == [50, 50]


def test_names_with_quotes_and_blanks_are_taken_as_they_are() -> None:
    with duckdb.connect() as engine:
        engine.execute('create table t as select i::varchar as "a ""b"" c" from range(5) numbers(i)')
        (found,) = column_facts(engine, "t", ['a "b" c'])
    assert found.present == 5


def test_the_facts_hold_no_value() -> None:
    """Counts, a word of ours, and spreads: nothing that a person could be known by."""
    columns: Sequence[ColumnFacts] = facts_of(PEOPLE)
    for each in columns:
        kinds = {type(value) for value in vars(each).values()} - {int, float, tuple, type(None)}
        assert kinds == {str} and each.calendar in (None, "months", "days of a month", "hours")
