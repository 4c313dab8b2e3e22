"""A rate is that of the day and of the taxpayer, with its source; where there is none, nothing is sold."""

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.problems import KINDS, Problem
from market_api.rates.tables import DatedRate, RateTable, own_tables, rates_on, read_tables
from tests.pricing.markets import unhurried
from vault.marked_yaml import YamlFault


@pytest.mark.parametrize(
    ("taxpayer", "day", "rate"),
    [
        ("general", "2026-01-01", "6/100"),
        ("general", "2026-11-28", "6/100"),
        ("small_scale", "2026-01-01", "1/100"),
        ("small_scale", "2027-12-31", "1/100"),
        ("small_scale", "2028-01-01", "3/100"),
    ],
)
def test_a_rate_is_that_of_its_day(taxpayer: str, day: str, rate: str) -> None:
    found = rates_on(date.fromisoformat(day), taxpayer)  # type: ignore[arg-type]
    assert (found.vat.rate, found.fee.rate) == (Fraction(rate), Fraction(2, 100))


@pytest.mark.parametrize(("taxpayer", "first"), [("general", "2016-05-01"), ("small_scale", "2023-01-01")])
def test_a_day_before_the_table_has_no_rate(taxpayer: str, first: str) -> None:
    table = own_tables()["vat"][taxpayer]
    day = date.fromisoformat(first)
    assert table.on(day).from_day == day
    with pytest.raises(Problem, match=rf"no_rate: .*begins on {first}"):
        table.on(day - timedelta(days=1))
    assert KINDS["no_rate"].status == 409


def test_without_a_fee_on_record_there_is_no_sale_either() -> None:
    with pytest.raises(Problem, match=r"no_rate: .*fee\.standard"):
        rates_on(date(2025, 12, 31), "general")


def test_an_unknown_kind_of_taxpayer_has_no_rate() -> None:
    with pytest.raises(Problem, match="no_rate"):
        rates_on(date(2026, 11, 28), "exempt")  # type: ignore[arg-type]


def test_every_rate_of_the_market_names_its_source() -> None:
    assert all(
        each.source and 0 < each.rate < 1
        for tables in own_tables().values()
        for table in tables.values()
        for each in table.rates
    )


@unhurried
@given(st.lists(st.dates(), min_size=1, max_size=8, unique=True), st.dates())
def test_the_rate_of_a_day_is_the_last_that_began(days: list[date], day: date) -> None:
    table = RateTable("any", tuple(DatedRate(each, Fraction(0), "a law") for each in sorted(days)))
    begun = [each for each in days if each <= day]
    if begun:
        assert table.on(day).from_day == max(begun)
    else:
        with pytest.raises(Problem, match="no_rate"):
            table.on(day)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("vat: {general: []}\nfee: {standard: [{from: 2026-01-01, rate: 0, source: a}]}", "empty"),
        ("vat: {}\nfee: {standard: [{from: 2026-01-01, rate: 1, source: a}]}", "below 1"),
        ("vat: {}\nfee: {standard: [{from: 2026-01-01, rate: -1/100, source: a}]}", "0 or more"),
        ("vat: {}\nfee: {standard: [{from: 2026-01-01, rate: 0.02, source: ' '}]}", "names its source"),
        ("vat: {}\nfee: {standard: [{from: 2026-01-01, rate: 0.02}]}", "from, rate and source"),
        ("vat: {}\nfee: {standard: [{from: soon, rate: 0.02, source: a}]}", "from, rate and source"),
        (
            "vat: {}\nfee: {standard: [" + 2 * "{from: 2026-01-01, rate: 0, source: a}, " + "]}",
            "from day to later day",
        ),
        ("vat: {}\nfee: {other: []}", "standard"),
        ("vat: {}", "standard"),
    ],
)
def test_a_file_that_leaves_a_rate_open_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "rates.yaml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=cause):
        read_tables(tmp_path / "rates.yaml")


def test_a_rate_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rates.yaml").write_text("vat: {general: [], general: []}\nfee: {}", "utf-8")
    with pytest.raises(YamlFault, match="given twice"):
        read_tables(tmp_path / "rates.yaml")
