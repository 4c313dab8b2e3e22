"""The valuation pages: every step of a price stands on them, nothing is fetched, a real browser shows them whole."""

import errno
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from expectations.pages import write_asset_page, write_overview
from expectations.pages_files import valuation_overview
from orchestration.valuation import charts
from orchestration.valuation.charts_trend import TREND_LENGTH, money_of, prices
from orchestration.valuation.entropy_tree import ColumnShare, column_shares
from orchestration.valuation.explanation import explained
from orchestration.valuation.page import valuation_page, write_valuation_overview, write_valuation_page
from orchestration.valuation.reading import read
from pricing.comparables import Factors
from tests.builders import NOON
from tests.expectations.tables import DAY, report_of, results_of
from tests.orchestration.valuation.valuations import (
    NAME,
    RECORDS,
    TRADED,
    entropy,
    facts,
    history,
    measures_told,
    parameters,
    valuation,
)
from tests.pages import HOSTILE, Page, assert_nothing_is_loaded, assert_shown_whole_and_quietly
from vault.errors import JinkuError
from vault.valuations import Valuation, latest_valuations, record, valuations_of

LINT = {"kind": "superset_cheaper", "dearer_id": NAME, "dearer_fen": 9, "cheaper_ids": ["clinic"], "cheaper_fen": 7}
FLAGS = ["the parameters are those of 2026q3: no newer set has been approved"]
TARGET = {"name": "trips", "bits": 2.5, "target_bits": 3.0, "corrected_bits": 2.6, "chance_bits": 0.1}


def page_of(reports: Path, told: Valuation, trend: tuple[Valuation, ...] = ()) -> Page:
    return Page(write_valuation_page(reports, told, trend, NOON))


def texts(chart: str) -> list[str]:
    return [text for text in ElementTree.fromstring(chart).itertext() if text.strip()]


def test_the_page_tells_every_step_of_the_price(tmp_path: Path) -> None:
    told = valuation()
    page = page_of(tmp_path, told)
    assert page.path == tmp_path / "valuation" / f"{NAME}.html" == valuation_page(tmp_path, NAME)
    steps = page.between("Step by step", "Where the information lies")
    for line in explained(told):
        assert f"{line.symbol} {line.value} {line.words}" in steps, line
        assert line.formula in steps, line
    assert "Information value I 0.247 = V 0.507 · Q 0.894 · D 0.546" in page.text
    assert "Negotiated price P¹ ¥7,453.57" in page.text and "Guide price P² ¥2,398.95" in page.text
    assert page.source.count("<svg") == 4


def test_an_unpublished_price_is_marked_and_a_published_one_too(tmp_path: Path) -> None:
    assert "Unpublished The security review has not let this price out" in page_of(tmp_path, valuation()).text
    published = page_of(tmp_path, valuation(is_published=True))
    assert "✓ Published" in published.text and "has not let this price out" not in published.text


def test_what_to_know_and_what_the_lint_found_come_first(tmp_path: Path) -> None:
    page = page_of(tmp_path, valuation(flags=FLAGS, lint=[LINT]))
    known = page.between("Know this before relying on it", "Information value I")
    assert FLAGS[0] in known
    assert f"Prices at odds: clinic holds all that {NAME} does and more, and costs less: ¥0.07 to ¥0.09" in known
    assert "Know this" not in page_of(tmp_path, valuation()).text


def test_the_regime_and_what_is_listed_are_told(tmp_path: Path) -> None:
    guided = page_of(tmp_path, valuation(of=facts(regime="public_guided")))
    assert guided.text.count("listed at ¥1,919.16 (public_guided)") == 2
    assert "to the ceiling" in guided.text
    free = page_of(tmp_path, valuation(of=facts(regime="public_free")))
    assert free.text.count("listed at ¥0.00 (public_free)") == 2 and "free of charge" in free.text
    assert "listed at" not in page_of(tmp_path, valuation()).text


