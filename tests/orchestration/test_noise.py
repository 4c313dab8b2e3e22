"""Noise is drawn from what the contract names, held against the model, and refused before anything is spent or changed
where it would hide nobody."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.city import City
from orchestration.dbt import NodeResult
from orchestration.dbt_assets import Models, parsed_models
from orchestration.declarations import declarations
from orchestration.security.noise import Drawing, draw_component, drawn
from orchestration.security.reviewing import review_component
from orchestration.versions import code_versions
from tests.builders import copy_of, opened, rows
from tests.orchestration.noisy import CELLS, MEMBERS, NAME, RESIDENTS, compiled, contract, models_with
from vault.disclosure.budgets import spent
from vault.errors import JinkuError
from vault.home import Home
from vault.layers import Vault, connect
from vault.registry.database import open_registry

NOW = datetime(2099, 11, 24, 12, tzinfo=UTC)
EXACT = """
    select part_of, place_name, count(person_id), coalesce(sum(least(household_size, 12)), 0)::bigint
    from warehouse.resource.place_district left join warehouse.resource.person on part_of = district_code
    group by all order by 1"""


@pytest.fixture
def vault(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    home = copy_of(city, tmp_path)
    monkeypatch.setenv("JINKU_HOME", str(home))
    return opened(home)


def city_models(vault: Vault) -> Models:
    return parsed_models(Home(vault.home.root), declarations())


def draw(vault: Vault, sql: str | None = None, **changes: Any) -> None:
    models = models_with(city_models(vault), contract(**changes))
    draw_component(Drawing(vault, models, City().policy(), NOW), NAME, compiled() if sql is None else sql)


def refusal(vault: Vault, sql: str | None = None, **changes: Any) -> str:
    """Why the noise is not drawn; nothing is spent then, and no table is there."""
    with pytest.raises(JinkuError) as refused:
        draw(vault, sql, **changes)
    assert refused.value.code == "noise_unusable" and lost(vault) == 0
    assert rows(vault, f"select 1 from duckdb_tables() where table_name = '{NAME}'", "components") == []
    return str(refused.value)


def lost(vault: Vault) -> float:
    with open_registry(vault.home).begin() as registry:
        return float(spent(registry, "residents", "person", NOW.year)[0])


def in_place(vault: Vault) -> list[tuple[Any, ...]]:
    return rows(vault, f"select * from components.components.{NAME} order by 1", "components")


def test_the_rows_are_noisy_and_near_the_exact_ones_which_are_no_table(vault: Vault) -> None:
    """Scales 2 and 24: a figure is farther off than 40 scales once in e^40."""
    draw(vault)
    exact = rows(vault, EXACT, "warehouse")
    assert len(in_place(vault)) == 9 and lost(vault) == 1 and in_place(vault) != exact
    for (code, name, residents, members), (*same, own, theirs) in zip(in_place(vault), exact, strict=True):
        assert [code, name] == same and abs(residents - own) < 80 and abs(members - theirs) < 960
    tables = "select schema_name from duckdb_tables() where estimated_size = 9 and schema_name <> 'components'"
    assert rows(vault, tables, "components") == [("noise",)]


def test_drawn_again_from_the_same_it_is_the_same_and_costs_nothing(vault: Vault) -> None:
    draw(vault)
    table = in_place(vault)
    draw(vault, f"{compiled()} -- in other words")
    assert in_place(vault) == table and lost(vault) == 1
    draw(vault, differentialPrivacy={"cells": CELLS, "epsilon": 0.5})
    assert in_place(vault) != table and lost(vault) == 1.5


def test_what_a_person_adds_is_bounded_in_the_noisy_figure_alone(vault: Vault) -> None:
    """Everybody counts for one at most, though households are larger: the model's own sum is not touched by it."""
    bounded = {"aggregate": "sum", "query": MEMBERS, "bounds": {"low": 0, "high": 1}}
    draw(
        vault,
        contributions={"residents": {"aggregate": "count", "query": RESIDENTS}, "household_members": bounded},
    )
    for _, _, residents, members in in_place(vault):
        assert abs(residents - members) < 160


def figures(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "residents": {"aggregate": "count", "query": RESIDENTS},
        "household_members": {"aggregate": "sum", "query": MEMBERS, "bounds": {"low": 0, "high": 12}},
    }
    return {"contributions": {name: {**each, **changes.get(name, {})} for name, each in known.items()}}


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("select _batch || _row as contributor, district_code from {person}", "its contributor is not the person's"),
        ("select person_id as contributor, district_code from {visit}", "resource.visit, which is neither a source"),
        ("select id_number as contributor, district_code from warehouse.base.residents", "it reads warehouse.base"),
        ("select person_id as contributor, district_code from warehouse.resource.person", "it reads warehouse."),
        ("select person_id as contributor, district_code from {residents}", "'{residents}' is no table of the"),
        ("select person_id as contributor, district_code from {rows}", "'{rows}' is no table of the resource layer"),
        ("select person_id as contributor, sex as district_code from {person}", "is not what its contributions make"),
        (f"{RESIDENTS} where household_size > 1", "residents is not what its contributions make"),
        ("select content as contributor, 'x' as district_code from read_text('/etc/passwd')", "reaches outside"),
    ],
)
def test_contributions_that_are_not_those_of_the_figure_are_refused(vault: Vault, query: str, cause: str) -> None:
    assert cause in refusal(vault, **figures(residents={"query": query}))


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        ("select distinct district_code, 'x' as district_name from {person}", "cells: it rests on raw.residents"),
        ("select part_of as district_code from {place_district}", "cells: it lacks the column district_name"),
        (f"{CELLS} union all {CELLS}", "'cells' gives 9 rows twice"),
        (f"{CELLS} where 1 = 0", "'cells' gives 0 rows"),
    ],
)
def test_cells_that_are_not_known_from_outside_the_data_are_refused(vault: Vault, cells: str, cause: str) -> None:
    assert cause in refusal(vault, differentialPrivacy={"cells": cells})


