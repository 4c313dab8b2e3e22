"""Columns of a model are read from its SQL without running anything."""

from pathlib import Path

from orchestration.model_columns import model_columns
from tests.builders import PROJECT


def columns(tmp_path: Path, text: str) -> tuple[str, ...] | None:
    path = tmp_path / "model.sql"
    path.write_text(text)
    return model_columns(path)


def test_names_come_from_the_last_select_whatever_the_macros_give(tmp_path: Path) -> None:
    text = """
    {{ config(materialized='incremental') }}
    with readings as (select * from {{ source('raw', 'readings') }} {{ only_new_batches() }}),
    {# a comment #}
    ranked as ({{ ranked_by_receipt('readings', 'meter') }})
    select meter, {{ as_number('litres') }} as litres, ranked._batch from ranked
    """
    assert columns(tmp_path, text) == ("meter", "litres", "_batch")


def test_a_star_over_a_known_expression_is_resolved(tmp_path: Path) -> None:
    assert columns(tmp_path, "with a as (select 1 as x, 2 as y) select a.*, 3 as z from a") == ("x", "y", "z")
    assert columns(tmp_path, "with a as (select 1 as x) select * from a union all select 2") == ("x",)


def test_what_the_text_does_not_tell_is_not_guessed(tmp_path: Path) -> None:
    assert columns(tmp_path, "select * from {{ ref('other') }}") is None
    assert columns(tmp_path, "select from where") is None
    assert model_columns(tmp_path / "missing.sql") is None


def test_the_city_s_models_are_read_as_the_engine_builds_them() -> None:
    trips = model_columns(PROJECT / "dbt_project" / "models" / "resource" / "trip.sql")
    assert trips is not None
    assert {"trip_id", "is_plausible", "_batch", "_row"} <= set(trips)