def test_without_a_cost_there_is_no_guide_price_and_the_page_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, valuation(of=facts(field_costs=(), model_cost_fen=0)))
    assert "no guide price follows from a cost of 0" in page.text and "There is no guide price." in page.text
    assert page.source.count("<svg") == 3


def test_what_changed_since_the_valuation_before_is_told(tmp_path: Path) -> None:
    trend = history(3)
    page = page_of(tmp_path, trend[1], trend)
    assert "was 12,265 rows" in page.text and "▲ from 0.247" in page.text
    assert "was 12,265 rows" not in page_of(tmp_path, trend[2], trend).text
    assert 'aria-label="2 valuations: P¹ from ¥7,453.57 to ' in page.source, "later ones are no part of its past"
    assert "▲" not in page_of(tmp_path, trend[0], trend).text


def test_the_columns_and_what_they_repeat(tmp_path: Path) -> None:
    page = page_of(tmp_path, valuation())
    repeats = page.between("What repeats what", "What would raise the value most")
    assert "borough repeats 2.32 of its 2.32 bits from zone_id" in repeats
    assert "trips_per_day repeats 3.29 of its 3.78 bits from trips" in repeats
    assert "hardly repeat another: zone_id, day_type" in repeats and "zone_name identifier" in repeats
    assert "Together 19.24 bits of 28.37 bits" in page.text
    measures = {**measures_told(entropy()), "target": TARGET, "basis": "sample", "sample_seed": "2026q4"}
    told = page_of(tmp_path, valuation(measures=measures)).text
    assert "For trips a record tells 2.50 bits of its 3 bits" in told
    assert "a sample of 3,000 of 3,000 rows, drawn by 2026q4" in told


def test_a_component_without_a_column_that_counts_has_its_page(tmp_path: Path) -> None:
    nothing = {"bits": 0.0, "marginal_sum_bits": 0.0, "tree": [], "columns": [], "pairs": [], "joint_bits": None}
    measures = {**measures_told(entropy()), "target": None, "entropy": nothing, "left_out": []}
    empty = facts(measures=replace(facts().measures, entropy_bits=0.0, records=0, z={}))
    page = page_of(tmp_path, valuation(of=empty, measures=measures, population_share=None))
    assert "No column carries information." in page.text and "No column repeats another." in page.text
    assert "the contract does not say what share is covered" in page.text


def test_what_would_raise_the_value_is_listed_with_its_gain(tmp_path: Path) -> None:
    page = page_of(tmp_path, valuation(of=facts(trading=TRADED)))
    gains = page.between("What would raise the value most", "Trend")
    assert "timeliness 1 instead of 0.700 I 0.263 P¹ +¥366.69 P² unchanged" in gains
    assert "twice the source records" in gains and "and 2 more that bring less" in gains
    widths = [float(found) for found in re.findall(r'class="negotiated" style="width:([\d.]+)%', page.source)]
    assert widths == sorted(widths, reverse=True) and max(widths) == 100
    best = facts(measures=replace(facts().measures, z=dict.fromkeys(facts().measures.z, 1.0), records=10**15))
    perfect = valuation(of=replace(best, factors=Factors(1, 1, 10**15, 1)), by=parameters(entropy_kind="marginal_sum"))
    assert "What would raise the value most" not in page_of(tmp_path, perfect).text


def test_sources_link_to_their_quality_where_it_is_there(tmp_path: Path) -> None:
    write_asset_page(tmp_path, report_of(results_of()), DAY)
    page = page_of(tmp_path, valuation())
    assert "base/taxi_trips 12,000 2 base/taxi_zones 265 1" in page.between("Sources", "Where this comes from")
    assert "../quality/base/taxi_trips.html" in page.links and "index.html" in page.links
    assert len(page.links) == 2, "the others have no page yet"
    assert "2026-08-21, 95 days before; updated every 31 days, worth half after 180 more" in page.text
    ageless = {"newest": None, "age_days": 0, "update_period_days": 0, "half_life_days": None}
    assert "not known; it does not age" in page_of(tmp_path, valuation(age=ageless)).text


