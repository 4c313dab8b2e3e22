"""Timeliness and accessibility are counted, not claimed."""

from datetime import datetime, timedelta

import pytest

from orchestration.platform_metrics import metadata_filled, platform_metrics, refreshes_in_time
from tests.builders import NOON
from vault.contract import TableContract

DAY = timedelta(days=1)


def days_ago(*numbers: float) -> list[datetime]:
    return [NOON - number * DAY for number in numbers]


@pytest.mark.parametrize(
    ("period", "ago", "expected"),
    [
        ("daily", (0.5,), (1, 1)),  # the first refresh is in time
        ("daily", (3, 2, 1), (3, 4)),  # one whole day has passed since the last
        ("daily", (10, 2, 0.1), (1, 3)),  # two came late
        ("weekly", (20,), (1, 3)),  # two refreshes are missing
        ("monthly", (89, 30), (1, 2)),  # late by 28 days
        ("daily", (), (0, 0)),  # nothing came, nothing is known
        ("static", (1000, 5), (1, 1)),  # what is older than 90 days is not looked at
        ("daily", (200,), (0, 90)),  # silent for long: every day of the window is missed
    ],
)
def test_refreshes_in_time(period: str, ago: tuple[float, ...], expected: tuple[int, int]) -> None:
    assert refreshes_in_time(period, days_ago(*ago), NOON) == expected


def test_reads_are_those_of_the_last_thirty_days() -> None:
    reads = [(NOON - 40 * DAY, False), (NOON - 10 * DAY, False), (NOON, True)]
    found = platform_metrics([("daily", [NOON])], reads, None, NOON)
    assert (found.reads_succeeded, found.reads_attempted) == (1, 2)
    assert found.rates == {"timeliness": 1.0, "accessibility": 0.0}, "without a contract no word is filled in"


def test_a_contract_s_words_are_counted() -> None:
    contract = TableContract.model_validate(
        {
            "description": "Readings.",
            "owner": "team:water",
            "expectations": [{"type": "expect_table_row_count_to_be_between", "arguments": {"min_value": 1},
                              "reason": "a reason"}],
        }
    )  # fmt: skip
    assert metadata_filled(contract) == (2, 2)
    assert metadata_filled(None) == (0, 2)
