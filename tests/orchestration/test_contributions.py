"""Sums over enterprises are judged by who contributed what, as the contract says, where that can be relied on."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.city import City
from orchestration.dbt_assets import Models, parsed_models
from orchestration.declarations import declarations
from orchestration.security.compiled import statements_below
from orchestration.security.result_facts import NoiseOnRecord, Subject, result_facts
from orchestration.security.reviewing import review_component
from review.findings import Finding
from review.result.groups import review_dominance
from review.result.thresholds import thresholds_for
from tests.builders import NOON, column, copy_of, opened, rows
from tests.orchestration.noisy import models_with
from tests.review.result.builders import component
from vault.contract import ComponentContract
from vault.layers import Vault, connect

NAME = "named_bases"
NOTHING = NoiseOnRecord(None, (), {})
QUERY = """
    select enterprise_id as contributor, trade_category, case when has_trade_name then 10 else 1 end as value
    from {enterprise}"""
MODEL = """
    select trade_category, count(*) as bases, sum(case when has_trade_name then 10 else 1 end) as points
    from warehouse.resource.enterprise group by trade_category having count(*) >= 11"""


@pytest.fixture(scope="module")
def vault(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The city with a component that sums over enterprises."""
    vault = opened(copy_of(city, tmp_path_factory.mktemp("named")))
    with connect(vault, write="components", read=("warehouse",)) as connection:
        connection.execute(f"create table components.components.{NAME} as {MODEL}")
    return vault


def contract(**contributions: Any) -> ComponentContract:
    return component(
        column("trade_category"),
        *(column(name, logicalType="integer", role="measure") for name in ("bases", "points")),
        subject="aggregate",
        countColumns=["bases"],
        contributions=contributions,
    )


def subject(vault: Vault, of: ComponentContract) -> Subject:
    models: Models = models_with(parsed_models(vault.home, declarations()), of, NAME, below=("enterprise",))
    return Subject(models, NAME, ("hire_bases",), (), None, ())


def dominance(vault: Vault, **contributions: Any) -> Finding:
    """R8 of the component as it lies there, by the contributions that its contract names."""
    reviewed = subject(vault, contract(**contributions))
    statements = {**statements_below(vault.home, reviewed.models, NAME), ("components", NAME): MODEL}
    with connect(vault, read=("raw", "warehouse", "components")) as engine:
        facts = result_facts(vault, engine, reviewed, statements, NOTHING)
        return review_dominance(facts, thresholds_for(City().policy().result, "market"))


def summed(query: str = QUERY) -> dict[str, Any]:
    return {"points": {"aggregate": "sum", "query": query}}


def test_a_sum_of_many_enterprises_passes_by_its_contributions(vault: Vault) -> None:
    found = dominance(vault, **summed())
    assert found.outcome == "pass", found.reason
    figures = found.evidence["measures"]["points"]
    assert figures["fewest_contributors"] >= 11 and 0 < figures["greatest_share"] < 0.85


def test_without_contributions_a_sum_is_refused(vault: Vault) -> None:
    found = dominance(vault)
    assert found.outcome == "fail" and "not known what each enterprise contributed to points" in found.reason


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        (QUERY.replace("enterprise_id as", "enterprise_id || legal_form as"), "is not the enterprise's pseudonym"),
        (QUERY.replace("enterprise_id as", "_batch || _row as"), "is not the enterprise's pseudonym"),
        (QUERY.replace("{enterprise}", "{person}"), "resource.person, which is neither a source"),
        (QUERY.replace("{enterprise}", "{rows}"), "'{rows}' is no table of the resource layer"),
        (f"{QUERY} limit 9", "it is a query with limit"),
        (QUERY.replace("else 1", "else 2"), "points is not what its contributions make in"),
        (f"{QUERY} where has_trade_name", "points is not what its contributions make in"),
    ],
)
def test_contributions_that_hide_who_makes_up_a_sum_are_refused(vault: Vault, query: str, cause: str) -> None:
    found = dominance(vault, **summed(query))
    assert found.outcome == "fail" and cause in found.reason


def test_one_large_enterprise_is_found_by_what_it_contributes(vault: Vault, tmp_path: Path) -> None:
    """The table and the contributions agree that one of them is many times as large as all others."""
    own = opened(copy_of(vault.home.root, tmp_path))
    shown = "select trade_category from warehouse.resource.enterprise group by trade_category having count(*) >= 11"
    of_shown = f"select max(enterprise_id) from warehouse.resource.enterprise where trade_category in ({shown})"
    ((largest,),) = rows(own, of_shown, "warehouse")
    told, sized = "case when has_trade_name then 10", f"case when enterprise_id = '{largest}' then 100000"
    with connect(own, write="components", read=("warehouse",)) as connection:
        made = MODEL.replace(told, sized)
        connection.execute(f"create or replace table components.components.{NAME} as {made}")
    found = dominance(own, **summed(QUERY.replace(told, sized)))
    assert found.outcome == "fail" and found.reason.startswith("points has cells of which 2 make up more than 85 %")


def test_the_review_asks_for_the_contributions_that_the_contract_names(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole review of a component in place hands them to the check."""
    monkeypatch.setenv("JINKU_HOME", str(vault.home.root))
    with dg.DagsterInstance.ephemeral() as storage:
        models = subject(vault, contract(**summed(f"{QUERY} limit 9"))).models
        review = review_component(storage, vault, models, NAME, City().policy(), {}, "run", NOON).review
    (found,) = [each for each in review.findings if each.check == "R8_dominance"]
    assert found.outcome == "fail" and "the contributions to points cannot be relied on" in found.reason
