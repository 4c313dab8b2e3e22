"""The SQL a component was made by: its own model's and that of every model below it, as dbt compiled it."""

from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.dbt_assets import MODEL_HASH, Models, hash_of_sql
from orchestration.roles import raw_roles
from orchestration.subjects import models_below
from review.model.under_review import ModelUnderReview, NoiseClaim, Table
from vault.contract import ComponentContract
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
        layer = node["fqn"][1]
        path = home.dbt / "target" / "compiled" / "jinku" / node["original_file_path"]
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
        noise=_noise_of(contract),
    )


def _noise_of(contract: ComponentContract) -> NoiseClaim | None:
    claim = contract.differential_privacy
    if claim is None:
        return None
    return NoiseClaim("discrete_laplace", float(claim.epsilon), float(claim.delta), claim.unit)


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
