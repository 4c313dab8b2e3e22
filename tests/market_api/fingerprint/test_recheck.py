"""Review R of a copy: what passes, and that nothing else does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from market_api.fingerprint.recheck import COMPUTED, TAKEN_OVER, Recheck, reviewed
from review.result.review import CHECKS
from tests.builders import column
from tests.market_api.fingerprint.builders import (
    READING,
    SENSOR,
    TOLERANCE,
    Release,
    connected,
    contract,
    copy_for,
    readings,
    release,
    table_of,
)
from vault.errors import JinkuError

COUNT = column("persons", logicalType="integer", role="measure")
ILLNESS = column("illness", role="sensitive")
AGE = column("age", role="quasi_identifier")
MARKED = {"tolerance": {"reading": TOLERANCE}}


def cells(folder: Path, **review: Any) -> Release:
    """Cells of 11 persons and more, with a measure that carries marks."""
    random = np.random.default_rng(4)
    table = pa.table(
        {
            "sensor": np.arange(2_000),
            "persons": random.integers(11, 90, 2_000),
            "reading": random.normal(200, 50, 2_000).round(1),
        }
    )
    public = contract(SENSOR, COUNT, READING, subject="aggregate", countColumns=["persons"], fingerprint=MARKED)
    return release(folder / "release", public, table, smallest_group=11, **review)


def persons(folder: Path) -> Release:
    """2,000 persons in classes of twenty, of five illnesses each, with a measure that carries marks."""
    random = np.random.default_rng(4)
    table = pa.table(
        {
            "sensor": np.arange(2_000),
            "age": [f"from {number % 100}" for number in range(2_000)],
            "illness": [f"illness {number // 100 % 5}" for number in range(2_000)],
            "reading": random.normal(200, 50, 2_000).round(1),
        }
    )
    public = contract(SENSOR, AGE, ILLNESS, READING, subject="person", fingerprint=MARKED)
    return release(folder / "release", public, table, smallest_group=20)


def reviewed_as(folder: Path, of: Release, table: pa.Table) -> Recheck:
    """The review of a table in the place of a copy."""
    pq.write_table(table, folder / "copy.parquet")
    with connected(folder) as connection:
        return reviewed(connection, folder / "copy.parquet", of.document)


def causes(folder: Path, of: Release, table: pa.Table) -> str:
    with pytest.raises(JinkuError) as caught:
        reviewed_as(folder, of, table)
    assert caught.value.code == "copy_refused"
    return caught.value.what


def with_column(table: pa.Table, name: str, values: Sequence[Any] | np.ndarray, kind: pa.DataType) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, kind))


@pytest.mark.parametrize("built", [cells, persons, lambda folder: readings(folder / "release", rows=2_000)])
def test_a_marked_copy_passes(tmp_path: Path, built: Any) -> None:
    of = built(tmp_path)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
        found = reviewed(connection, copy.path, of.document)
    assert copy.is_traceable and not table_of(copy.path).equals(table_of(*of.files))
    assert {each.check for each in found.findings} == set(COMPUTED)
    assert {each.outcome for each in found.findings} == {"pass"} and found.taken_over == TAKEN_OVER


def test_every_check_of_r_is_computed_or_taken_over() -> None:
    assert sorted((*COMPUTED, *TAKEN_OVER)) == sorted(CHECKS)


def test_a_copy_that_lacks_rows_passes_where_they_may_be_omitted(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=20_000, fingerprint={"omitRows": True})
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
        assert copy.rows_omitted and reviewed(connection, copy.path, of.document).findings


def test_a_cell_of_fewer_than_the_minimum_is_refused(tmp_path: Path) -> None:
    of = cells(tmp_path)
    counts = table_of(*of.files)["persons"].to_numpy().copy()
    counts[5] = 10
    told = causes(tmp_path, of, with_column(table_of(*of.files), "persons", counts, pa.int64()))
    assert "R7_group_minimum: persons has 1 cell of fewer than 11" in told
    assert "the smallest group is 10, and that of the release 11" in told


def test_a_group_that_is_smaller_than_the_smallest_signed_one_is_refused(tmp_path: Path) -> None:
    of = cells(tmp_path)
    of.document["review"]["smallest_group"] = 12
    assert "the smallest group is 11, and that of the release 12" in causes(tmp_path, of, table_of(*of.files))


def test_a_class_of_persons_that_became_too_small_is_refused(tmp_path: Path) -> None:
    of = persons(tmp_path)
    ages = table_of(*of.files)["age"].to_pylist()
    ages[0] = "alone"
    told = causes(tmp_path, of, with_column(table_of(*of.files), "age", ages, pa.string()))
    assert "R1_k_anonymity" in told and "R4_risk" in told and "alone" not in told


def test_a_class_of_one_illness_is_refused(tmp_path: Path) -> None:
    of = persons(tmp_path)
    table = table_of(*of.files)
    same = pc.if_else(pc.equal(table["age"], "from 3"), "illness 1", table["illness"]).combine_chunks()
    told = causes(tmp_path, of, with_column(table, "illness", same.to_pylist(), pa.string()))
    assert "R2_l_diversity" in told and "R3_t_closeness" in told


@pytest.mark.parametrize(
    ("altered", "cause"),
    [
        (lambda table: table.slice(1), "it has 1999 rows, and the release 2000"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "it has 2001 rows, and the release 2000"),
        (lambda table: table.drop_columns(["reading"]), "its columns are not those of the release"),
        (lambda table: table.append_column("more", table["sensor"]), "its columns are not those of the release"),
        (lambda table: table.select(["persons", "sensor", "reading"]), "its columns are not those of the release"),
        (
            lambda table: with_column(table, "reading", table["reading"].to_numpy(), pa.float32()),
            "its columns are not those of the release",
        ),
        (
            lambda table: with_column(table, "reading", [None, *table["reading"].to_pylist()[1:]], pa.float64()),
            "it has 1 nulls of reading, and the release 0",
        ),
    ],
)
def test_a_copy_of_another_form_is_refused(tmp_path: Path, altered: Any, cause: str) -> None:
    of = cells(tmp_path)
    assert cause in causes(tmp_path, of, altered(table_of(*of.files)))


@pytest.mark.parametrize(
    ("check", "outcome"),
    [*((check, "fail") for check in CHECKS), *((TAKEN_OVER[0], other) for other in ("error", "pending", None))],
)
def test_what_the_release_did_not_pass_is_not_taken_over(tmp_path: Path, check: str, outcome: str | None) -> None:
    of = cells(tmp_path)
    (signed,) = [each for each in of.document["review"]["checks"] if each["check"] == check]
    if outcome is None:
        of.document["review"]["checks"].remove(signed)
    else:
        signed["outcome"] = outcome
    assert f"the release did not pass {check}" in causes(tmp_path, of, table_of(*of.files))


def test_a_release_that_is_not_cleared_has_no_copies(tmp_path: Path) -> None:
    of = cells(tmp_path, security=0)
    assert "the release itself is not cleared" in causes(tmp_path, of, table_of(*of.files))


def test_a_copy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    of = cells(tmp_path)
    (tmp_path / "copy.parquet").write_bytes(b"PAR1 and nothing else")
    with connected(tmp_path) as connection:
        for name in ("copy.parquet", "missing.parquet"):
            with pytest.raises(JinkuError, match=r"copy_refused: .* it cannot be read"):
                reviewed(connection, tmp_path / name, of.document)


def test_a_contract_that_cannot_be_read_refuses(tmp_path: Path) -> None:
    of = cells(tmp_path)
    of.document["contract"]["subject"] = "nobody"
    assert "the contract in its datasheet cannot be read" in causes(tmp_path, of, table_of(*of.files))


def test_without_a_policy_nothing_passes(tmp_path: Path) -> None:
    of = cells(tmp_path)
    (tmp_path / "policy.yaml").write_text("version: none")
    with connected(tmp_path) as connection, pytest.raises(JinkuError, match="policy_unusable"):
        reviewed(connection, of.files[0], of.document, tmp_path / "policy.yaml")
