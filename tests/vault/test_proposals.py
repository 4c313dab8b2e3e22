"""Proposals: the next epoch's set, derived, with reasons, and good for nothing before a person approves it."""

import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.derivation import DERIVED, CatalogueFact
from pricing.negotiated import Trade
from pricing.overrides import BetaOverride, in_force
from pricing.trade_records import NoTrades
from vault.epochs import FOLDER, Beta, epoch_at, load_epochs
from vault.errors import JinkuError
from vault.home import Home, prepare
from vault.marked_yaml import read_marked
from vault.proposals import propose_next

TODAY = date(2026, 11, 25)
NEXT_DAY = date(2027, 1, 1)
few = settings(deadline=None, max_examples=20)
"""Each example reads and writes files."""

APPROVAL = "approved: {by: Li Wei, on: 2026-12-20}\n"


class Records(NoTrades):
    """A market in which governance has traded, and demand presses."""

    def trades(self, domain: str, until: date) -> tuple[Trade, ...]:
        return (Trade(4_000_000, 1_000_000, 0.7),) * 12 if domain == "governance" else ()

    def enquiries(self, epoch: str) -> int:
        return 40


def catalogue(*entropies: float) -> list[CatalogueFact]:
    return [
        CatalogueFact(f"component {number}", "livelihood", "event", 10.0**number, bits, 3_000_000 + number)
        for number, bits in enumerate(entropies)
    ]