def test_where_it_comes_from(tmp_path: Path) -> None:
    epoch = {"name": "2026q4", "approved_by": "the data office", "is_carried_over": True}
    source = page_of(tmp_path, replace(valuation(epoch=epoch), valuation_id=12)).between(
        "Where this comes", "This page"
    )
    for words in ("run-7, valuation 12 on record", "approved by the data office; carried over", "c1c1c1c1c1c1"):
        assert words in source, words
    assert f"jinku price {NAME} --check" in source and "Built 2026-11-24 12:00 UTC" in source


def test_the_overview_lists_all_components_the_most_valuable_first(tmp_path: Path) -> None:
    store = tmp_path / "store"
    record(store, valuation(is_published=True))
    poor = facts(records=100, trading=TRADED, regime="public_guided")
    record(store, valuation("clinic_load_weekly", of=poor, flags=FLAGS, lint=[LINT]))
    record(store, valuation("air_daily", of=facts(measures=replace(facts().measures, z={}), model_cost_fen=0)))
    record(store, valuation("free_of_cost", of=facts(field_costs=(), model_cost_fen=0, regime="public_free")))
    found = latest_valuations(store)
    for name, told in found.items():
        if name != "air_daily":
            write_valuation_page(tmp_path, told, valuations_of(store, name), NOON)
    page = Page(write_valuation_overview(tmp_path, tuple(found.values()), NOON))
    assert page.path == valuation_overview(tmp_path)
    assert "4 components valued 1 published 1 with something to know 1 with prices at odds" in page.text
    assert "3 unpublished The security review has not let these prices out" in page.text
    table = page.text.split("To know", 1)[1]
    places = [table.index(name) for name in ("free_of_cost", NAME, "clinic_load_weekly", "air_daily")]
    assert places == sorted(places)
    assert "0.247 0.507 0.894 0.546 ¥7,453.57 ¥2,398.95 published market" in table
    assert "unpublished public_guided: ¥1,919.16" in table and "– unpublished public_free: ¥0.00" in table
    assert FLAGS[0] in table and "costs less: ¥0.07 to ¥0.09" in table
    assert set(page.links) == {f"{name}.html" for name in found if name != "air_daily"}
    assert all((page.path.parent / link).is_file() for link in page.links)


def test_the_overviews_of_quality_and_of_value_lead_to_each_other(tmp_path: Path) -> None:
    assert Page(write_overview(tmp_path, (), {}, NOON)).links == []
    value = Page(write_valuation_overview(tmp_path, (valuation(),), NOON))
    assert value.links == ["../quality/index.html"]
    quality = Page(write_overview(tmp_path, (), {}, NOON))
    assert quality.links == ["../valuation/index.html"]
    for page in (value, quality):
        assert all((page.path.parent / link).resolve().is_file() for link in page.links)


def test_the_overview_of_nothing(tmp_path: Path) -> None:
    page = Page(write_valuation_overview(tmp_path, (), NOON))
    assert "No component has been valued yet." in page.text and "npublished" not in page.text


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    measures = measures_told(entropy())
    cruel = {**measures, "target": None, "left_out": [{"name": HOSTILE, "reason": HOSTILE}]}
    for column in cruel["entropy"]["columns"]:
        column["name"] = column["name"].replace("borough", HOSTILE)
    for pair in cruel["entropy"]["pairs"]:
        pair.update({side: pair[side].replace("borough", HOSTILE) for side in ("first", "second")})
    cruel["entropy"]["tree"] = [
        [each.replace("borough", HOSTILE) for each in edge] for edge in cruel["entropy"]["tree"]
    ]
    epoch = {"name": HOSTILE, "approved_by": HOSTILE, "is_carried_over": False}
    told = valuation(measures=cruel, flags=[HOSTILE], lint=[{**LINT, "dearer_id": HOSTILE}], epoch=epoch)
    page = page_of(tmp_path, replace(told, run_id=HOSTILE, epoch=HOSTILE))
    assert_nothing_is_loaded(page)
    assert page.text.count(HOSTILE) > 5
    assert_nothing_is_loaded(Page(write_valuation_overview(tmp_path, (told,), NOON)))


