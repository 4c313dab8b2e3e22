"""The SQL a component was made by: its own model's and that of every model below it, as dbt compiled it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dbt_assets import MODEL_HASH, Models, hash_of_sql
from orchestration.roles import raw_roles
from orchestration.security.contributions import noise_claim
from orchestration.subjects import models_below
from review.model.under_review import ModelUnderReview, Table
from vault.errors import JinkuError
from vault.home import Home


def compiled_statements(home: Home, storage: dg.DagsterInstance, models: Models, name: str) -> dict[Table, str]:
    """The compiled SQL of a component and of all models below it, by (schema, table).

    Raises JinkuError `models_unknown` where the SQL on disk is not that of the last build: what cannot be shown to have
    made the rows is no evidence of how they were made.
    """
    statements = {}
    for model in models_below(models, name):
        node = models.node(model)
        layer, path = node["fqn"][1], _compiled_path(home, node)
        built = storage.get_latest_materialization_event(dg.AssetKey([layer, model]))
        metadata = built.asset_materialization.metadata if built and built.asset_materialization else {}
        sql = path.read_text("utf-8") if path.exists() else None
        told = metadata.get(MODEL_HASH)
        if sql is None or told is None or hash_of_sql(sql) != told.value:
            raise JinkuError(
                "models_unknown",
                f"the compiled SQL of {layer}/{model} is not that of its last build",
                str(path),
                "Build the model again.",
            )
        statements[layer, model] = sql
    return statements


def statements_below(home: Home, models: Models, name: str) -> dict[Table, str]:
    """The compiled SQL of all models below a component, as far as it is there, whatever it made so far."""
    statements = {}
    for model in models_below(models, name):
        node = models.node(model)
        path = _compiled_path(home, node)
        if model != name and path.exists():
            statements[node["fqn"][1], model] = path.read_text("utf-8")
    return statements


def _compiled_path(home: Home, node: Mapping[str, Any]) -> Path:
    return home.dbt / "target" / "compiled" / "jinku" / str(node["original_file_path"])


def model_under_review(models: Models, name: str, statements: Mapping[Table, str]) -> ModelUnderReview:
    """A component's model with the roles of the source columns it starts from."""
    contract = models.known.components[name]
    return ModelUnderReview(
        name=name,
        statements=statements,
        roles=raw_roles(models.known.sources),
        unique=_unique_columns(models),
        columns={column.name: column.role for column in contract.columns},
        grain=contract.grain,
        subject=contract.subject,
        minimum_group=contract.minimum_group,
        release_tier=contract.release_tier,
        noise=noise_claim(models, name, contract),
    )


def _unique_columns(models: Models) -> dict[Table, frozenset[str]]:
    """By table the columns that dbt's tests hold to be unique."""
    found: dict[Table, set[str]] = {}
    for table, column in _tested_unique(models):
        found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _tested_unique(models: Models) -> Iterator[tuple[Table, str]]:
    for node in models.manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if node["resource_type"] == "test" and test.get("name") == "unique" and node.get("attached_node"):
            model = node["attached_node"].rsplit(".", 1)[-1]
            yield (models.node(model)["fqn"][1], model), str(node["column_name"])
