"""Charts: the same figures give the same drawing, told in words too, in the page's colours, and nothing is fetched."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest

from expectations.charts import (
    DIMENSIONS,
    MOST_POINTS_DRAWN,
    MOST_POINTS_MARKED,
    radar,
    trend,
    trend_caption,
)
from expectations.charts_sparkline import MOST_POINTS, sparkline
from expectations.drawing import VARIABLES
from pricing import quality
from tests.builders import PROJECT
from tests.expectations.tables import runs
from vault.contract import Dimension

SCORES: dict[Dimension, float | None] = {
    "normativity": 0.9,
    "completeness": 1.0,
    "accuracy": 0.999,
    "consistency": 0.5,
    "timeliness": 0.0,
    "accessibility": None,
}


def texts(chart: str) -> list[str]:
    return [text for text in ElementTree.fromstring(chart).itertext() if text.strip()]


def lines(chart: str, colour: str) -> list[str]:
    """The paths drawn in one of the page's colours."""
    return [
        each.attrib["d"]
        for each in ElementTree.fromstring(chart).iter("path")
        if f"stroke: {colour}" in each.attrib.get("style", "") and "fill: none" in each.attrib["style"]
    ]


BAD, ACCENT, MUTED = (next(each for each in VARIABLES.values() if name in each) for name in ("bad", "accent", "muted"))


def test_the_dimensions_are_those_of_the_model() -> None:
    assert tuple(quality.DIMENSIONS) == DIMENSIONS


@pytest.mark.parametrize("draw", [lambda: radar(SCORES), lambda: trend(runs([0.5, None, 0.7], closed=[1]))])
def test_the_same_figures_give_the_same_bytes_that_stand_alone(draw: Callable[[], str]) -> None:
    drawn = draw()
    assert drawn == draw()
    assert ElementTree.fromstring(drawn).attrib["role"] == "img"
    assert re.findall(r"https?:|xmlns|<script|<style|<image|<!|\d{4}-\d\d-\d\dT", drawn) == []
    assert "stroke: #" not in drawn and "fill: #" not in drawn


def test_two_charts_of_one_page_have_no_identifier_in_common() -> None:
    found = [re.findall(r'\bid="([^"]+)"', chart) for chart in (radar(SCORES), trend(runs([0.5, 0.6])))]
    assert all(len(each) == len(set(each)) for each in found)
    assert not set(found[0]) & set(found[1])
    for chart, known in zip((radar(SCORES), trend(runs([0.5, 0.6]))), found, strict=True):
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', chart)) == set(known)


def test_the_radar_names_every_dimension_with_its_score_and_marks_what_is_waived() -> None:
    drawn = radar(SCORES)
    written = texts(drawn)
    for words in ("Normativity", "0.90", "1.00", "0.50", "0.00", "Accessibility", "waived"):
        assert words in written, words
    assert "0.99" in written, "less than 1 must not read as 1"
    assert "accuracy 0.99" in drawn and "accessibility waived" in drawn  # the words for who cannot see it
    assert drawn.count("stroke-dasharray: 3,3") == 1
    everything = radar(dict.fromkeys(DIMENSIONS, 1.0))
    assert "waived" not in everything and "stroke-dasharray" not in everything


@pytest.mark.parametrize("scored", [0, 1, 2])
def test_a_radar_of_few_dimensions_is_drawn_too(scored: int) -> None:
    scores: dict[Dimension, float | None] = {
        dimension: 0.8 if position < scored else None for position, dimension in enumerate(DIMENSIONS)
    }
    assert radar(scores).count("waived") == 2 * (6 - scored)


def test_one_run_is_a_point_with_its_day_and_figure() -> None:
    drawn = trend(runs([0.81]))
    assert "0.81" in texts(drawn) and "2026-11-24" in texts(drawn)
    assert "closed" not in texts(drawn)
    assert "Q over 1 run: from 0.81 to 0.81, last 0.81; the gate was closed in 0" in drawn


