"""What a failure says: its cause, and never a value of the data."""

import pytest

from orchestration.failures import without_values


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Runtime Error in model residents (models/base/residents.sql)\n"
            "  Conversion Error: Could not convert string '449911199001011234' to INT32",
            "Conversion Error: Could not convert string … to INT32",
        ),
        (
            "Conversion Error: Type INT64 with value 13800138000 can't be cast to INT32",
            "Conversion Error: Type INT64 with value … can't be cast to INT32",
        ),
        (
            'Constraint Error: Duplicate key "name: Wang Fang" breaks a rule',
            "Constraint Error: Duplicate key … breaks a rule",
        ),
        ("Out of Range Error: Overflow in 1.5e9 * -7!", "Out of Range Error: Overflow in … * …!"),
        (
            'Runtime Error in model x\n  Binder Error: Referenced column "ags" not found',
            'Binder Error: Referenced column "ags" not found',
        ),
        ("", ""),
    ],
)
def test_messages_of_the_engine_lose_the_values_they_quote(message: str, told: str) -> None:
    assert without_values(message) == told
