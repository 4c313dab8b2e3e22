"""`jinku anonymise`: how coarse a component must be to keep its persons hidden, as a model to review."""

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from orchestration.declarations import PROJECT, declarations
from orchestration.names import named
from review.anonymisation.finding import anonymised
from review.anonymisation.losses import LOSSES
from review.anonymisation.model_sql import MARK
from review.anonymisation.plan import plan_of, section_of
from review.anonymisation.target import Target
from review.policy import policy_from
from review.result.thresholds import thresholds_for
from vault.contract import ComponentContract
from vault.errors import JinkuError
from vault.home import home_from, settings_from
from vault.layers import connect, open_vault


def anonymise(console: Console, name: str, loss: str, write: bool) -> None:
    """Print the model, or write it, with what was found beside it.

    Raises JinkuError `unknown_name`, `unknown_kind` for a loss that is none, `name_taken` where a person wrote the
    model, `not_built`, `anonymise_section`, `hierarchy_invalid`, `lattice_too_large`,
    `no_generalisation`, and `policy_unusable` without the thresholds of the review.
    """
    if loss not in LOSSES:
        raise JinkuError("unknown_kind", f"'{loss}' is no loss", "command line", f"Say {', '.join(LOSSES)}.")
    components = declarations().components
    contract = components[named("component", name, components)]
    path = PROJECT / "dbt_project" / "models" / "components" / f"{name}.sql"
    if write:
        _refuse_written_by_hand(path)
    table = section_of(name, contract).table
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    with connect(vault, read=("warehouse",)) as connection:
        types = dict(
            connection.execute(
                "select column_name, data_type from duckdb_columns() "
                "where database_name = 'warehouse' and schema_name = 'resource' and table_name = ?",
                [table],
            ).fetchall()
        )
        if not types:
            raise JinkuError("not_built", f"resource/{table} is not built", "vault", "Run `make run` first.")
        plan = plan_of(name, contract, types, PROJECT / "assets" / "components" / name, PROJECT)
        found = anonymised(connection, f"warehouse.resource.{table}", plan, _target(contract), loss)
    if not write:
        print(found.sql, end="")
        return
    path.write_text(found.sql, encoding="utf-8")
    for line in found.words:
        console.print(escape(line))
    console.print(f"wrote {path.relative_to(PROJECT)}; review it, then `make run`")


def _refuse_written_by_hand(path: Path) -> None:
    if path.exists() and MARK not in path.read_text(encoding="utf-8")[:200]:
        raise JinkuError(
            "name_taken",
            "the model was written by a person",
            str(path.relative_to(PROJECT)),
            "Move it away first, or print the new one without --write.",
        )


def _target(contract: ComponentContract) -> Target:
    """What the review will ask for at the contract's tier, and the contract's own minimum."""
    section = contract.anonymise
    asked = thresholds_for(policy_from().result, contract.release_tier)
    return Target(
        k=max(asked.k, asked.risk_one_in, contract.minimum_group),
        distinct_l=asked.l_distinct,
        entropy_l=float(asked.l_entropy),
        t=float(asked.t),
        inference_advantage_max=float(asked.inference_advantage_max),
        suppression_limit=0.0 if section is None else section.suppression_limit,
    )