def test_nothing_comes_from_the_network_and_the_pages_are_marked_up_well(tmp_path: Path) -> None:
    page, overview = page_of(tmp_path, valuation()), Page(write_valuation_overview(tmp_path, (valuation(),), NOON))
    for each in (page, overview):
        assert_nothing_is_loaded(each)
        assert [tag for tag, _ in each.tags if tag in ("h1", "main")] == ["h1", "main"]
        assert all("aria-label" in found for tag, found in each.tags if tag == "svg")
        assert all(found.get("scope") for tag, found in each.tags if tag == "th")
        assert "http:" not in each.source and "https:" not in each.source
        assert len(each.identifiers) == len(set(each.identifiers))
    assert page.source == page_of(tmp_path, valuation()).source, "the same valuation gives the same bytes"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    attempts: tuple[Callable[[], Path], ...] = (
        lambda: write_valuation_page(taken, valuation(), (), NOON),
        lambda: write_valuation_overview(taken, (), NOON),
    )
    for write in attempts:
        with pytest.raises(JinkuError, match=r"report_unwritable.*the valuations are on record") as raised:
            write()
        assert raised.value.where == str(taken)
    first = write_valuation_page(tmp_path, valuation(), (), NOON).read_text("utf-8")

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(JinkuError, match=r"report_unwritable.*No space left on device"):
        write_valuation_page(tmp_path, valuation(flags=FLAGS), (), NOON)
    assert valuation_page(tmp_path, NAME).read_text("utf-8") == first
    assert [each.name for each in (tmp_path / "valuation").iterdir()] == [f"{NAME}.html"]
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root every folder may be written
    with pytest.raises(JinkuError, match=r"report_unwritable.*Permission denied"):
        write_valuation_overview(tmp_path, (), NOON)


@pytest.mark.parametrize("name", ["../escape", "a/b", "Taxi", "", "x\n", "index.html"])
def test_a_name_that_is_no_component_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no component"):
        write_valuation_page(tmp_path, valuation(name), (), NOON)
    with pytest.raises(ValueError, match="no component"):
        write_valuation_overview(tmp_path, (valuation(name),), NOON)
    assert list(tmp_path.iterdir()) == []


def drawings() -> list[str]:
    told, trend = read(valuation(of=facts(trading=TRADED))), history(5)
    assert told.price.guided is not None
    return [
        charts.waterfall(told),
        charts.factors(told.price.guided, told.parameters.guide),
        charts.columns(column_shares(told.entropy)),
        prices(trend),
    ]


def test_the_charts_of_a_page_are_the_same_each_time_and_have_no_identifier_in_common() -> None:
    drawn = drawings()
    assert drawn == drawings()
    identifiers = [found for chart in drawn for found in re.findall(r'\bid="([^"]+)"', chart)]
    assert len(identifiers) == len(set(identifiers))
    for chart in drawn:
        assert ElementTree.fromstring(chart).attrib["role"] == "img"
        assert re.findall(r"https?:|xmlns|<script|<style|<image|stroke: #|fill: #", chart) == []
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', chart))
        assert used == set(re.findall(r'\bid="([^"]+)"', chart))


def test_the_waterfall_goes_from_costs_by_activity_to_the_price() -> None:
    drawn = texts(charts.waterfall(read(valuation())))
    assert drawn[::2] == [
        "storage", "compute", "governance", "acquisition", "model C_xm", "cost price P'", "k_y 0.8", "value A_k·I",
        "margin 0.15", "P¹",
    ]  # fmt: skip
    assert drawn[1::2][-5:] == ["¥1,919.16", "−¥383.83", "+¥4,946.04", "+¥972.21", "¥7,453.57"]
    shared = texts(charts.waterfall(read(valuation(of=facts(expected_licences=4, ecosystem="innovation")))))
    assert "÷ 4 licences" in shared and not any(words.startswith("k_y") for words in shared)
    assert "P¹" in texts(charts.waterfall(read(valuation(of=facts(field_costs=(), model_cost_fen=0)))))


