"""The quality pages: everything a steward needs stands on them, escaped, at once, and readable in a real browser."""

import errno
import os
import re
import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from expectations import history, pages_format
from expectations.catalogue import CATALOGUE
from expectations.pages import (
    AssetReport,
    AssetWords,
    OverviewLine,
    overview_of,
    write_asset_page,
    write_overview,
    write_overview_of,
)
from expectations.pages_files import TEMPLATES
from expectations.pages_format import band, count, percent, plural, score, scores_apart
from expectations.pages_rules import SENTENCES, rule_of, rules_of
from expectations.results import ExpectationResult, Status
from expectations.scoring import quality_vector
from expectations.vector import PlatformMetrics, QualityVector
from expectations.waivers import Waiver
from expectations.weights import beta_set
from tests.builders import NOON
from tests.expectations.tables import (
    ALL_RIGHT,
    ASSET,
    DAY,
    FAILING,
    RUN,
    SUITE,
    expect,
    report_of,
    results_of,
)
from tests.pages import HOSTILE, Page, assert_nothing_is_loaded, assert_shown_whole_and_quietly
from vault.contract import Dimension, Expectation
from vault.errors import JinkuError

RULES = SimpleNamespace(weights=beta_set(), waivers=())
PLATFORM = PlatformMetrics(85, 90, 1990, 2000, 9, 10)
RIGHT: dict[str, Any] = ALL_RIGHT[0]
NOT_CRITICAL = results_of({}, RIGHT, {}, {**RIGHT, "element_count": 10_000})
"""Two expectations fail, none of them critical, and one had nothing to evaluate."""


def page_of(folder: Path, report: AssetReport, today: date = DAY) -> Page:
    return Page(write_asset_page(folder, report, today))


def waiver(dimension: Dimension, until: date, **changes: str) -> Waiver:
    told = {"reason": "It is received once", "who": "Li Wei, data office", **changes}
    return Waiver(asset=ASSET, dimension=dimension, until=until, **told)


def test_a_closed_gate_comes_first_and_names_what_closes_it(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(results_of()))
    assert page.path == tmp_path / "quality" / "base" / "taxi_trips.html"
    verdict = page.between("✕ Gate closed", "Quality Q")
    for words in (
        "until all of this is mended",
        "It was open in the run before",
        "Not evaluated: gone is one of cash, card",
        "the table has no column 'gone'",
        "Broken: cost_yuan is between 0 and 500",
        "988 of 9,988 rows break it (9.89%)",
        "Why it is asked: a test",
    ):
        assert words in verdict, words
    assert "plate" not in verdict  # a warning that failed closes nothing
    assert "Gate open" not in page.text


def test_an_open_gate_says_so_and_what_it_does_not_mean(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(NOT_CRITICAL))
    assert "✓ Gate open" in page.text and "Gate closed" not in page.text
    assert "2 expectations below critical failed: they cost Q, but do not close the gate." in page.text
    one = page_of(tmp_path, report_of(results_of({}, RIGHT, RIGHT, {**RIGHT, "element_count": 10_000})))
    assert "One expectation below critical failed" in one.text
    right = page_of(tmp_path, report_of(results_of(*ALL_RIGHT)))
    assert "Every expectation that had something to evaluate holds." in right.text
    assert "What costs most of Q" not in right.text
    empty = tuple(replace(each, status="vacuous", rate=None, cause=None) for each in results_of())
    assert "not shown to be good either" in page_of(tmp_path, report_of(empty)).text


def test_without_any_result_the_gate_is_closed_and_the_page_says_why(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of((), platform=PlatformMetrics()))
    assert "✕ Gate closed Nothing was evaluated, and without evidence the gate is closed." in page.text
    assert page.text.count("no evidence") >= 6
    assert "closed" in page.between("Trend of Q", "How Q follows")  # the trend marks this run too
    assert "Not evaluated yet 7" in page.text  # the expectations of the contract stand there all the same


