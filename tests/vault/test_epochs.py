"""Epochs: the set in force on a day, and every file that prices nothing."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from pricing.params import STANDARD
from vault.epochs import FOLDER, Beta, epoch_at, load_epochs
from vault.errors import JinkuError
from vault.marked_yaml import read_marked
from vault.quarters import first_day, next_quarter, quarter_of

SHIPPED = FOLDER / "2026q4.yaml"
TODAY = date(2026, 11, 25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own with the set that comes with the code."""
    (tmp_path / "sets").mkdir()
    shutil.copy(SHIPPED, tmp_path / "sets")
    return tmp_path / "sets"


def write(folder: Path, epoch: str, name: str = "", **changes: Any) -> Path:
    """A set like the shipped one, for another quarter."""
    document = read_marked(SHIPPED).value
    document |= {"epoch": epoch, "from": first_day(epoch), "approved": {"by": "Li Wei", "on": first_day(epoch)}}
    document["parameters"]["version"] = f"standard-{epoch}"
    path = folder / (name or f"{epoch}.yaml")
    path.write_text(yaml.safe_dump({**document, **changes}, allow_unicode=True), "utf-8")
    return path


def edited(folder: Path, old: str, new: str) -> int:
    """The shipped set with one text replaced; the line of it."""
    text = SHIPPED.read_text("utf-8")
    assert text.count(old) >= 1, old
    (folder / SHIPPED.name).write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def refusal(action: Callable[[], object], code: str = "parameters_invalid") -> JinkuError:
    with pytest.raises(JinkuError) as raised:
        action()
    assert raised.value.code == code, raised.value
    return raised.value


def test_the_set_that_comes_with_the_code() -> None:
    epoch = epoch_at(TODAY)
    assert (epoch.name, epoch.from_day, epoch.is_carried_over) == ("2026q4", date(2026, 10, 1), False)
    assert epoch.parameters.version == "standard-2026q4" and epoch.parameters.guide == STANDARD.guide
    assert set(epoch.parameters.price.value_fen) == {"governance", "livelihood", "innovation", "development"}
    assert epoch.beta_market == 1 and epoch.tariffs.period.months == 3
    assert all(epoch.reasons.values())


def test_every_set_that_comes_with_the_code_loads() -> None:
    assert [epoch.name for epoch in load_epochs()] == sorted(path.stem for path in FOLDER.glob("*"))


def test_the_newest_set_that_has_begun_is_in_force(folder: Path) -> None:
    write(folder, "2027q1")
    assert epoch_at(date(2026, 12, 31), folder).name == "2026q4"
    assert epoch_at(date(2027, 1, 1), folder).name == "2027q1"


def test_parameters_stand_still_until_the_next_are_approved(folder: Path) -> None:
    carried = epoch_at(date(2027, 2, 1), folder)
    assert carried.name == "2026q4" and carried.is_carried_over
    assert carried.content_hash == epoch_at(TODAY, folder).content_hash
    late = date(2027, 2, 10)
    write(folder, "2027q1", approved={"by": "Li Wei", "on": late})
    assert epoch_at(late - timedelta(days=1), folder).name == "2026q4"
    assert (epoch_at(late, folder).name, epoch_at(late, folder).is_carried_over) == ("2027q1", False)


def test_without_a_set_in_force_nothing_is_priced(folder: Path, tmp_path: Path) -> None:
    early = refusal(lambda: epoch_at(date(2026, 9, 30), folder), "parameters_missing")
    assert "no parameter set is in force on 2026-09-30; there is 2026q4 from 2026-11-24" in str(early)
    refusal(lambda: epoch_at(TODAY, tmp_path / "nowhere"), "parameters_missing")