def test_the_factors_are_named_with_their_exponents_and_marked_where_clipped() -> None:
    told = read(valuation(of=facts(factors=Factors(1, 0.9, RECORDS, 0.9))))
    assert told.price.guided is not None
    drawn = texts(charts.factors(told.price.guided, told.parameters.guide))
    assert "S scarcity" in drawn and "1 to typical 0.500" in drawn and "^0.3" in drawn and "×1.23" in drawn
    assert "12,265 to typical 1,000,000 (clipped)" in drawn and sum("clipped" in words for words in drawn) == 1
    assert "Φ all four" in drawn and "within 0.333 and 3" in drawn


def test_a_wide_component_is_cut_and_what_is_left_out_is_told() -> None:
    shares = [ColumnShare(f"column_{number}" * 6, 2.0, 0.5, "zone_id") for number in range(30)]
    drawn = texts(charts.columns(shares))
    assert drawn[-1] == "and 6 more columns, +9 bits" and drawn[0].endswith("…")
    assert len(drawn) == 2 * charts.COLUMNS_DRAWN + 1


def test_the_trend_marks_other_parameters_and_keeps_to_the_last() -> None:
    with pytest.raises(ValueError, match="no valuation"):
        prices(())
    one = prices(history(1))
    assert "2026-11-24" in texts(one) and 'aria-label="1 valuation: P¹ from' in one
    changed = prices((*history(2), *history(2, by=parameters(half_value_bits=20.0))))
    assert changed.count("stroke-dasharray: 2,3") == 1 and "stroke-dasharray" not in prices(history(4))
    long = prices(history(TREND_LENGTH + 20))
    assert f"{TREND_LENGTH} valuations" in long and long.count("<use") == 0
    assert [money_of(fen) for fen in (99_999_9, 1_000_050, 1_181_553)] == ["¥9,999.99", "¥10,001", "¥11,816"]
    unpriced = prices((valuation(of=facts(field_costs=(), model_cost_fen=0)),))
    assert "no P²" in unpriced and not any(words.startswith("P²") for words in texts(unpriced))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_a_browser_shows_the_pages_whole_and_quietly(browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    long_name = "zone_" * 20 + "mobility"
    guided = facts(10**9, regime="public_guided", trading=TRADED, model_cost_fen=10**11)
    hard = valuation(long_name, of=guided, flags=[HOSTILE, "x" * 300], lint=[LINT])
    trend = history(30)
    pages = [
        write_valuation_page(tmp_path, trend[-1], trend, NOON),
        write_valuation_page(tmp_path, hard, (), NOON),
        write_valuation_page(tmp_path, valuation("bare", of=facts(field_costs=(), model_cost_fen=0)), (), NOON),
        write_valuation_overview(tmp_path, (trend[-1], hard, valuation("clinic_load_weekly", is_published=True)), NOON),
    ]
    assert_shown_whole_and_quietly(browser, pages, width, scheme)


def test_the_way_from_the_overview_to_a_component_and_on_to_its_source(browser: Any, tmp_path: Path) -> None:
    write_asset_page(tmp_path, report_of(results_of()), DAY)
    write_valuation_page(tmp_path, valuation(), (), NOON)
    overview = write_valuation_overview(tmp_path, (valuation(),), NOON)
    tab = browser.new_page()
    tab.goto(overview.as_uri())
    tab.click(f"text={NAME}")
    assert tab.inner_text("h1") == "Zone hourly mobility"
    tab.click("text=base/taxi_trips")
    assert tab.inner_text("h1") == "Taxi trips"
    tab.go_back()
    tab.click("text=← All values and prices")
    assert tab.inner_text("h1") == "Values and prices"
    tab.close()
