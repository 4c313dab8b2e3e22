"""What a contract says of contributions and noise must be enough to draw it; else it is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.builders import column
from tests.review.result.builders import component
from vault.contract import ComponentContract

COUNT = {"aggregate": "count", "query": "select 1"}
SUM = {"aggregate": "sum", "query": "select 1", "bounds": {"low": 0, "high": 9}}


def noisy(**changes: Any) -> ComponentContract:
    """Patients and their visits by district, claimed to be noisy."""
    names = ("patients", "visits")
    attributes: dict[str, Any] = {
        "subject": "aggregate",
        "contributions": {"patients": COUNT, "visits": SUM},
        "differentialPrivacy": {"cells": "select 1"},
        **changes,
    }
    columns = [column(name, logicalType="integer", role="measure") for name in names]
    return component(column("district"), *columns, **attributes)


def test_what_is_said_of_noise_is_one_text_that_changes_with_any_of_it() -> None:
    claims = {
        noisy().noise_claim,
        noisy(differentialPrivacy={"cells": "select 2"}).noise_claim,
        noisy(differentialPrivacy={"cells": "select 1", "epsilon": 0.5}).noise_claim,
        noisy(differentialPrivacy={"cells": "select 1", "cellsPerUnit": 2}).noise_claim,
        noisy(contributions={"patients": COUNT}).noise_claim,
        noisy(contributions={"patients": COUNT, "visits": {**SUM, "bounds": {"low": 0, "high": 8}}}).noise_claim,
    }
    assert len(claims) == 6 and None not in claims
    assert noisy(description="Other words.").noise_claim in claims
    assert noisy(differentialPrivacy=None).noise_claim is None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"contributions": {"patiens": COUNT}}, "contributions names no figure: 'patiens'; did you mean 'patients'"),
        ({"contributions": {"district": COUNT}}, "contributions names no figure: 'district'"),
        ({"contributions": {"patients": {**COUNT, "aggregate": "max"}}}, "'max' is not one of count, sum, mean"),
        ({"contributions": {"visits": {**SUM, "bounds": {"low": 9, "high": 0}}}}, "'low' must be below 'high'"),
        ({"contributions": {"visits": {**SUM, "bounds": {"low": 0}}}}, "missing key 'high'"),
        ({"contributions": {}}, "differentialPrivacy: needs 'contributions'"),
        ({"contributions": {"visits": {"aggregate": "sum", "query": "select 1"}}}, "'visits' is a sum and needs"),
        ({"contributions": {"visits": {**SUM, "aggregate": "mean"}}}, "'visits' is a mean: only counts and sums"),
        ({"subject": "person"}, "differentialPrivacy: needs 'subject: aggregate'"),
        ({"entities": {"kind": "person", "query": "select 1"}}, "takes no 'entities'"),
        ({"differentialPrivacy": {}}, "missing key 'cells'"),
        ({"differentialPrivacy": {"cells": "select 1", "epsilon": 0}}, "greater than 0"),
        ({"differentialPrivacy": {"cells": "select 1", "cellsPerUnit": 0}}, "greater than or equal to 1"),
        ({"differentialPrivacy": {"cells": "select 1", "unit": "household"}}, "'household' is not one of person"),
    ],
)
def test_noise_that_could_not_be_drawn_is_refused(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(ValidationError) as refused:
        noisy(**changes)
    assert cause in str(refused.value)


def test_contributions_alone_claim_no_noise() -> None:
    contract = noisy(differentialPrivacy=None, contributions={"visits": {"aggregate": "mean", "query": "select 1"}})
    assert contract.contributions["visits"].bounds is None
