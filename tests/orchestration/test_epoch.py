"""`jinku epoch`: what the person at the terminal reads of the market's parameters."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from rich.console import Console

from orchestration.city import City
from orchestration.commands import epoch as command
from orchestration.epoch_proposal import catalogue_facts, propose_epoch
from pricing.component_price import FieldCost, PricedFacts, priced
from pricing.derivation import CatalogueFact
from pricing.overrides import BetaOverride
from pricing.price_record import document_of
from pricing.value import ComponentMeasures
from tests.builders import NOON, fresh_vault, jinku
from tests.pricing.markets import factors
from vault.epochs import epoch_at
from vault.errors import JinkuError
from vault.home import Home
from vault.valuations import Valuation, record

TODAY = date(2026, 11, 25)


def valued(home: Path, component: str, cost_fen: int) -> None:
    parameters = epoch_at(TODAY).parameters
    facts = PricedFacts(
        measures=ComponentMeasures("aggregate", 5_000, {}, 12.0),
        domain="governance",
        ecosystem="governance",
        regime="market",
        field_costs=(FieldCost("trips.distance", {"compute": cost_fen}),),
        model_cost_fen=0,
        factors=factors(),
    )
    document = document_of(facts, parameters, priced(facts, parameters))
    record(Home(home).pricing, Valuation(component, "run", NOON, "2026q4", document))


def shown(today: date) -> str:
    console = Console(file=StringIO(), width=160)
    command.show_epoch(console, today)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_epoch_shows_what_is_in_force_and_why() -> None:
    said = shown(TODAY)
    assert "2026q4" in said and "approved by the project" in said and "carried over" not in said
    assert "half_value_bits" in said and "16 bits" in said and "¥1,660.54" in said
    assert "Cold start (models §4.1), λ = 1 times the median C_y" in said
    assert "Own assumption" in said and "1 (0.8 to 1.2)" in said


def test_epoch_shows_what_the_regulator_set(monkeypatch: pytest.MonkeyPatch) -> None:
    record = BetaOverride("bov_7", Fraction(6, 5), "Scarce.", "2026q4", "2026q4", domain="governance")
    regulated = replace(epoch_at(TODAY), beta_overrides=(record,))
    monkeypatch.setattr(command, "epoch_at", lambda day: regulated)
    said = shown(TODAY)
    assert "beta_market of governance" in said and "1.2" in said and "record bov_7: Scarce." in said


def test_epoch_says_when_it_is_carried_over() -> None:
    assert "carried over into 2027q2" in shown(date(2027, 4, 1))


def test_epoch_without_a_set_in_force_is_an_error() -> None:
    with pytest.raises(JinkuError, match="parameters_missing"):
        shown(date(2026, 1, 1))


def test_epoch_needs_no_city(tmp_path: Path) -> None:
    asked = jinku(tmp_path / "none", "epoch")
    assert asked.returncode == 0 and "approved by" in asked.stdout and not (tmp_path / "none").exists()


def test_propose_before_anything_is_valued_is_one_clear_line(tmp_path: Path) -> None:
    asked = jinku(tmp_path / "none", "epoch", "propose")
    assert asked.returncode == 1 and asked.stdout == ""
    assert asked.stderr.startswith("error nothing_valued: ") and asked.stderr.count("\n") == 1


def test_propose_rests_on_the_last_valuations_of_declared_components(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    valued(tmp_path, "zone_hourly_mobility", 1_000_000)
    valued(tmp_path, "zone_hourly_mobility", 3_000_001)
    valued(tmp_path, "a_component_of_yore", 9_000_000)
    assert catalogue_facts(Home(tmp_path)) == (
        CatalogueFact("zone_hourly_mobility", "governance", "aggregate", 5_000, 12.0, Fraction(12_000_004, 5)),
    )
    console = Console(file=StringIO(), width=400)
    command.propose_epoch(console, NOON)
    path = tmp_path / "pricing" / "proposed" / "2027q1.yaml"
    assert f"proposed 2027q1: {path}" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "governance: 2400001" in path.read_text("utf-8")  # 4/5 of 3,000,001 fen


def test_the_job_proposes_the_next_quarter_and_leaves_an_approved_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    fresh_vault(tmp_path, {})
    valued(tmp_path, "zone_hourly_mobility", 1_000_000)
    assert propose_epoch.execute_in_process(resources={"city": City()}).success
    (path,) = (tmp_path / "pricing" / "proposed").iterdir()
    monkeypatch.setattr("vault.proposals.load_epochs", lambda folder: (SimpleNamespace(name=path.stem),))
    path.unlink()
    assert propose_epoch.execute_in_process(resources={"city": City()}).success
    assert not path.exists()


def test_the_job_without_valuations_fails_with_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    fresh_vault(tmp_path, {})
    with pytest.raises(dg.Failure, match="nothing_valued"):
        propose_epoch.execute_in_process(resources={"city": City()})
