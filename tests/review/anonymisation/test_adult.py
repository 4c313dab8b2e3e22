"""On real data with published hierarchies the search finds the optima that ARX publishes."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from review.anonymisation.coded_table import CodedTable, QuasiIdentifier, Sensitive, coded_table
from review.anonymisation.hierarchy_file import read_hierarchy
from review.anonymisation.levels import Exact, Hidden, Unchanged
from review.anonymisation.losses import LOSSES
from review.anonymisation.search import search
from review.anonymisation.target import Target
from tests.builders import REAL_DATA
from vault.errors import JinkuError

ADULT = REAL_DATA / "adult_arx"
COLUMNS = ("sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation",
           "salary-class")  # fmt: skip
OTHERS = tuple(name for name in COLUMNS if name != "occupation")
CLOSE = 1e-12

pytestmark = pytest.mark.skipif(not ADULT.exists(), reason="the real data are not there: ../shared/data/adult_arx")


def counted(names: tuple[str, ...], sensitive: tuple[str, ...] = (), country: str = "") -> CodedTable:
    """The table with its published hierarchies; country: another file for native-country."""
    with duckdb.connect() as engine:
        engine.execute(
            f"create view adult as from read_csv('{ADULT / 'adult.csv.gz'}', delim = ';', header = true, "
            "all_varchar = true)"
        )
        quasi = [quasi_identifier(name, country) for name in names]
        return coded_table(engine, "adult", quasi, [Sensitive(name, name, Unchanged()) for name in sensitive])


def quasi_identifier(name: str, country: str = "") -> QuasiIdentifier:
    file = ADULT / (country if country and name == "native-country" else f"adult_hierarchy_{name}.csv")
    return QuasiIdentifier(name, name, (Exact(), *read_hierarchy(file), Hidden()))


@pytest.fixture(scope="module")
def adult() -> CodedTable:
    return counted(COLUMNS)


@pytest.fixture(scope="module")
def with_occupation() -> CodedTable:
    return counted(OTHERS, ("occupation",))


def published() -> list[dict[str, Any]]:
    oracle = ADULT.parent.parent / "oracle" / "privacy.json"
    found: list[dict[str, Any]] = json.loads(oracle.read_text())["arx_k_anonymity_optimum"] if oracle.exists() else []
    return found


@pytest.mark.parametrize("case", published(), ids=lambda case: case["privacy_model"])
def test_the_published_optimum_is_found(adult: CodedTable, case: dict[str, Any]) -> None:
    target = Target(k=int(case["privacy_model"].split("-")[0]), suppression_limit=float(case["suppression_limit"]))
    assert case["quasi_identifiers"].split("|") == list(COLUMNS)
    found = search(adult, target, LOSSES["entropy"](adult))
    assert found.levels == tuple(map(int, case["transformation"].split("-")))
    assert found.loss == pytest.approx(float(case["published"]), rel=CLOSE)
    assert found.rows_suppressed == int(case["rows_suppressed"])
    assert found.transformations == 12_960 and found.checked < found.transformations / 10


FURTHER: list[tuple[Target, str, float, tuple[int, ...]]] = [
    (Target(k=5), "entropy", 324620.5269918695, (1, 1, 1, 1, 3, 2, 2, 1)),
    (Target(k=2, entropy_l=5), "entropy", 324620.5269918695, (1, 1, 1, 1, 3, 2, 2, 1)),
    (Target(k=5, t=0.2), "discernibility", 456853172, (1, 4, 1, 1, 3, 2, 2, 1)),
    (Target(k=100, t=0.2), "discernibility", 456853172, (1, 4, 1, 1, 3, 2, 2, 1)),
]
"""Asserted by ARX's own tests (TestAnonymizationCombinations, -LDiversity and -TCloseness), without suppression."""


@pytest.mark.parametrize(("target", "loss", "value", "levels"), FURTHER)
def test_further_optima_of_arx_are_found(
    with_occupation: CodedTable, target: Target, loss: str, value: float, levels: tuple[int, ...]
) -> None:
    found = search(with_occupation, target, LOSSES[loss](with_occupation))
    assert (found.levels, found.rows_suppressed) == (levels, 0)
    assert found.loss == pytest.approx(value, rel=CLOSE)


@pytest.mark.parametrize(("k", "value"), [(5, 407289.5388925293), (100, 453196.8932458743)])
def test_nothing_may_be_left_out(adult: CodedTable, k: int, value: float) -> None:
    """Asserted by ARX's TestAnonymizationKAnonymity."""
    found = search(adult, Target(k=k), LOSSES["entropy"](adult))
    assert found.loss == pytest.approx(value, rel=CLOSE) and found.rows_suppressed == 0
    assert found.smallest_group >= k


def test_one_misspelt_cell_of_a_hierarchy_counts(adult: CodedTable) -> None:
    """An older file says Europa for one of the countries of Europe: at that level less is lost, and hidden the same."""
    misspelt = counted(COLUMNS, country="pre2016_adult_hierarchy_native-country.csv")
    column = COLUMNS.index("native-country")
    new, old = LOSSES["entropy"](adult).floors[column], LOSSES["entropy"](misspelt).floors[column]
    assert old[1] < new[1] and old[2] == new[2]


def test_a_hierarchy_that_lacks_a_value_is_refused_without_telling_it(tmp_path: Path) -> None:
    lines = (ADULT / "adult_hierarchy_education.csv").read_text().splitlines()
    (tmp_path / "education.csv").write_text("\n".join(lines[1:]))
    with duckdb.connect() as engine:
        engine.execute(
            f"create view adult as from read_csv('{ADULT / 'adult.csv.gz'}', delim = ';', all_varchar = true)"
        )
        column = QuasiIdentifier(
            "education", "education", (Exact(), *read_hierarchy(tmp_path / "education.csv"), Hidden())
        )
        with pytest.raises(JinkuError, match="hierarchy_invalid: 1 values of the column") as refused:
            coded_table(engine, "adult", [column], [])
    assert lines[0].split(";")[0] not in str(refused.value)