def test_an_evaluation_that_was_never_scored_has_its_page(tmp_path: Path) -> None:
    report = report_of(results_of())
    unscored = replace(report, evaluation=replace(report.evaluation, vector=None), trend=(), expectation_gains=())
    page = page_of(tmp_path, replace(unscored, column_gains=()))
    assert page.text.count("Not scored in this run") == 2 and "No run is on record" in page.text
    assert "How Q follows" not in page.text and "✕ Gate closed" in page.text


def test_how_long_the_gate_has_been_closed(tmp_path: Path) -> None:
    report = report_of(results_of(), before=[0.9, 0.8, 0.8])
    closed = tuple(replace(point, gate_closed=position > 0) for position, point in enumerate(report.trend))
    page = page_of(tmp_path, replace(report, trend=closed))
    assert "Closed for 3 runs in a row, since 2026-11-22 12:00 UTC." in page.text
    assert "This is its first run." in page_of(tmp_path, report_of(results_of(), before=[])).text


def test_q_its_change_and_how_it_follows(tmp_path: Path) -> None:
    report = report_of(NOT_CRITICAL, before=[0.78])
    vector = report.evaluation.vector
    assert vector is not None
    page = page_of(tmp_path, report)
    assert f"Quality Q {vector.quality:.2f} ▲ up from 0.78 in the previous run" in page.text
    table = page.between("How Q follows", "What costs most")
    weighted = {name: (vector.scores[name] or 0) * weight for name, weight in beta_set().beta.items()}
    for name, product in weighted.items():
        assert name.capitalize() in table and f"{product:.4f}" in table, name
    total = sum(weighted.values())
    assert f"Q = (Zᵀβ)² = {total:.4f}² = {vector.quality:.4f}" in table
    assert "was 0.78" in table and "2 expectations" in table and "the platform" in table
    down = page_of(tmp_path, report_of(results_of(), before=[0.99, None]))
    assert "▼ down from 0.99 in the previous run" in down.text  # the run between had no score
    assert "First run with a score" in page_of(tmp_path, report_of(NOT_CRITICAL, before=[])).text
    same = page_of(tmp_path, report_of(NOT_CRITICAL, before=[vector.quality]))
    assert "Unchanged since the previous run" in same.text


def test_a_q_that_was_found_with_other_weights_is_not_explained_by_these(tmp_path: Path) -> None:
    report = report_of(NOT_CRITICAL)
    assert report.evaluation.vector is not None
    vector = replace(report.evaluation.vector, beta_set="standard-2020q1", quality=0.5)
    page = page_of(tmp_path, replace(report, evaluation=replace(report.evaluation, vector=vector)))
    assert "The Q on record, 0.5000, was found with the weights standard-2020q1" in page.text
    assert "The Q on record" not in page_of(tmp_path, report).text


def test_what_costs_most_of_q_is_told_in_sentences(tmp_path: Path) -> None:
    report = report_of(results_of())
    costs = page_of(tmp_path, report).between("What costs most of Q", "Could not be evaluated")
    first = report.column_gains[0]
    assert f"Fixing {first.name} raises Q from {first.quality:.2f} to {first.quality_if_right:.2f}" in costs
    assert costs.index("By column") < costs.index("Fixing cost_yuan raises") < costs.index("By expectation")
    assert "Fixing cost_yuan is between 0 and 500 raises Q" in costs
    tiny = tuple(replace(gain, quality_if_right=gain.quality + 1e-9) for gain in report.column_gains)
    quiet = page_of(tmp_path, replace(report, column_gains=tiny, expectation_gains=report.expectation_gains * 3))
    assert "By column" not in quiet.text and "and 7 more that cost less" in quiet.text


