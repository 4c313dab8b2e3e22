"""Components whose contract claims noise: dbt compiles and tests them, and in between their rows are drawn here.

What the model's SQL gives is exact, so it is never a table of the vault: it lies in a temporary one, to be held against
the contributions that the contract names, and the noise is drawn from these. What comes out is put in place as the
component before anything else looks at it. Where it cannot be drawn, the earlier table stays as it was.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa  # type: ignore[import-untyped]
from ibis.backends.sql import SQLBackend
from ibis.common.exceptions import IbisError

from orchestration.dbt import REFUSED, NodeResult
from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS
from orchestration.security.compiled import model_under_review, statements_below
from orchestration.security.contributions import contribution_queries, noise_claim, sources_of_unit
from orchestration.security.queries import contract_query
from review.model.contributions import noise_faults
from review.model.under_review import Table
from review.policy import Policy
from review.result.agreement import cells_apart
from review.result.thresholds import Thresholds, thresholds_for
from vault.disclosure.budgets import Loss
from vault.disclosure.draws import Figure, NoiseRequest, draw_for, noise_unusable, put_in_place
from vault.disclosure.noise import Range
from vault.errors import JinkuError
from vault.ibis_tables import stored_query
from vault.layers import Vault, connect

REFUSALS = frozenset({"noise_unusable", "privacy_budget_spent"})


@dataclass(frozen=True)
class Drawing:
    """What noise is drawn with. policy: of the review, for what may be lost; at: the time of the draw."""

    vault: Vault
    models: Models
    policy: Policy
    at: datetime


def drawn(drawing: Drawing, compiled: Sequence[NodeResult]) -> tuple[NodeResult, ...]:
    """Put the noisy rows of each compiled model in place; what may not be drawn is refused, with the cause.

    Raises JinkuError where the vault, its layers or its black box cannot be used.
    """
    return tuple(_drawn(drawing, result) if result.status == "success" else result for result in compiled)


def _drawn(drawing: Drawing, compiled: NodeResult) -> NodeResult:
    started = time.monotonic()
    try:
        draw_component(drawing, compiled.name, compiled.compiled_code)
    except JinkuError as error:
        if error.code not in REFUSALS:
            raise
        return replace(compiled, status=REFUSED, message=str(error))
    return replace(compiled, seconds=compiled.seconds + time.monotonic() - started)


def draw_component(drawing: Drawing, name: str, sql: str) -> None:
    """Draw the noise of one component, or take what was drawn for the same, and put it in place.

    sql: its compiled model. Raises JinkuError `noise_unusable`, `privacy_budget_spent`, and as `recording` and the
    layers do.
    """
    vault, contract = drawing.vault, drawing.models.known.components[name]
    thresholds = thresholds_for(drawing.policy.result, contract.release_tier)
    statements = {**statements_below(vault.home, drawing.models, name), (COMPONENTS.name, name): sql}
    _check_claim(drawing.models, name, statements, thresholds)
    limit = Loss(thresholds.epsilon_per_source_year, thresholds.delta_max)
    with (
        connect(vault, write=COMPONENTS.database, read=("raw", "warehouse")) as connection,
        ExitStack() as kept,
    ):
        try:
            request = _request(drawing.models, connection, kept, name)
            _check_agreement(request, kept.enter_context(stored_query(_backend(connection), sql)))
        except (duckdb.Error, IbisError) as error:
            raise noise_unusable(name, f"a query of it failed ({type(error).__name__})") from None
        try:
            draw = draw_for(vault, connection, request, limit, drawing.at, uuid.uuid4().hex)
        except (duckdb.Error, IbisError, pa.ArrowException) as error:  # what was reserved for it is given back
            raise noise_unusable(name, f"drawing it failed ({type(error).__name__})") from None
        put_in_place(connection, draw)


def _check_claim(models: Models, name: str, statements: Mapping[Table, str], thresholds: Thresholds) -> None:
    """What can be said against the claim before anything is read or spent."""
    contract = models.known.components[name]
    claim, noise = contract.differential_privacy, noise_claim(models, name, contract)
    if claim is None or noise is None:
        raise noise_unusable(name, "it claims none")
    queries = contribution_queries(models, name, contract)
    cells = contract_query(models, name, claim.cells, own_rows=False)
    faults = [f"contributions to {figure}: {fault}" for figure, query in queries.items() for fault in query.faults]
    faults += [f"cells: {fault}" for fault in cells.faults]
    faults = faults or noise_faults(model_under_review(models, name, statements), noise)
    if claim.epsilon > thresholds.epsilon_per_component:
        faults.append(f"epsilon {claim.epsilon} is more than the {thresholds.epsilon_per_component} of a component")
    if claim.delta > thresholds.delta_max:
        faults.append(f"delta {claim.delta} is more than {thresholds.delta_max}")
    if not sources_of_unit(models, name, claim.unit):
        faults.append(f"no source below it speaks of any {claim.unit}")
    if faults:
        raise noise_unusable(name, "; ".join(faults))


def _request(models: Models, connection: duckdb.DuckDBPyConnection, kept: ExitStack, name: str) -> NoiseRequest:
    """What the contract asks for, its queries run once and kept for as long as they are needed."""
    contract, backend = models.known.components[name], _backend(connection)
    claim = contract.differential_privacy
    assert claim is not None
    cells = contract_query(models, name, claim.cells, own_rows=False)
    figures = []
    for figure, query in contribution_queries(models, name, contract).items():
        bounds = contract.contributions[figure].bounds
        is_count = contract.contributions[figure].aggregate == "count"
        within = None if is_count or bounds is None else Range(bounds.low, bounds.high, bounds.step)
        figures.append(Figure(figure, kept.enter_context(stored_query(backend, query.statement)), within))
    return NoiseRequest(
        name,
        contract,
        sources_of_unit(models, name, claim.unit),
        kept.enter_context(stored_query(backend, cells.statement)),
        tuple(figures),
        tuple(column.name for column in contract.columns),
    )


def _check_agreement(request: NoiseRequest, exact: ir.Table) -> None:
    """The model gives of each cell what the contributions to it make: else another figure would leave than was
    reviewed. Cells that are not among the declared ones stay in the vault."""
    grain, contributions = request.contract.grain, request.contract.contributions
    known = request.cells.select(*grain).distinct()
    told = exact.select(**{f"told_{name}": exact[name] for name in exact.columns})
    beside = known.left_join(told, [known[name].identical_to(told[f"told_{name}"]) for name in grain])
    for figure in request.figures:
        cells = beside.select(*grain, **{figure.name: beside[f"told_{figure.name}"]})
        apart = cells_apart(cells, grain, figure.name, figure.contributions, contributions[figure.name].aggregate)
        if apart:
            raise noise_unusable(
                request.component, f"in {apart} rows the model's {figure.name} is not what its contributions make"
            )


def _backend(connection: duckdb.DuckDBPyConnection) -> SQLBackend:
    connection.execute("set enable_progress_bar = false")
    return ibis.duckdb.from_connection(connection)