def test_a_set_that_differs_in_anything_has_another_hash(folder: Path) -> None:
    hashes = {epoch_at(TODAY, folder).content_hash}
    for old, new in (
        ("    margin: 0.15", "    margin: 0.16"),
        ("{value: 1}", "{value: 1.02}"),
        ("fen_per_hour: 12000", "fen_per_hour: 12001"),
        ("Half a year halves", "Six months halve"),
        ('by: "the project', 'by: "The project'),
    ):
        edited(folder, old, new)
        hashes.add(epoch_at(TODAY, folder).content_hash)
    assert len(hashes) == 6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("exponent_records: 0.15", "exponent_records: 0.25", "the exponents of S, T, N and W must sum to 1"),
        ("margin: 0.15", "margin: 0.51", "price: margin must be 1/2 or less"),
        ("margin: 0.15", "marign: 0.15", "price.marign is no parameter; did you mean margin?"),
        ("half_value_bits: 16", "half_value_bits: 0", "half_value_bits must be finite and above 0"),
        ("half_value_bits: 16", "half_value_bits: .nan", "half_value_bits must be a finite number"),
        ("object: 10000", "object: 0", "reference_records of object must be finite and above 0"),
        ("governance: 0.8", "governance: 0.4", "adjustments of governance must be 1/2 or more"),
        ("subsidised: [governance, livelihood]", "subsidised: [governance]", "adjustments of livelihood 9/10 is"),
        ("margin: 0.25", "margin: 0.2", "m must be 1/β_lo - 1 or more"),
        ("livelihood: 477293", "livelyhood: 477293", "no application field; did you mean 'livelihood'?"),
        ("livelihood: 477293, ", "", "value_fen (A_k) of livelihood is missing"),
        ("    margin: 0.15\n", "", "price.margin is missing: an epoch states every constant"),
        ("    kappa: 5\n", "", "guide.kappa is missing"),
        ("version: standard-2026q4", "version: standard-2026q3", "version must be standard-2026q4"),
        ("profile: standard", "profile: mine", "profile must be one of paper, standard"),
        ("beta_market: {value: 1}", "beta_market: {value: 1.3}", "beta_market must be 6/5 or less"),
        ("beta_market: {value: 1}", "beta_market: {value: much}", "a finite number such as 1.02"),
        ("beta_market: {value: 1}", "beta_market: {value: true}", "a finite number such as 1.02"),
        ("beta_market: {value: 1}", "beta_market: {values: 1}", "unknown key 'values'; did you mean 'value'?"),
        ("  guide.kappa: Five trades weigh as much as the cost does (models §5)\n", "", "guide.kappa has no reason"),
        ("  guide.kappa: Five trades weigh as much as the cost does (models §5)", "  guide.kappa:", "valid string"),
        ("  guide.kappa: Five", "  guide.kapa: Five", "there is no 'guide.kapa' to give a reason for; did you mean"),
        ("  beta_market: No market", "  x: No market", "beta_market has no reason"),
        ("from: 2026-10-01", "from: 2026-09-30", "2026-09-30 is no day of 2026q4, which begins on 2026-10-01"),
        ("from: 2026-10-01", "from: 2026-13-01", "month must be in 1..12"),
        ("from: 2026-10-01", "form: 2026-10-01", "unknown key 'form'; did you mean 'from'?"),
        ("epoch: 2026q4", "epoch: 2026q5", "epoch: String should match"),
        ("epoch: 2026q4", "epoch: 2026q3", "the set of 2026q3 must stand in 2026q3.yaml"),
        ('approved: {by: "the project, as the bootstrap set", on: 2026-11-24}\n', "", "missing key 'approved'"),
        ('by: "the project, as the bootstrap set", ', "", "missing key 'by'"),
        ('by: "the project, as the bootstrap set"', 'by: " "', "approved.by"),
        (", on: 2026-11-24", "", "missing key 'on'"),
        ("on: 2026-11-24", "on: soon", "approved.on"),
        ("period: {months: 3,", "period: {months: 30,", "tariffs: period.months must be 12 or less"),
        ("fen_per_hour: 12000", "fen_per_our: 12000", "fen_per_our is no tariff; did you mean fen_per_hour?"),
        ("margin: 0.15", "margin: 0.15\n    margin: 0.2", "key 'margin' is given twice"),
        ("epoch: 2026q4", "epoch: [", "expected ',' or ']'"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_prices_nothing(folder: Path, old: str, new: str, said: str) -> None:
    edited(folder, old, new)
    refused = refusal(lambda: epoch_at(TODAY, folder))
    assert said in f"{refused.where}: {refused.what}"
    assert "2026q4.yaml:" in refused.where


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    margin: 0.15", "    marign: 0.15"),
        ("    margin: 0.15", "    margin: 0.51"),
        ("  half_value_bits: 16", "  half_value_bits: 0"),
        ("  reference_records: {person: 1000000", "  reference_records: {person: 0"),
        ("    kappa: 5", "    kappa: five"),
        ("beta_market: {value: 1}", "beta_market: {value: 1.3}"),
        ("    fen_per_hour: 12000", "    fen_per_hour: -1"),
        ("from: 2026-10-01", "from: 2026-09-30"),
        ("  version: standard-2026q4", "  version: mine"),
        ("  guide.kappa: Five", "  guide.kapa: Five"),
    ],
)
def test_a_refusal_names_the_line(folder: Path, old: str, new: str) -> None:
    line = edited(folder, old, new)
    where = refusal(lambda: epoch_at(TODAY, folder)).where
    if "kapa" in new:  # the value without its reason stands before it
        line = SHIPPED.read_text("utf-8").split("    kappa: 5")[0].count("\n") + 1
    assert where == f"{folder / '2026q4.yaml'}:{line}"


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    text = SHIPPED.read_text("utf-8").replace("guide.kappa:", "guide.kapa:").replace("version: standard", "version: x")
    (folder / "2026q4.yaml").write_text(text, "utf-8")
    said = str(refusal(lambda: load_epochs(folder)))
    assert said.count("line ") == 3
    assert "version must be" in said and "no 'guide.kapa'" in said and "guide.kappa has no reason" in said


