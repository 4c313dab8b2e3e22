"""Pages built by Great Expectations from our results: complete, kept few, readable without a network."""

import json
import os
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from expectations import data_docs
from expectations.data_docs import PAGES_KEPT, CheckedTable, index_of, publish
from tests.builders import NOON
from tests.expectations.tables import RUN, evaluated, expect
from vault.errors import JinkuError

EXPECTATIONS = (
    expect("expect_column_values_to_not_be_null", column="id", severity="critical"),
    expect("expect_column_values_to_match_regex", column="word", regex="^a"),
    expect("expect_column_mean_to_be_between", column="id", min_value=9),
    expect("expect_column_values_to_be_in_set", column="gone", value_set=["a"]),
    expect("expect_column_max_to_be_between", column="day", min_value=date(2026, 1, 4)),
    expect("unexpected_rows_expectation", dimension="accuracy", unexpected_rows_query="select * from {batch}"),
)
RESULTS = evaluated(
    "select i as id, 'b' || i as word, date '2026-01-01' as day from range(4) numbers(i)", *EXPECTATIONS, public=("id",)
)


def checked(asset: str = "base/readings") -> CheckedTable:
    return CheckedTable(asset, EXPECTATIONS, RESULTS)


def test_every_expectation_stands_on_the_page_with_its_counts_and_cause(tmp_path: Path) -> None:
    page = publish(tmp_path, [checked()], RUN, NOON)["base/readings"]
    text = re.sub(r"<[^>]+>|\s+", " ", page.read_text("utf-8"))
    for words in ("values must never be null", "4 unexpected values found", "1.5", "the table has no column 'gone'"):
        assert words in re.sub(" +", " ", text).replace("&#39;", "'"), words
    assert "base.readings" in index_of(tmp_path).read_text("utf-8")


def test_the_project_has_suite_checkpoint_and_stored_results(tmp_path: Path) -> None:
    publish(tmp_path, [checked(), checked("resource/zones")], RUN, NOON)
    import great_expectations as gx

    context = gx.get_context(mode="file", project_root_dir=tmp_path)
    assert {suite.name for suite in context.suites.all()} == {"base.readings", "resource.zones"}
    assert {checkpoint.name for checkpoint in context.checkpoints.all()} == {"base.readings", "resource.zones"}
    assert len(context.validation_results_store.list_keys()) == 2
    (suite, _) = sorted(context.suites.all(), key=lambda each: str(each.name))
    assert len(suite.expectations) == len(EXPECTATIONS)


def test_pages_load_nothing_from_other_servers(tmp_path: Path) -> None:
    publish(tmp_path, [checked()], RUN, NOON)
    pages = list((tmp_path / "gx" / "uncommitted" / "data_docs").rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        loaded = re.findall(r'(?:src=|<link[^>]*href=|url\()["\']?(?:https?:)?//[^"\' )]*', page.read_text("utf-8"))
        assert loaded == []


def test_few_pages_are_kept_of_each_table(tmp_path: Path) -> None:
    for hour in range(PAGES_KEPT + 3):
        page = publish(tmp_path, [checked()], f"run-{hour}", NOON + timedelta(hours=hour))["base/readings"]
    pages = list((tmp_path / "gx" / "uncommitted" / "data_docs").rglob("validations/**/*.html"))
    assert len(pages) == PAGES_KEPT
    assert page in pages
    stored = list((tmp_path / "gx" / "uncommitted" / "validations").rglob("*.json"))
    assert len(stored) == PAGES_KEPT


def test_a_suite_that_changed_is_shown_as_it_is_now(tmp_path: Path) -> None:
    publish(tmp_path, [checked()], RUN, NOON)
    fewer = CheckedTable("base/readings", EXPECTATIONS[:1], RESULTS[:1])
    publish(tmp_path, [fewer], "run-2", NOON + timedelta(hours=1))
    (stored,) = (tmp_path / "gx" / "expectations").rglob("*.json")
    assert len(json.loads(stored.read_text("utf-8"))["expectations"]) == 1


def test_trouble_is_named_and_quotes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(JinkuError, match="data_docs_unwritable"):
        publish(tmp_path / "taken", [checked()], RUN, NOON)

    def broken(*_: object) -> None:
        raise ValueError("secret-name")

    monkeypatch.setattr(data_docs, "_store", broken)
    with pytest.raises(JinkuError, match=r"data_docs_failed.*ValueError") as raised:
        publish(tmp_path / "docs", [checked()], RUN, NOON)
    assert "secret" not in str(raised.value)


def test_a_folder_that_may_only_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root every folder may be written
    with pytest.raises(JinkuError, match=r"data_docs_unwritable.*Permission denied"):
        publish(tmp_path, [checked()], RUN, NOON)
