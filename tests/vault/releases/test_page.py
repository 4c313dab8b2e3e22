"""The page of a release: read on any screen and on paper, without network or script, whatever the datasheet says."""

import json
from pathlib import Path
from typing import Any

import pytest

from expectations.charts import radar
from tests.pages import HOSTILE, Page, assert_nothing_is_loaded, assert_shown_whole_and_quietly
from tests.vault.releases.builds import NAME
from tests.vault.releases.conftest import Ready
from vault.releases.page import BATCHES_SHOWN, figure, money, page_of
from vault.releases.reading import PAGE, read_datasheet


def sheet(ready: Ready) -> dict[str, Any]:
    return read_datasheet(ready.released / "releases" / NAME / "1")


def page(folder: Path, document: dict[str, Any], chart: str = "") -> Page:
    path = folder / f"{len(list(folder.iterdir()))}.html"
    path.write_text(page_of(document, chart), "utf-8")
    return Page(path)


def wide(document: dict[str, Any]) -> dict[str, Any]:
    """The same with thirty columns of long names, three hundred batches and no guide price."""
    for number in range(22):
        name = f"origin_destination_concentration_index_{number}"
        document["contract"]["columns"].append({**document["contract"]["columns"][4], "name": name})
        document["table"]["columns"].append({**document["table"]["columns"][4], "name": name})
    document["lineage"][0]["batches"] *= 150
    document["price"]["steps"]["guided"] = None
    document["review"]["smallest_group"] = None
    return document


def test_a_page_tells_what_a_buyer_asks(ready: Ready) -> None:
    told = Page(ready.released / "releases" / NAME / "1" / PAGE)
    assert_nothing_is_loaded(told)
    document = sheet(ready)
    for words in (
        "Hourly mobility by zone 分区小时出行 zone_hours release 1 2026-11-24 12:00 UTC",
        "Planning of traffic, stands and public transport",
        "n 1,440 rows",
        "k 11 smallest group behind a row",
        "zone_id string attribute Place key of the taxi zone 0 30",
        "first_day date attribute First day on which a trip was seen 48 29",
        "Security review S = 1",
        "R7_group_minimum pass The smallest group behind a row has 11 trips, where 11 are asked.",
        "12 of 13 expectations held",
        "holding right on taxi_trips Taxi and Limousine Commission 2026-01-01 to 2030-12-31",
        "taxi_trips 2 batches, 219,110 rows, the newest of 2026-11-24 12:00 UTC",
        "jinku verify zone_hours@1 --keys FOLDER",
    ):
        assert words in told.text, words
    for value in (
        *document["hashes"].values(),
        *(each["sha256"] for each in document["files"] if each["path"] != PAGE),
    ):
        assert value in told.text


def test_the_page_is_among_the_files_that_are_signed(ready: Ready) -> None:
    assert PAGE in {each["path"] for each in sheet(ready)["files"]}


def test_prices_on_the_page_are_those_of_the_datasheet(ready: Ready, tmp_path: Path) -> None:
    document = sheet(ready)
    document["price"]["steps"]["negotiated"] |= {"price_fen": 123456, "listed_fen": 100000}
    document["price"]["regime"] = "public_guided"
    told = page(tmp_path, document).text
    assert "P¹ ¥1,000.00 negotiated price" in told and "P¹ ¥1,234.56 negotiated price" in told
    assert "Regime: public guided, which lists it at ¥1,000.00" in told


def test_of_many_batches_the_newest_are_shown_and_the_rest_is_counted(ready: Ready, tmp_path: Path) -> None:
    told = page(tmp_path, wide(sheet(ready)))
    assert f"and {300 - BATCHES_SHOWN} older ones, which datasheet.json lists" in told.text
    assert "P² – guide price" in told.text and "k – smallest group" in told.text


def test_hostile_texts_stay_texts(ready: Ready, tmp_path: Path) -> None:
    def spoilt(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoilt(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [spoilt(each, key) for each in value]
        told = ("title", "en", "zh", "description", "purpose", "permittedUses", "holder", "basis", "reason", "flags")
        return HOSTILE if key in (*told, "unit", "provider", "run", "epoch") else value

    told = page(tmp_path, spoilt(sheet(ready)))
    assert_nothing_is_loaded(told)
    assert told.text.count("<script>alert(1)</script>") >= 12 and "{{ 7 * 7 }}" in told.text


def test_figures_never_round_nearly_all_to_all_or_little_to_nothing() -> None:
    assert [figure(value) for value in (0, 1, 0.5, 0.9999, 0.00001, 12.345, 1440)] == [
        "0", "1", "0.50", "0.9999", "0.00001", "12.35", "1,440"
    ]  # fmt: skip
    assert (money("3/2"), money(150)) == ("¥0.02", "¥1.50")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (760, "light")])
def test_pages_are_shown_whole_on_every_screen(
    ready: Ready, tmp_path: Path, browser: Any, width: int, scheme: str
) -> None:
    document = sheet(ready)
    chart = radar(document["quality"]["scores"])
    pages = [page(tmp_path, document, chart), page(tmp_path, wide(json.loads(json.dumps(document))))]
    assert_shown_whole_and_quietly(browser, [each.path for each in pages], width, scheme)