@pytest.mark.parametrize("name", ["2026q4.yml", "2026Q4.yaml", "2026q4-b.yaml", "newest.yaml"])
def test_a_second_file_of_an_epoch_is_refused_by_its_name(folder: Path, name: str) -> None:
    shutil.copy(SHIPPED, folder / name)
    assert "the set of 2026q4 must stand in 2026q4.yaml" in str(refusal(lambda: load_epochs(folder)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("- 1\n", "file: Input should be"),
        ("2026q4", "file: Input should be"),
        ("\xff", "no readable text"),
        ("{[a]: 1}", "unhashable key"),
        ("{1: 1}", "Keys should be strings"),
    ],
)
def test_a_file_that_is_no_set_is_refused(folder: Path, content: str, said: str) -> None:
    (folder / "2027q1.yaml").write_bytes(content.encode("latin-1"))
    refused = refusal(lambda: load_epochs(folder))
    assert "2027q1.yaml:1" in refused.where and said in refused.what


def test_reasons_may_be_of_every_entry_instead_of_the_whole(folder: Path) -> None:
    reasons = read_marked(SHIPPED).value["reasons"]
    whole = reasons.pop("price.value_fen")
    each = {f"price.value_fen.{domain}": whole for domain in ("governance", "livelihood", "innovation", "development")}
    write(folder, "2027q1", reasons={**reasons, **each})
    assert load_epochs(folder)[1].reasons["price.value_fen.governance"] == whole
    del each["price.value_fen.innovation"]
    write(folder, "2027q1", reasons={**reasons, **each})
    assert "price.value_fen has no reason" in str(refusal(lambda: load_epochs(folder)))


def test_beta_moves_by_a_twentieth_at_most_unless_the_regulator_says_so(folder: Path) -> None:
    write(folder, "2027q1", beta_market={"value": 1.05})
    assert load_epochs(folder)[1].beta_market == Fraction(21, 20)
    path = write(folder, "2027q1", beta_market={"value": "1.06"})
    refused = refusal(lambda: load_epochs(folder))
    assert "beta_market goes from 1 to 53/50, more than the step of 1/20" in refused.what
    assert str(path) in refused.where
    write(folder, "2027q1", beta_market={"value": 0.8, "regulator_record": "REG-7"})
    assert load_epochs(folder)[1].regulator_record == "REG-7"


OF_COMPONENT = {"component": "zone_hours", "value": 1.2, "regulator_record": "bov_1", "reason": "Scarce."}
OF_FIELD = {"field": "governance", "value": "9/10", "regulator_record": "bov_2", "reason": "Plenty."}


def test_what_the_regulator_sets_is_of_its_component_before_its_field_and_of_no_other(folder: Path) -> None:
    write(folder, "2027q1", beta_market={"value": 1.02, "overrides": [OF_COMPONENT, OF_FIELD]})
    epoch = load_epochs(folder)[1]
    assert epoch.beta_of("zone_hours", "governance") == Beta(Fraction(6, 5), "bov_1", "Scarce.")
    assert epoch.beta_of("other", "governance") == Beta(Fraction(9, 10), "bov_2", "Plenty.")
    assert epoch.beta_of("other", "innovation") == Beta(Fraction("1.02"))
    write(folder, "2027q1", beta_market={"value": 1.02})
    assert load_epochs(folder)[1].content_hash != epoch.content_hash


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": 1.21}, "β of the regulator must be 6/5 or less"),
        ({"value": 0.79}, "β of the regulator must be 4/5 or more"),
        ({"component": None}, "one component or for one application field"),
        ({"field": "governance"}, "one component or for one application field"),
        ({"component": None, "field": "mobility"}, "'mobility' is no application field"),
        ({"component": "No Name"}, "should match pattern"),
        ({"reason": None}, "valid string"),
        ({"regulator_record": ""}, "regulator_record"),
    ],
)
def test_what_the_regulator_cannot_have_set_prices_nothing(folder: Path, changed: dict[str, Any], said: str) -> None:
    write(folder, "2027q1", beta_market={"value": 1, "overrides": [{**OF_COMPONENT, **changed}]})
    assert said in refusal(lambda: load_epochs(folder)).what


def test_two_overrides_of_one_component_are_refused(folder: Path) -> None:
    write(folder, "2027q1", beta_market={"value": 1, "overrides": [OF_COMPONENT, {**OF_COMPONENT, "value": 1}]})
    assert "zone_hours has two overrides" in refusal(lambda: load_epochs(folder)).what


def test_an_epoch_is_not_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        epoch_at(TODAY).reasons["half_value_bits"] = "none"  # type: ignore[index]


def test_quarters() -> None:
    assert [quarter_of(date(2026, month, 1)) for month in (1, 3, 4, 12)] == ["2026q1", "2026q1", "2026q2", "2026q4"]
    assert (quarter_of(date(2026, 12, 31)), next_quarter("2026q4"), next_quarter("2027q1")) == (
        "2026q4",
        "2027q1",
        "2027q2",
    )
    assert first_day("2027q2") == date(2027, 4, 1)
