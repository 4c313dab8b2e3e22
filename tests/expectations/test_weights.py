"""Beta sets and waivers: what is read, and every refusal."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.waivers import load_waivers, waivers_of
from expectations.weights import FOLDER, beta_set, load_beta_set
from pricing.quality import DIMENSIONS
from vault.errors import JinkuError

STANDARD = dict(zip(DIMENSIONS, (0.15, 0.20, 0.25, 0.20, 0.10, 0.10), strict=True))
WAIVER = {"asset": "base/zones", "dimension": "timeliness", "reason": "static", "who": "Li Wei", "until": "2027-01-31"}


def document(**changes: Any) -> dict[str, Any]:
    weights = {name: {"weight": weight, "reason": "agreed"} for name, weight in STANDARD.items()}
    return {"name": "a-set", "method": "expert", "reason": "a test", "weights": weights, **changes}


def loaded(folder: Path, content: Any) -> Any:
    path = folder / "a-set.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), "utf-8")
    return load_beta_set(path)


def weighing(**changes: float) -> dict[str, Any]:
    return {name: {"weight": weight, "reason": "agreed"} for name, weight in {**STANDARD, **changes}.items()}


def judgements(**changes: str) -> list[list[str]]:
    """All dimensions alike, but for entries named r<row>c<column>."""
    return [[changes.get(f"r{row}c{column}", "1") for column in range(6)] for row in range(6)]


CIRCLE = {"r0c1": "9", "r1c0": "1/9", "r1c2": "9", "r2c1": "1/9", "r2c0": "9", "r0c2": "1/9"}
"""The first above the second, the second above the third, the third above the first."""


def test_the_standard_set_is_that_of_the_model() -> None:
    assert beta_set().beta == STANDARD
    assert all(weight.reason for weight in beta_set().weights.values())


def test_every_set_of_the_folder_loads() -> None:
    assert [load_beta_set(path).name for path in FOLDER.glob("*.yaml")] == [path.stem for path in FOLDER.glob("*.yaml")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (document(weights=weighing(accuracy=0.3)), "sum to 1.05"),
        (document(weights=weighing(accuracy=0.32, timeliness=0.03)), "below the floor"),
        (document(weights={"accuracy": {"weight": 1, "reason": "all"}}), "weights are missing"),
        (document(weights={**weighing(), "beauty": {"weight": 0.1, "reason": "?"}}), "'beauty' is not one of"),
        (document(weights={**weighing(), "accuracy": {"weight": 0.25}}), "missing key 'reason'"),
        (document(weights={**weighing(), "accuracy": {"weight": "much", "reason": "?"}}), "valid number"),
        (document(weights={**weighing(), "accuracy": {"weight": float("nan"), "reason": "?"}}), "weights.accuracy"),
        (document(flor=0.1), "did you mean 'floor'"),
        (document(method="guess"), "not one of expert, ahp, combined"),
        (document(name="another"), "calls itself 'another'"),
        (document(judgements=judgements()), "do not belong"),
        (document(method="ahp"), "do not belong"),
        (document(method="ahp", judgements=judgements()), "the judgements give 0.166667"),
        (document(method="ahp", judgements=judgements(r0c1="3")), "multiply to 1"),
        (document(method="ahp", judgements=judgements(r0c1="much")), "numbers or fractions"),
        (document(method="ahp", judgements=judgements()[:5]), "6 rows of 6"),
        (document(method="ahp", judgements=judgements(**CIRCLE)),
         "contradict each other"),
        ("name: a-set\nname: a-set\n", "given twice"),
        ("name: [", "line"),
        ("- 1", "file"),
    ],
)  # fmt: skip
def test_a_set_that_does_not_fit_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(JinkuError, match="beta_set_invalid") as raised:
        loaded(tmp_path, content)
    assert said in str(raised.value)


def test_weights_that_follow_from_judgements(tmp_path: Path) -> None:
    even = {name: {"weight": 1 / 6, "reason": "alike"} for name in DIMENSIONS}
    assert loaded(tmp_path, document(method="ahp", judgements=judgements(), weights=even)).beta["accuracy"] == 1 / 6
    entropy = [1.0, 0, 0, 0, 0, 0]
    combined = {name: {"weight": 0.05 + 0.7 * 0.7 / 6, "reason": "both"} for name in DIMENSIONS}
    combined["normativity"]["weight"] += 0.7 * 0.3
    found = loaded(
        tmp_path, document(method="combined", judgements=judgements(), entropyWeights=entropy, weights=combined)
    )
    assert sum(found.beta.values()) == pytest.approx(1)


def test_a_set_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match=r"beta_set_unknown.*standard-2026q4"):
        beta_set("standard-1999q1")
    with pytest.raises(JinkuError, match="beta_set_invalid"):
        load_beta_set(tmp_path / "gone.yaml")


def test_waivers_count_until_their_day_and_for_their_asset(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": [WAIVER, {**WAIVER, "dimension": "accuracy"}]}))
    found = load_waivers(path)
    assert [waiver.dimension for waiver in waivers_of(found, "base/zones", date(2027, 1, 31))] == [
        "timeliness",
        "accuracy",
    ]
    assert waivers_of(found, "base/zones", date(2027, 2, 1)) == ()
    assert waivers_of(found, "base/other", date(2027, 1, 1)) == ()
    assert load_waivers() == ()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([WAIVER, WAIVER], "waived twice"),
        ([{**WAIVER, "untill": "2027-01-01"}], "did you mean 'until'"),
        ([{key: value for key, value in WAIVER.items() if key != "who"}], "missing key 'who'"),
        ([{**WAIVER, "until": "soon"}], "until"),
        ([{**WAIVER, "who": ""}], "who"),
        ([{**WAIVER, "dimension": "beauty"}], "'beauty' is not one of"),
        ([{**WAIVER, "asset": "zones"}], "asset"),
        (WAIVER, "waivers"),
    ],
)
def test_a_waiver_that_does_not_fit_is_refused(tmp_path: Path, entries: Any, said: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": entries}))
    with pytest.raises(JinkuError, match="waivers_invalid") as raised:
        load_waivers(path)
    assert said in str(raised.value)