def test_expectations_stand_by_status_with_their_counts(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(results_of()))
    text = page.text.split(" Expectations ", 1)[1]
    titles = ["Could not be evaluated 1", "Failed 3", "Passed 2", "Nothing to evaluate 1", "What the platform measured"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    error, failed, passed, vacuous = (text[start:end] for start, end in pairwise(places))
    assert (
        "gone is one of cash, card a test the table has no column 'gone' warning normativity – – – 0% 0.12 s" in error
    )
    assert failed.index("cost_yuan") < failed.index("plate") < failed.index("the query finds no row")  # gravest first
    assert "critical accuracy 9,988 12 988 90.10% 0.12 s" in failed
    assert "plate matches ^[A-Z]{2}[0-9]{5}$, for at least 99% of the rows" in failed
    assert "select * from {batch} where ended < started" in failed
    assert "consistency 10,000 – 20 99.80%" in failed
    assert "trip_id is never missing a test critical completeness 10,000 – 0 100%" in passed
    assert "the mean of distance_km is between 1 and 9" in passed and "figure 4.25 100%" in passed
    assert "remarks is valid JSON a test info normativity 0 10,000 0 –" in vacuous
    assert {"#error", "#failed", "#passed", "#vacuous"} <= set(page.links)
    assert len(page.identifiers) == len(set(page.identifiers))


def test_failing_rows_are_conditions_that_find_them(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(results_of()))
    assert "4 of 988 failing rows" in page.text
    assert f"_batch = '{'ab12' * 16}' and _row in (3, 17, 204)" in page.text
    assert "_batch = 'cd''34' and _row in (9)" in page.text
    assert "put one behind select * from base.taxi_trips where" in page.text
    assert "user-select:all" in page.source
    few = results_of({}, {"unexpected_count": len(FAILING)})
    assert "4 failing rows" in page_of(tmp_path, report_of(few)).text
    assert "_batch" not in page_of(tmp_path, report_of(results_of(*ALL_RIGHT))).text


def test_contract_and_results_that_parted_are_told(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(results_of(), expectations=SUITE[1:]))
    assert "trip_id is never missing no longer in the contract" in page.text
    shorter = page_of(tmp_path, report_of(results_of()[1:]))
    assert "Not evaluated yet 1" in shorter.text
    assert "trip_id is never missing" in shorter.text.split("Not evaluated yet")[1]


def test_waivers_with_who_why_and_until_when(tmp_path: Path) -> None:
    waivers = (waiver("accessibility", date(2027, 3, 31)), waiver("timeliness", DAY - timedelta(days=1)))
    page = page_of(tmp_path, report_of(results_of(), waivers=waivers))
    told = page.between("Waivers", "Where this comes from")
    assert (
        "Accessibility: It is received once Signed by Li Wei, data office; counts until 2027-03-31, 127 more days."
        in told
    )
    assert "Ran out on 2026-11-23; it counts no more. Signed by Li Wei, data office." in told
    struck = re.findall(r"<s>(.*?)</s>", page.source)
    assert len(struck) == 1 and "Timeliness" in struck[0]
    assert "below each β stands what it was" in page.text
    assert re.search(r"Accessibility the platform waived", page.text)
    last = page_of(tmp_path, report_of(results_of(), waivers=(waiver("accessibility", DAY),)))
    assert "today is its last day" in last.text
    none = page_of(tmp_path, report_of(results_of()))
    assert "None: every dimension counts." in none.text and "<s>" not in none.source


def test_a_waiver_and_an_evaluation_that_do_not_agree(tmp_path: Path) -> None:
    later = (waiver("accessibility", date(2027, 3, 31)),)
    early = page_of(tmp_path, replace(report_of(results_of()), waivers=later))
    assert "It came after this evaluation and is not in its Z." in early.text
    withdrawn = page_of(tmp_path, replace(report_of(results_of(), waivers=later), waivers=()))
    assert "Withdrawn since the evaluation, which still left the dimension out." in withdrawn.text


def test_what_the_platform_measured_and_where_all_this_comes_from(tmp_path: Path) -> None:
    page = page_of(tmp_path, report_of(results_of()))
    platform = page.between("What the platform measured", "Waivers")
    assert "85 of 90 94.44%" in platform and "1,990 of 2,000 99.50%" in platform and "9 of 10 90.00%" in platform
    source = page.between("Where this comes from", "This page holds")
    for words in ("2026-11-24 12:00 UTC", RUN, "evaluation 2 on record", "standard-2026q4", "expert", "vector mode"):
        assert words in source, words
    assert "../../gx/page.html" in page.links and page.links.count("../index.html") == 2
    assert "Taxi trips" in page.text and "base/taxi_trips · team:mobility" in page.text
    assert "One row for each trip of a licensed taxi." in page.text
    bare = page_of(tmp_path, report_of(results_of(), platform=PlatformMetrics(), data_docs_link=None))
    assert bare.between("What the platform measured", "Waivers").count("no evidence") == 3
    assert "no Data Docs of this run" in bare.text


@pytest.mark.parametrize("count", [1, 1000])
def test_the_trend_of_one_run_and_of_a_thousand(tmp_path: Path, count: int) -> None:
    report = report_of(results_of(), before=[0.7] * (count - 1))
    page = page_of(tmp_path, report)
    assert f'aria-label="Q over {count:,} run' in page.source
    assert page.source.count("<svg") == 2
    assert len(page.source) < 60_000


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    suite = tuple(each.model_copy(update={"reason": HOSTILE}) for each in SUITE)
    cruel = suite[0].model_copy(update={"arguments": {"column": HOSTILE}})
    results = tuple(
        replace(each, cause=HOSTILE if each.cause else None, observed=HOSTILE if each.observed else None)
        for each in results_of()
    )
    told: dict[str, Any] = {"title": HOSTILE, "owner": HOSTILE, "description": HOSTILE, "data_docs_link": HOSTILE}
    waivers = (waiver("accessibility", DAY, reason=HOSTILE, who=HOSTILE),)
    report = report_of(results, waivers=waivers, expectations=(*suite, cruel), **told)
    page = page_of(tmp_path, report)
    assert_nothing_is_loaded(page)
    assert page.text.count(HOSTILE) > 10, "what looks like a tag or a template is shown as it is"
    words = {ASSET: AssetWords(HOSTILE, HOSTILE, (*suite, cruel))}
    engine = history.open_history(tmp_path / "history")
    history.record(engine, ASSET, RUN, NOON, results, report.evaluation.vector)
    assert_nothing_is_loaded(Page(write_overview_of(engine, tmp_path, RULES, NOON, words)))


def test_nothing_comes_from_the_network_and_the_pages_are_marked_up_well(tmp_path: Path) -> None:
    engine, _ = recorded(tmp_path)
    write_asset_page(tmp_path, report_of(results_of()), DAY)
    overview = Page(write_overview_of(engine, tmp_path, RULES, NOON))
    for page in (page_of(tmp_path, report_of(results_of())), overview):
        assert_nothing_is_loaded(page)
        assert ("html", {"lang": "en"}) in page.tags
        assert [tag for tag, _ in page.tags if tag in ("h1", "main")] == ["h1", "main"]
        assert all("aria-label" in found for tag, found in page.tags if tag == "svg")
        assert all(found.get("scope") for tag, found in page.tags if tag == "th" and not found.get("aria-hidden"))
        assert "http:" not in page.source and "https:" not in page.source


def test_every_colour_of_a_text_can_be_told_from_its_ground() -> None:
    style = (TEMPLATES / "page.css").read_text("utf-8")
    light, dark = re.findall(r":root\{(.*?)\}", style, re.DOTALL)[:2]
    texts = ("ink", "muted", "accent", "bad", "good")
    pairs = [(text, ground) for text in texts for ground in ("ground", "surface")]
    pairs += [("bad", "bad-ground"), ("ink", "bad-ground"), ("good", "good-ground"), ("ink", "good-ground")]
    pairs += [("warn", "warn-ground"), ("ink", "faint"), *(("ink", f"band{number}") for number in range(5))]
    for block in (light, dark):
        colours = {name: _full(found) for name, found in re.findall(r"--([\w-]+):(#[0-9a-f]+)", block)}
        for text, ground in pairs:
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground, colours)