def test_a_thousand_runs_are_a_line_and_a_band_that_keep_every_dip() -> None:
    qualities = [0.8] * 1000
    qualities[500] = 0.1
    drawn = trend(runs(qualities, closed=[500, *range(700, 710)]))
    assert len(drawn) < 20_000
    assert {"1,000 runs", "closed", "0.80"} <= set(texts(drawn))
    assert "from 0.10 to 0.80" in drawn and "closed in 11" in drawn
    (band,) = (
        each.attrib["d"]
        for each in ElementTree.fromstring(drawn).iter("path")
        if "opacity: 0.22" in each.attrib["style"]
    )
    heights = [float(found) for found in re.findall(r"[ML] [\d.]+ ([\d.]+)", band)]
    assert max(heights) - min(heights) == pytest.approx(0.7 * 196, abs=0.5)  # pixels between 0.1 and 0.8
    closed = [path for path in lines(drawn, BAD) if path.count("M") == 2]
    assert len(closed) == 1, "one mark for the single run, one for the ten neighbours"
    assert trend_caption(1000).startswith("line: middle")


def test_closed_runs_are_crossed_out_where_there_are_few_points() -> None:
    few, many = trend(runs([0.5] * 5, closed=[1, 2])), trend(runs([0.5] * 100, closed=[1, 2]))
    assert few.count("<use") == 5 + 2 + 1  # runs, crosses, the last once more
    assert "<use" in many and many.count("<use") == 1  # the last point alone
    assert "closed" in texts(few) and "closed" in texts(many)
    assert trend_caption(5) == "one point for each run" and trend_caption(100) == "a line through all runs"


def test_a_run_without_a_score_is_a_gap_and_not_a_zero() -> None:
    drawn = trend(runs([0.5, 0.6, None, 0.7, 0.8]))
    assert any(path.count("M") == 2 for path in lines(drawn, ACCENT))
    assert "from 0.50 to 0.80" in drawn
    unscored = trend(runs([0.5, None]))
    assert "no Q" in texts(unscored) and "last not scored" in unscored
    assert "never scored" in trend(runs([None] * (MOST_POINTS_DRAWN + 1)))


def test_runs_of_one_day_are_told_by_the_hour() -> None:
    from dataclasses import replace
    from datetime import timedelta

    first, second = runs([0.5, 0.6])
    drawn = trend((replace(first, evaluated_at=second.evaluated_at - timedelta(hours=3)), second))
    assert {"11-24 09:00", "11-24 12:00"} <= set(texts(drawn))


def test_a_trend_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no run"):
        trend(())


def test_drawing_leaves_no_global_state() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    radar(SCORES)
    trend(runs([0.8] * 1000, closed=range(0, 1000, 7)))
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_imported_when_drawing_and_its_pyplot_never() -> None:
    program = """
import sys
import expectations.pages
from expectations.charts import radar
assert not any(name.startswith(("matplotlib", "great_expectations")) for name in sys.modules)
radar({})
assert "matplotlib.figure" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True, timeout=120)


def test_a_sparkline_keeps_dips_gaps_and_closed_runs() -> None:
    qualities: list[float | None] = [0.8] * 1000
    qualities[500] = 0.0
    drawn = str(sparkline(runs(qualities, closed=[500])))
    assert drawn.count("spark-closed") == 1 and drawn.count("spark-line") == 1
    assert drawn.count("L") < MOST_POINTS and " 20.0" in drawn  # the bottom of the line's own room
    assert 'aria-label="1,000 runs: Q from 0.00 to 0.80, gate closed in 1"' in drawn
    assert str(sparkline(runs([0.5, None, 0.6]))).count("spark-line") == 2
    assert "spark-last closed" in sparkline(runs([0.5], closed=[0]))
    assert "never scored" in sparkline(runs([None])) and "spark-last" not in sparkline(runs([None]))
    assert sparkline(()) == ""
    assert MOST_POINTS_MARKED < MOST_POINTS
