"""The worked cases of the models, computed independently at 50 digits: those of the oracle, and the copy kept here."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pricing.answers import PRICING_GROUPS, answer, assert_agrees

ORACLE = Path(__file__).parents[3] / "shared" / "oracle" / "vectors.json"
COPY = Path(__file__).parent / "worked_cases.json"


def cases_of(path: Path) -> dict[str, dict[str, Any]]:
    """The cases of the pricing groups by id; none where the file is absent."""
    if not path.is_file():
        return {}
    cases = json.loads(path.read_text("utf-8"))["cases"]
    return {case["id"]: case for case in cases if case["id"][0] in PRICING_GROUPS}


SHARED, KEPT = cases_of(ORACLE), cases_of(COPY)


def check(case: dict[str, Any], cases: dict[str, dict[str, Any]]) -> None:
    """Every output that the case names, and there is one, within the tolerance of the case."""
    found, wanted = answer(case, cases), case["outputs"]
    assert wanted and set(wanted) <= set(found)
    assert_agrees({name: found[name] for name in wanted}, wanted, case["rel_tol"], case["id"])


@pytest.mark.skipif(not SHARED, reason=f"there is no {ORACLE}")
@pytest.mark.parametrize("case", SHARED.values() or [{}], ids=list(SHARED) or ["absent"])
def test_a_case_of_the_oracle(case: dict[str, Any]) -> None:
    check(case, SHARED)


@pytest.mark.parametrize("case", KEPT.values(), ids=list(KEPT))
def test_a_case_kept_here(case: dict[str, Any]) -> None:
    check(case, KEPT)


def test_every_group_of_the_models_is_kept_here() -> None:
    assert {name[0] for name in KEPT} >= set("VQZBEDICPSTGA")


def test_an_answer_that_is_off_is_noticed() -> None:
    """The comparison itself must be able to fail."""
    for found, wanted in ((1.0000000021, "1.0"), (0.0000000021, "0"), ([1], [1, 1]), ({"a": 1}, {"b": 1}), (2, 3)):
        with pytest.raises(AssertionError):
            assert_agrees(found, wanted, 1e-9, "here")
    assert_agrees({"a": [1.0000000009, None, True]}, {"a": ["1.0", None, True]}, 1e-9, "here")