def _full(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG counts it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_page_takes_the_place_of_the_one_before_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_asset_page(tmp_path, report_of(results_of()), DAY)
    first = page.read_text("utf-8")
    assert write_asset_page(tmp_path, report_of(results_of()), DAY) == page
    assert page.read_text("utf-8") == first, "the same report gives the same bytes"

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(JinkuError, match=r"report_unwritable.*No space left on device"):
        write_asset_page(tmp_path, report_of((), title="another"), DAY)
    assert page.read_text("utf-8") == first
    assert [each.name for each in page.parent.iterdir()] == ["taxi_trips.html"]


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    report = report_of(results_of())
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(JinkuError, match="report_unwritable") as raised:
            write_asset_page(tmp_path, report, DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.where == str(tmp_path)
    assert list((tmp_path / "quality" / "base").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    engine, _ = recorded(tmp_path)
    attempts: tuple[Callable[[], Path], ...] = (
        lambda: write_asset_page(taken, report_of(results_of()), DAY),
        lambda: write_overview(taken, (), {}, NOON),
        lambda: write_overview_of(engine, taken, RULES, NOON),
    )
    for write in attempts:
        with pytest.raises(JinkuError, match="report_unwritable") as raised:
            write()
        assert raised.value.where == str(taken)
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root every folder may be written
    with pytest.raises(JinkuError, match=r"report_unwritable.*Permission denied"):
        write_overview(tmp_path, (), {}, NOON)


def test_a_name_that_is_no_asset_never_becomes_a_path(tmp_path: Path) -> None:
    for name in ("../escape", "base/../../x", "base", "base/Taxi", "base/a/b", "base/x\n"):
        with pytest.raises(ValueError, match="no asset"):
            write_asset_page(tmp_path, report_of(results_of(), asset=name), DAY)
    assert list(tmp_path.iterdir()) == []


def recorded(folder: Path) -> tuple[sa.Engine, dict[str, QualityVector]]:
    """A history with open and closed gates, a waiver, an asset without results, and one in matrix mode."""
    engine = history.open_history(folder / "history")
    waived = (waiver("accessibility", date(2027, 3, 31)),)
    vectors = {}

    def add(asset: str, results: tuple[ExpectationResult, ...], hour: int, **how: Any) -> None:
        entropies = how.pop("entropies", None)
        vectors[asset] = quality_vector(
            results, how.pop("platform", PLATFORM), beta_set(), how.pop("waivers", ()), entropies
        )
        moment = NOON + timedelta(hours=hour)
        history.record(engine, asset, RUN, moment, results, vectors[asset])

    for hour in range(3):
        add("base/taxi_trips", results_of(*ALL_RIGHT if hour == 1 else ()), hour)
        add("resource/trip", results_of({}, RIGHT, {}, RIGHT, asset="resource/trip"), hour, waivers=waived)
        add("components/hourly", results_of(*ALL_RIGHT, asset="components/hourly"), hour, platform=PlatformMetrics())
    add("base/empty", (), 1, platform=PlatformMetrics())
    matrix = results_of({}, RIGHT, {}, RIGHT, asset="base/matrix")
    add("base/matrix", matrix, 1, entropies={"plate": 2.0, "trip_id": 1.0})
    broken = results_of(asset="base/broken")
    add("base/broken", tuple(replace(each, status="error", rate=0.0, cause="no such table") for each in broken), 1)
    return engine, vectors


def test_the_lines_come_straight_from_the_history(tmp_path: Path) -> None:
    engine, vectors = recorded(tmp_path)
    words = {"base/taxi_trips": AssetWords("Trips by taxi", "team:mobility", SUITE)}
    found, trends = overview_of(engine, RULES, words)
    lines = {line.asset: line for line in found}
    assert set(lines) == set(vectors) == set(trends)
    trips = lines["base/taxi_trips"]
    assert (trips.title, trips.owner, trips.gate_closed) == ("Trips by taxi", "team:mobility", True)
    assert trips.quality == pytest.approx(vectors["base/taxi_trips"].quality)
    assert trips.previous_quality is not None and trips.previous_quality > vectors["base/taxi_trips"].quality
    assert trips.counts == {"passed": 2, "failed": 3, "error": 1, "vacuous": 1}
    assert [cause.what for cause in trips.causes] == [
        "the table has no column 'gone'",
        "988 of 9,988 rows break it (9.89%)",
    ]
    assert lines["resource/trip"].scores is not None and lines["resource/trip"].scores["accessibility"] is None
    assert lines["components/hourly"].unmeasured == {"timeliness", "accessibility"}
    assert lines["components/hourly"].fix_first == ""
    assert lines["base/empty"].gate_closed and lines["base/empty"].causes == ()
    assert trends["base/empty"][-1].gate_closed, "no evidence is no open gate, in the trend as well"
    assert lines["base/matrix"].fix_first == "", "the entropies that weighed it are not on record"
    assert overview_of(history.open_history(tmp_path / "other"), RULES) == ((), {})


def test_what_to_fix_first_is_found_without_the_counts_of_the_platform(tmp_path: Path) -> None:
    late = replace(results_of()[2], dimension="timeliness", expectation_id="late", columns=("seen_at",))
    for number, (platform, results) in enumerate(
        [
            (PLATFORM, results_of({}, RIGHT, {}, RIGHT)),
            (PLATFORM, (*results_of({}, RIGHT, {}, RIGHT), late)),
            (PlatformMetrics(), (*results_of({}, RIGHT, {}, RIGHT), late)),
            (PlatformMetrics(0, 9, 0, 9, 1, 1), results_of({}, RIGHT, {}, RIGHT)),
        ]
    ):
        engine = history.open_history(tmp_path / str(number))
        report = report_of(results, platform=platform)
        history.record(engine, ASSET, RUN, NOON, results, report.evaluation.vector)
        ((line,), _) = overview_of(engine, RULES)
        gain = report.column_gains[0]
        text = re.sub("<[^>]+>", "", line.fix_first)
        before, after = scores_apart(gain.quality, gain.quality_if_right) or ("", "")
        assert text == f"Fixing {gain.name} raises Q from {before} to {after}", number


def test_an_asset_without_faulty_columns_names_the_expectation(tmp_path: Path) -> None:
    engine = history.open_history(tmp_path)
    results = results_of(*ALL_RIGHT[:5], {}, RIGHT)
    history.record(engine, ASSET, RUN, NOON, results, quality_vector(results, PLATFORM, beta_set()))
    ((line,), _) = overview_of(engine, RULES, {ASSET: AssetWords(expectations=SUITE)})
    assert re.sub("<[^>]+>", "", line.fix_first).startswith("Fixing the query finds no row raises Q from ")


def test_the_overview_shows_closed_gates_first_then_every_layer(tmp_path: Path) -> None:
    engine, vectors = recorded(tmp_path)
    write_asset_page(tmp_path, report_of(results_of()), DAY)
    words = {ASSET: AssetWords("Trips by taxi", "team:mobility", SUITE)}
    page = Page(write_overview_of(engine, tmp_path, RULES, NOON, words))
    assert page.path == tmp_path / "quality" / "index.html"
    assert "6 assets 3 gates closed 0.00 worst Q: base/empty" in page.text
    closed = page.between("✕ 3 gates closed", "Fix first")
    assert "base/broken 7 expectations not evaluated: no such table" in closed
    assert "base/empty Nothing was evaluated, and without evidence the gate is closed." in closed
    assert "base/taxi_trips team:mobility gone is one of cash, card: the table has no column 'gone'" in closed
    assert "cost_yuan is between 0 and 500: 988 of 9,988 rows break it (9.89%)" in closed
    assert "resource/trip" not in closed
    table = page.text.split("Fix first", 1)[1]
    places = [table.index(each) for each in ("Base 4 assets", "Resource 1 asset,", "Components 1 asset,")]
    assert places == sorted(places)
    base = table[places[0] : places[1]]
    assert base.index("empty") < base.index("taxi_trips") < base.index("matrix")  # closed first, then the lowest Q
    line = base[base.index("Trips by taxi · team:mobility") :]
    assert line.startswith("Trips by taxi · team:mobility ✕ closed 0.")
    assert "2 passed · 3 failed · 1 error 1 without evidence" in line
    assert "▼ from 0.97" in line and "2026-11-24 14:00" in line and "Fixing gone raises Q" in line
    assert page.source.count('class="spark"') == len(vectors)
    assert page.source.count('title="waived"') == 1 and page.source.count('title="no evidence"') == 8
    assert "Built 2026-11-24 12:00 UTC" in page.text


def test_overview_and_pages_link_to_files_that_are_there(tmp_path: Path) -> None:
    engine, _ = recorded(tmp_path)
    asset_page = page_of(tmp_path, report_of(results_of()))
    overview = Page(write_overview_of(engine, tmp_path, RULES, NOON))
    assert "base/taxi_trips.html" in overview.links
    assert not any("resource/trip" in link for link in overview.links), "it has no page yet"
    for page in (overview, asset_page):
        for link in page.links:
            if not link.startswith(("#", "../../gx")):
                assert (page.path.parent / link).resolve().is_file(), link
            elif link.startswith("#"):
                assert link[1:] in page.identifiers


def test_the_overview_of_nothing_and_of_open_gates(tmp_path: Path) -> None:
    assert "Nothing has been evaluated yet." in Page(write_overview(tmp_path, (), {}, NOON)).text
    counts: dict[Status, int] = {"passed": 1, "failed": 0, "error": 0, "vacuous": 0}
    line = OverviewLine(ASSET, NOON, False, (), None, frozenset(), None, None, counts)
    page = Page(write_overview(tmp_path, [line], {}, NOON))
    assert "✓ All gates open" in page.text and "1 asset 0 gates closed" in page.text and "worst Q" not in page.text


def test_rounding_never_turns_nearly_into_all_or_none() -> None:
    shown = {
        0.0: "0.00",
        1.0: "1.00",
        0.8149: "0.81",
        0.996: "0.996",
        0.99996: ">0.9999",
        0.004: "0.004",
        1e-9: "<0.0001",
    }
    assert {value: score(value) for value in shown} == shown
    assert (score(None), percent(None), count(None)) == ("–", "–", "–")
    assert [percent(rate) for rate in (0, 1, 0.5, 0.99999, 0.00001)] == ["0%", "100%", "50.00%", ">99.99%", "<0.01%"]
    assert [pages_format.seconds(each) for each in (0, 0.001, 1.256)] == ["0.00 s", "<0.01 s", "1.26 s"]
    assert scores_apart(0.78, 0.81) == ("0.78", "0.81")
    assert scores_apart(0.7804, 0.7811) == ("0.780", "0.781")
    assert scores_apart(0.78, 0.998) == ("0.780", "0.998")
    assert scores_apart(0.5, 0.5 + 1e-9) is None
    assert scores_apart(0.5, 0.999999) == ("0.50", ">0.9999")
    assert (plural(1, "row"), plural(2000, "row")) == ("1 row", "2,000 rows")
    assert [band(value) for value in (0, 0.5, 0.7, 0.85, 0.95, 1)] == [0, 1, 2, 3, 4, 4]


def test_every_type_of_the_catalogue_has_its_sentence() -> None:
    assert set(SENTENCES) == {name for name, known in CATALOGUE.items() if known.refused is None}
    for name, sentence in SENTENCES.items():
        known = CATALOGUE[name]
        arguments = dict.fromkeys(known.required, "as_told")
        told = words_of(
            Expectation(type=name, arguments=arguments, severity="info", dimension=None, weight=1, reason="x")
        )
        assert "as agreed" not in told, (name, told)
        assert {part for _, part, _, _ in Formatter().parse(sentence) if part} <= {*known.arguments, "range", "order"}


def words_of(expectation: Expectation) -> str:
    (rule,) = rules_of([expectation]).values()
    return rule.words.striptags()


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (expect("expect_column_values_to_be_between", column="a", min_value=1), "a is at least 1"),
        (expect("expect_column_values_to_be_between", column="a", max_value=1, strict_max=True), "a is less than 1"),
        (expect("expect_column_values_to_be_between", column="a", min_value=1, max_value=2, strict_min=True),
         "a is more than 1 and at most 2"),
        (expect("expect_table_row_count_to_be_between", min_value=5, max_value=5), "the number of rows is exactly 5"),
        (expect("expect_column_values_to_be_in_set", column="a", value_set=list(range(10))),
         "a is one of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"),
        (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b", or_equal=True),
         "a is at least b"),
        (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"), "a is greater than b"),
        (expect("expect_compound_columns_to_be_unique", column_list=["a", "b"], ignore_row_if="never"),
         "a, b are unique together, ignore row if never"),
        (expect("expect_column_values_to_not_be_null", column="a", row_condition="b > 1", mostly=0.995,
                condition_parser="great_expectations"),
         "a is never missing, where b > 1, for at least 99.5% of the rows"),
        (expect("expect_column_quantile_values_to_be_between", column="a", quantile_ranges={"quantiles": [0.5]}),
         'the quantiles of a lie in {"quantiles": [0.5]}'),
        (expect("expect_column_values_to_match_regex", column="a", regex="x" * 500), f"a matches {'x' * 159}…"),
        (expect("expect_something_to_be_new", column="a", colour="red", is_new=True),
         "something must be new (a), column a, colour red, is new true"),
    ],
)  # fmt: skip
def test_rules_are_told_in_words(expectation: Expectation, words: str) -> None:
    assert words_of(expectation) == words


def test_a_rule_whose_arguments_are_not_known_is_told_by_its_columns() -> None:
    told = {each.type: rule_of(each, {}).words.striptags() for each in results_of()}
    assert told["expect_column_values_to_be_between"] == "cost_yuan is within its bounds"
    assert told["expect_column_values_to_be_in_set"] == "gone is one of its codes"
    pair = replace(results_of()[0], type="expect_column_pair_values_to_be_equal", columns=("a", "b"))
    assert rule_of(pair, {}).words.striptags() == "a equals b"
    assert rule_of(replace(pair, columns=()), {}).words.striptags() == "as agreed equals as agreed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_a_browser_shows_the_pages_whole_and_quietly(browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    engine, _ = recorded(tmp_path)
    long_word = "x" * 300
    long_results = tuple(replace(each, cause=long_word if each.cause else None) for each in results_of())
    hard = report_of(long_results, title=HOSTILE + long_word, description=long_word, asset="base/hard")
    pages = [
        write_asset_page(tmp_path, report_of(results_of(), before=[0.7] * 999), DAY),
        write_asset_page(tmp_path, hard, DAY),
        write_overview_of(engine, tmp_path, RULES, NOON, {ASSET: AssetWords(long_word, HOSTILE, SUITE)}),
    ]
    assert_shown_whole_and_quietly(browser, pages, width, scheme)


def test_the_way_from_the_overview_to_an_asset_and_back(browser: Any, tmp_path: Path) -> None:
    engine, _ = recorded(tmp_path)
    write_asset_page(tmp_path, report_of(results_of()), DAY)
    overview = write_overview_of(engine, tmp_path, RULES, NOON)
    tab = browser.new_page()
    tab.goto(overview.as_uri())
    tab.click("table.overview a >> text=taxi_trips")
    assert tab.inner_text("h1") == "Taxi trips"
    tab.click(".places pre >> nth=0")
    chosen = tab.evaluate("getSelection().toString()")
    assert chosen == f"_batch = '{'ab12' * 16}' and _row in (3, 17, 204)"
    tab.click("text=← All assets")
    assert tab.inner_text("h1") == "Data quality"
    tab.close()
