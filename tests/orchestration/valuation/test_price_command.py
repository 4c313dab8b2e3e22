"""`jinku price`: what the person at the terminal reads of values and prices."""

import copy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration.commands import price as command
from orchestration.declarations import declarations
from orchestration.valuation.explanation import explained
from orchestration.valuation.page import write_valuation_page
from tests.builders import NOON, jinku
from tests.orchestration.valuation.valuations import NAME, TRADED, facts, history, valuation
from vault.errors import JinkuError
from vault.home import Home
from vault.valuations import FILE_NAME, record

FLAG = "no cost is on record: P' is 0 and there is no guide price"
LINT = {"kind": "bundle_dearer", "dearer_id": NAME, "dearer_fen": 9, "cheaper_ids": ["a", "b"], "cheaper_fen": 7}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home where one component was valued twice and two others once."""
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    monkeypatch.delenv("JINKU_REPORTS_URL", raising=False)
    store = Home(tmp_path).pricing
    for each in history(2):
        record(store, each)
    guided = facts(records=100, regime="public_guided", trading=TRADED)
    record(store, valuation("resident_health_features", of=guided, lint=[LINT], is_published=True))
    record(store, valuation("clinic_load_weekly", of=facts(field_costs=(), model_cost_fen=0), flags=[FLAG]))
    return Home(tmp_path)


def shown(name: str | None = None, check: bool = False, width: int = 100) -> tuple[int, str]:
    console = Console(file=StringIO(), width=width)
    status = command.show_price(console, name, check)
    return status, console.file.getvalue()  # type: ignore[attr-defined]


def test_all_components_stand_in_one_table_the_most_valuable_first(home: Home) -> None:
    status, said = shown()
    lines = said.splitlines()
    assert status == 0
    assert lines[0].split() == ["component", "I", "V", "Q", "D", "P¹", "P²", "regime", "to", "know"]
    assert [line.split()[0] for line in lines[1:4]] == [NAME, "clinic_load_weekly", "resident_health_features"]
    assert lines[1].split()[1:] == ["0.250", "0.512", "0.894", "0.546", "¥7,509.04", "¥2,398.95", "market"]
    assert lines[2].split()[-3:] == ["none", "market", "1"]
    assert f"clinic_load_weekly {FLAG}" in lines
    assert "resident_health_features is listed at ¥1,919.16: public_guided" in lines
    assert f"resident_health_features a and b together hold what {NAME} does, and cost less: ¥0.07 to ¥0.09" in lines
    assert "3 components valued" in said and "2 unpublished: the security review has not let their prices out" in said


def test_one_price_is_explained_line_by_line(home: Home) -> None:
    status, said = shown(NAME, width=160)
    before, last = history(2)
    assert status == 0 and said.startswith(f"{NAME}  valued 2026-11-25 12:00:00Z  parameters of 2026q4  unpublished\n")
    assert "  I 0.250, was 0.247" in said and "  P¹ ¥7,509.04, was ¥7,453.57" in said
    told = [" ".join(line.split()) for line in said.splitlines()]
    for line in explained(last, before):
        formula = f" = {line.formula}" if line.formula else ""
        assert f"{line.symbol} {line.value} {line.words}{formula}" in told, line
    for part in ("Information value", "Cost price", "Negotiated price", "Guide price"):
        assert part in told
    assert "something new instead of trips_per_day, which repeats trips: 3.29 bits more" in said
    assert "page:" not in said, "it has no page yet"


@pytest.mark.parametrize("width", [100, 80, 240])
def test_nothing_is_wider_than_the_terminal_or_torn_within_a_word(home: Home, width: int) -> None:
    for name in (None, NAME, "resident_health_features", "clinic_load_weekly"):
        _, said = shown(name, width=width)
        tables = [line for line in said.splitlines() if not line.startswith(("resident", "clinic", "to know"))]
        assert max(len(line.rstrip()) for line in tables) <= width
    _, narrow = shown(NAME, width=width)
    written = set(narrow.split())
    for line in explained(history(2)[1]):
        assert set(f"{line.symbol} {line.value} {line.words} {line.formula}".split()) <= written, line


def test_the_page_is_named_where_it_is_there(home: Home) -> None:
    page = write_valuation_page(home.reports, history(2)[1], (), NOON)
    _, said = shown(f"components/{NAME}")
    assert f"page: {page}\n" in said
    assert f"http://127.0.0.1:3001/valuation/{NAME}.html while `jinku up` runs" in said
    assert "to know" not in said
    _, flagged = shown("clinic_load_weekly")
    assert f"to know {FLAG}" in flagged and "P²" in flagged


def test_check_computes_every_price_again(home: Home) -> None:
    status, said = shown(check=True)
    assert status == 0 and said.count("every step follows from its facts") == 3
    assert shown(NAME, check=True)[1].count("\n") == 1


def test_check_tells_a_price_that_does_not_follow(home: Home) -> None:
    record(home.pricing, changed("price", "negotiated", "price_fen", 1))
    status, said = shown(NAME, check=True, width=200)
    assert status == 1 and "does not follow from its facts: negotiated.price_fen" in said
    assert shown(check=True)[0] == 1 and shown()[0] == 0
    record(home.pricing, changed("facts", "measures", "records", -1))
    status, said = shown(NAME, check=True, width=200)
    assert status == 1 and "its record gives no price: records must be finite and 0 or more, not -1" in said


def changed(*place_and_value: Any) -> Any:
    """A valuation with another value at a place of its document."""
    *place, last, value = place_and_value
    told = valuation()
    document = copy.deepcopy(dict(told.document))
    inner = document
    for name in place:
        inner = inner[name]
    inner[last] = value
    return valuation(**{name: document[name] for name in document})


def files(home: Home) -> dict[Path, bytes]:
    """What lies in the home, but for what SQLite keeps beside a file that is read."""
    found = (path for path in home.root.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {path: path.read_bytes() for path in found}


def test_a_name_that_nothing_has_gets_the_nearest(home: Home) -> None:
    with pytest.raises(JinkuError, match=r"unknown_name: .* did you mean 'zone_hourly_mobility'\?") as refused:
        shown("zone_hourly_mobilty")
    assert f"Known: {', '.join(sorted(declarations().components))}." in str(refused.value)
    with pytest.raises(JinkuError, match="unknown_name: no component is called 'x' "):
        shown("x")


def test_a_component_that_is_declared_but_not_valued_is_told_apart(home: Home) -> None:
    with pytest.raises(JinkuError, match=r"nothing_valued: station_air_daily has not been valued yet"):
        shown("station_air_daily")


def test_the_command_reads_only_and_every_failure_is_one_line(home: Home, tmp_path: Path) -> None:
    before = files(home)
    said = jinku(home.root, "price", NAME)
    assert said.returncode == 0 and "= 1/(1 + e^(−21,265/455,120))" in said.stdout, said.stderr
    assert jinku(home.root, "price", "--check").returncode == 0
    assert files(home) == before
    record(home.pricing, changed("price", "valuation", "volume", 0.9))
    assert jinku(home.root, "price", NAME, "--check").returncode == 1
    nothing = jinku(tmp_path / "none", "price")
    assert nothing.returncode == 1 and nothing.stdout == "" and nothing.stderr.count("\n") == 1
    assert nothing.stderr.startswith("error nothing_valued: ") and "make run" in nothing.stderr
    (home.pricing / FILE_NAME).write_text("no database")
    broken = jinku(home.root, "price")
    assert broken.returncode == 1 and broken.stderr.startswith("error valuations_unusable: ")
