"""Delta Sharing clients are told a busy database from one that is unfit, in the codes of the protocol."""

import json

import pytest

from market_api.problems import Problem
from market_api.sharing.protocol import refused


@pytest.mark.parametrize(
    ("code", "status", "told", "comes_again"),
    [
        ("unavailable", 503, "TEMPORARILY_UNAVAILABLE", True),
        ("busy", 503, "TEMPORARILY_UNAVAILABLE", True),
        ("database_unfit", 500, "INTERNAL_ERROR", False),
    ],
)
def test_a_database_that_fails_is_told_by_its_cause(code: str, status: int, told: str, comes_again: bool) -> None:
    answer = refused(Problem(code, "The market's database is away."))
    assert (answer.status_code, json.loads(answer.body)["errorCode"]) == (status, told)
    assert ("Retry-After" in answer.headers) == comes_again