def test_more_loss_than_a_component_may_have_is_refused(vault: Vault) -> None:
    assert "epsilon 1.01 is more than the 1" in refusal(vault, differentialPrivacy={"cells": CELLS, "epsilon": 1.01})
    assert "delta 0.1 is more than" in refusal(vault, differentialPrivacy={"cells": CELLS, "delta": 0.1})


def test_noise_for_whom_no_source_speaks_of_is_refused(vault: Vault) -> None:
    told = refusal(vault, differentialPrivacy={"cells": CELLS, "unit": "enterprise"})
    assert "its contributor is not the enterprise's pseudonym" in told and "speaks of any enterprise" in told


def test_a_model_that_gives_another_figure_is_refused(vault: Vault) -> None:
    for told, another in (
        ("count(*) as residents", "count(*) + 1 as residents"),
        ("sum(household_size) as", "sum(household_size * household_size) as"),
        ("left join people on", "left join people on people.residents > 200 and"),
    ):
        assert "is not what its contributions make" in refusal(vault, compiled().replace(told, another))


def test_a_model_that_fails_is_told_without_what_the_engine_says(vault: Vault) -> None:
    told = refusal(vault, compiled().replace("sum(household_size)", "sum(cast(sex as integer))"))
    assert "a query of it failed (ConversionException)" in told and "female" not in told


def test_noise_that_does_not_fit_its_column_is_told_and_costs_nothing(vault: Vault) -> None:
    """Steps of an eighth in a column of whole numbers: all nine sums are whole once in 8^9 draws."""
    fine = {"bounds": {"low": 0, "high": 12, "step": 0.125}}
    told = refusal(vault, **figures(household_members=fine))
    assert "drawing it failed (ArrowInvalid)" in told
    with open_registry(vault.home).begin() as registry:
        states = registry.exec_driver_sql("select state from privacy_spend").scalars().all()
    assert states == ["released"]


def test_a_budget_that_is_spent_is_an_error_of_the_model_and_the_earlier_rows_stay(vault: Vault) -> None:
    for epsilon in (1.0, 0.999, 0.998, 0.997):
        draw(vault, differentialPrivacy={"cells": CELLS, "epsilon": epsilon})
    table = in_place(vault)
    models = models_with(city_models(vault), contract(differentialPrivacy={"cells": CELLS, "epsilon": 0.5}))
    compiled_model = NodeResult(f"model.jinku.{NAME}", "model", NAME, "success", "", 0.1, 0, compiled())
    (result,) = drawn(Drawing(vault, models, City().policy(), NOW), [compiled_model])
    assert result.status == "refused"
    assert "privacy_budget_spent: epsilon 3.994 of 4" in result.message and "source residents" in result.message
    assert in_place(vault) == table and lost(vault) == 3.994


def test_a_model_that_did_not_compile_is_not_drawn(vault: Vault) -> None:
    failed = NodeResult(f"model.jinku.{NAME}", "model", NAME, "error", "no such table", 0.1, 0, "")
    assert drawn(Drawing(vault, city_models(vault), City().policy(), NOW), [failed]) == (failed,)


def test_another_claim_is_another_version_of_the_component(vault: Vault) -> None:
    manifest = city_models(vault).manifest
    name = "zone_hourly_mobility"
    versions = [code_versions(manifest, "", claims) for claims in ({}, {name: "a"}, {name: "b"})]
    assert len({each[name] for each in versions}) == 3
    assert len({each["clinic_load_weekly"] for each in versions}) == 1


def outcomes(vault: Vault) -> dict[str, str]:
    """What the review of the result finds of the rows that are there."""
    with dg.DagsterInstance.ephemeral() as storage:
        models = models_with(city_models(vault), contract())
        reviewed = review_component(storage, vault, models, NAME, City().policy(), {}, "run", NOW)
    return {each.check: each.outcome for each in reviewed.review.findings if each.part == "result"}


def test_rows_that_no_noise_is_on_record_for_are_refused_though_it_is_claimed(vault: Vault) -> None:
    """Whoever builds the model by hand leaves exact rows, and whoever rounds noisy ones others than were paid for."""
    draw(vault)
    assert set(outcomes(vault).values()) == {"pass"}
    exact = f"create or replace table components.components.{NAME} as {compiled()}"
    altered = f"update components.components.{NAME} set residents = residents + 1 where district_code = '440303'"
    for change in (altered, exact):
        with connect(vault, write="components", read=("warehouse",)) as connection:
            connection.execute(change)
        found = outcomes(vault)
        refused = {check for check, outcome in found.items() if outcome == "fail"}
        assert refused >= {"R7_group_minimum", "R9_differencing", "R10_privacy_budget", "R12_linear_queries"}
