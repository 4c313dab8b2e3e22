"""What a contract may say of marks in the copies of its buyers."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.vault.releases.builds import contract
from vault.releases.datasheet import public_contract


def marking(**tolerance: Any) -> dict[str, Any]:
    return {"fingerprint": {"tolerance": tolerance}}


def test_a_measure_may_be_marked_within_its_tolerance_and_buyers_are_told() -> None:
    told = public_contract(contract(**marking(distance_km_mean=0.1)))
    assert told["fingerprint"] == {"tolerance": {"distance_km_mean": 0.1}, "omitRows": False}


@pytest.mark.parametrize("name", ["zone_id", "pickup_hour", "first_day", "distance_km", "is_busy"])
def test_what_is_no_measure_may_not(name: str) -> None:
    with pytest.raises(ValidationError, match="names no measure that may differ"):
        contract(**marking(**{name: 1}))


def test_a_count_of_subjects_may_not() -> None:
    with pytest.raises(ValidationError, match="names no measure that may differ"):
        contract(countColumns=["trips"], **marking(trips=8))


@pytest.mark.parametrize("tolerance", [0, -1, float("inf"), float("nan")])
def test_a_tolerance_is_a_positive_number(tolerance: float) -> None:
    with pytest.raises(ValidationError):
        contract(**marking(distance_km_mean=tolerance))


def test_without_the_key_a_contract_says_nothing_of_it() -> None:
    assert "fingerprint" not in public_contract(contract())
