"""Valuations are kept for good, and each gives its price again."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pricing.price_record import differences
from tests.pricing.prices import document
from vault.errors import JinkuError
from vault.valuations import FILE_NAME, Valuation, latest_valuations, record, valuations_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def valuation(component: str = "zones", run_id: str = "run", **changed: object) -> Valuation:
    return Valuation(component, run_id, NOON, "2026q4", document(**changed))  # type: ignore[arg-type]


def test_a_valuation_is_read_back_as_it_was_recorded(tmp_path: Path) -> None:
    recorded = record(tmp_path, valuation(flags=("undersampled",)))
    assert recorded.valuation_id == 1 and not recorded.is_published
    (read,) = latest_valuations(tmp_path).values()
    assert read == replace(recorded, document=json.loads(json.dumps(recorded.document)))
    assert read.flags == ("undersampled",)
    assert differences(read.document) == (), "its facts and parameters give the same price to the fen"


def test_the_last_valuation_of_each_component_counts_and_all_are_kept(tmp_path: Path) -> None:
    for component, run_id in (("zones", "1"), ("trips", "1"), ("zones", "2")):
        record(tmp_path, valuation(component, run_id))
    assert {name: each.run_id for name, each in latest_valuations(tmp_path).items()} == {"trips": "1", "zones": "2"}
    assert [each.run_id for each in valuations_of(tmp_path, "zones")] == ["1", "2"]
    assert [each.run_id for each in valuations_of(tmp_path, "zones", most=1)] == ["2"]


def test_nothing_is_changed_or_removed(tmp_path: Path) -> None:
    record(tmp_path, valuation())
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    for statement in ("update valuations set negotiated_fen = 1", "delete from valuations"):
        with pytest.raises(sqlite3.IntegrityError, match="a valuation is never changed"):
            connection.execute(statement)


def test_nothing_valued_yet_is_no_error(tmp_path: Path) -> None:
    assert latest_valuations(tmp_path) == {} and valuations_of(tmp_path, "zones") == ()


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        record(tmp_path, replace(valuation(), valued_at=datetime(2026, 1, 1)))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, and longer than its header" * 30)
    with pytest.raises(JinkuError, match="valuations_unusable"):
        record(tmp_path, valuation())
    with pytest.raises(JinkuError, match="valuations_unusable"):
        latest_valuations(tmp_path)