def proposed(home: Path, facts: list[CatalogueFact], trades: Any = NoTrades(), folder: Path = FOLDER) -> Path:  # noqa: B008
    return propose_next(Home(home), facts, trades, TODAY, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sets that come with the code, to be added to."""
    return Path(shutil.copytree(FOLDER, tmp_path / "sets"))


def approve(proposal: Path, folder: Path) -> None:
    (folder / proposal.name).write_text(proposal.read_text("utf-8") + APPROVAL, "utf-8")


def test_a_proposal_is_of_the_next_quarter_and_lacks_its_approval(tmp_path: Path, folder: Path) -> None:
    path = proposed(tmp_path / "home", catalogue(8, 9, 30))
    assert path == tmp_path / "home" / "pricing" / "proposed" / "2027q1.yaml"
    assert [each.name for each in path.parent.iterdir()] == ["2027q1.yaml"]
    shutil.copy(path, folder)
    with pytest.raises(JinkuError, match=r"parameters_invalid.*missing key 'approved'"):
        epoch_at(TODAY, folder)


def test_approved_it_is_in_force_from_its_first_day(tmp_path: Path, folder: Path) -> None:
    approve(proposed(tmp_path / "home", catalogue(8, 9, 30), Records()), folder)
    assert epoch_at(date(2026, 12, 31), folder).name == "2026q4"
    epoch = epoch_at(NEXT_DAY, folder)
    assert (epoch.name, epoch.approved_by, epoch.is_carried_over) == ("2027q1", "Li Wei", False)
    assert epoch.parameters.version == "standard-2027q1"
    assert epoch.parameters.half_value_bits == 9
    assert epoch.parameters.reference_records["event"] == 10
    assert epoch.parameters.price.value_fen == {
        "governance": 3_540_373,  # (4,000,000 / 1.15 - 1,000,000) / 0.7
        "livelihood": 3_000_001,
        "innovation": 383_709,
        "development": 844_799,
    }
    assert epoch.beta_market == Fraction(21, 20)
    assert epoch.tariffs == epoch_at(TODAY).tariffs
    assert "over 12 arm's-length trades" in epoch.reasons["price.value_fen.governance"]


class Regulated(Records):
    """A market whose regulator set β of one component and of one field, over two quarters."""

    def __init__(self, beta: Fraction | None = Fraction(6, 5)) -> None:
        self.records = (
            BetaOverride("bov_1", beta, "Scarce.", "2027q1", "2027q2", component="zone_hours"),
            BetaOverride("bov_2", Fraction(9, 10), "Plenty.", "2027q2", "2027q2", domain="governance"),
        )

    def overrides(self, epoch: str) -> tuple[BetaOverride, ...]:
        return in_force(self.records, epoch)


def test_what_the_regulator_set_for_the_quarter_is_proposed_with_its_record_and_reason(
    tmp_path: Path, folder: Path
) -> None:
    path = proposed(tmp_path / "home", catalogue(8, 9, 30), Regulated())
    assert read_marked(path).value["beta_market"] == {
        "value": 1.05,
        "overrides": [
            {"component": "zone_hours", "value": 1.2, "regulator_record": "bov_1", "reason": "Scarce."},
        ],
    }
    approve(path, folder)
    epoch = epoch_at(NEXT_DAY, folder)
    assert epoch.beta_of("zone_hours", "governance").value == Fraction(6, 5)
    assert epoch.beta_of("other", "governance") == Beta(Fraction(21, 20))


def test_what_the_regulator_took_back_is_not_proposed(tmp_path: Path) -> None:
    path = proposed(tmp_path / "home", catalogue(8, 9, 30), Regulated(None))
    assert read_marked(path).value["beta_market"] == {"value": 1.05}


def test_a_set_with_narrower_bounds_takes_no_beta_beyond_them(tmp_path: Path, folder: Path) -> None:
    shipped = folder / "2026q4.yaml"
    shipped.write_text(shipped.read_text("utf-8").replace("most_beta: 1.2", "most_beta: 1.1"), "utf-8")
    with pytest.raises(JinkuError, match=r"beta_out_of_bounds: .*11/10 or less.*record bov_1"):
        proposed(tmp_path / "home", catalogue(8, 9, 30), Regulated(), folder)
    assert not (tmp_path / "home" / "pricing").exists()


def test_what_is_not_derived_stays_as_it_is(tmp_path: Path, folder: Path) -> None:
    approve(proposed(tmp_path / "home", []), folder)
    before, after = load_epochs(folder)
    kept = {place: reason for place, reason in before.reasons.items() if not place.startswith(DERIVED)}
    assert kept.items() <= after.reasons.items()
    assert (after.parameters.guide, after.parameters.price) == (before.parameters.guide, before.parameters.price)
    assert after.parameters.guide.least_adjustment == Fraction(1, 3)


@few
@given(st.permutations(catalogue(8, 9, 30, 12.25)))
def test_the_same_facts_give_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, facts: list[CatalogueFact]
) -> None:
    home = tmp_path_factory.mktemp("home")
    first = proposed(home, facts).read_text("utf-8")
    assert proposed(home, sorted(facts, key=lambda fact: fact.component)).read_text("utf-8") == first


@few
@given(st.floats(0, 64), st.integers(1, 10**9))
def test_a_listing_after_the_epoch_began_moves_the_next_epoch_only(
    tmp_path_factory: pytest.TempPathFactory, bits: float, cost_fen: int
) -> None:
    home = tmp_path_factory.mktemp("home")
    present = epoch_at(TODAY)
    proposed(home, catalogue(8, 9, 30))
    proposed(home, [*catalogue(8, 9, 30), CatalogueFact("new", "innovation", "event", 5, bits, cost_fen)])
    assert epoch_at(TODAY) == present and epoch_at(TODAY).content_hash == present.content_hash
    assert read_marked(home / "pricing/proposed/2027q1.yaml").value["parameters"]["price"]["value_fen"] == {
        **present.parameters.price.value_fen,
        "livelihood": 3_000_001,
        "innovation": cost_fen,
    }


def test_a_quarter_that_is_approved_is_not_derived_again(tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    path = proposed(home, catalogue(8, 9, 30), folder=folder)
    approve(path, folder)
    text = path.read_text("utf-8")
    with pytest.raises(JinkuError, match="parameters_approved: the set of 2027q1 is approved already"):
        proposed(home, catalogue(1, 2, 3), folder=folder)
    assert path.read_text("utf-8") == text
    assert propose_next(Home(home), [], NoTrades(), NEXT_DAY, folder).name == "2027q2.yaml"


def test_without_a_set_in_force_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match="parameters_missing"):
        proposed(tmp_path, [], folder=tmp_path)


def test_a_proposal_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "pricing").write_text("a file where the folder should be")
    with pytest.raises(JinkuError, match="storage"):
        proposed(tmp_path, [])


def test_the_home_has_a_place_for_proposals(tmp_path: Path) -> None:
    prepare(Home(tmp_path))
    assert Home(tmp_path).pricing.is_dir()
