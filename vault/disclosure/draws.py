"""Noise that was drawn for a component: on record, once for what it was drawn from, and kept, so that it is never drawn
again for the same.

The budget is reserved, the noise drawn and kept beside the components, then spent and put on record in one transaction
with the black box. Where a process ends in between, the reservation stays and counts, and what was kept without a
record counts for nothing. Drawing twice for the same rows would let a reader average the noise away, at double the
loss; that rows are the same as before tells that nothing has changed below them. Source: models §7 (DP).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import duckdb
import ibis.expr.types as ir
import pyarrow as pa  # type: ignore[import-untyped]
import sqlalchemy as sa

from vault.black_box.recording import Record, recording
from vault.contract import ComponentContract, DifferentialPrivacy
from vault.disclosure.budgets import DELTA_PARTS, EPSILON_PARTS, PARTS, Loss, Query, commit, give_back, reserve
from vault.disclosure.noise import Cells, Range, noisy_counts, noisy_sums
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault
from vault.moments import text_of
from vault.registry.database import open_registry
from vault.registry.tables import METADATA
from vault.snapshot import snapshot_hash

MECHANISM = "discrete_laplace"
LAYER, SCHEMA = "components", "noise"
"""Where the noisy tables are kept: in the file of the components, so that one is put in place by one transaction."""

CONTRIBUTOR, VALUE = "contributor", "value"
CELLS_MAX = 100_000
EPSILON_STEP = Decimal("1e-9")
ACTOR = "jinku"

draws = sa.Table(
    "noise_draw",
    METADATA,
    sa.Column("draw_id", sa.Text, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("content_key", sa.Text, nullable=False),
    sa.Column("declared_hash", sa.Text, nullable=False),
    sa.Column("data_hash", sa.Text, nullable=False),
    sa.Column("mechanism", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("epsilon_micro", PARTS, nullable=False),
    sa.Column("delta_pico", PARTS, nullable=False),
    sa.Column("drawn_at", sa.Text, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.CheckConstraint("epsilon_micro > 0 and delta_pico >= 0", name="noise_draw_loses"),
    sa.Index("noise_draw_by_component", "component", "content_key"),
)


@dataclass(frozen=True)
class Figure:
    """A noisy column. contributions: a table of `contributor`, the columns of the grain and, for a sum, `value`;
    within: what one contributor may add to a sum; a count has none."""

    name: str
    contributions: ir.Table
    within: Range | None = None


@dataclass(frozen=True)
class NoiseRequest:
    """A component whose figures are to be noisy. sources: whose budgets it spends; cells: the rows that there are, from
    outside the data; columns: of the table, in their order."""

    component: str
    contract: ComponentContract
    sources: tuple[str, ...]
    cells: ir.Table
    figures: tuple[Figure, ...]
    columns: tuple[str, ...]

    @property
    def declared(self) -> DifferentialPrivacy:
        """What the contract claims. Raises ValueError where it claims nothing."""
        if self.contract.differential_privacy is None:
            raise ValueError(f"{self.component} claims no differential privacy")
        return self.contract.differential_privacy


@dataclass(frozen=True)
class Draw:
    """Noise on record. draw_id: also of what it spent; content_key: what it was drawn from and how; declared_hash: of
    the claim; data_hash: of the noisy table, as `vault.snapshot` has it; entry: of the black box."""

    draw_id: str
    component: str
    content_key: str
    declared_hash: str
    data_hash: str
    mechanism: str
    unit: str
    loss: Loss
    drawn_at: datetime
    entry: int


def declared_hash(contract: ComponentContract) -> str:
    """One hash of all that a contract says of its noise: the claim, and who contributes what."""
    return hashlib.sha256((contract.noise_claim or "").encode()).hexdigest()


def draw_for(
    vault: Vault,
    connection: duckdb.DuckDBPyConnection,
    request: NoiseRequest,
    limit: Loss,
    at: datetime,
    draw_id: str,
) -> Draw:
    """The noise of a component: as it was drawn before for exactly the same, else drawn now, within the budget.

    connection: with the components to be written and all that the request reads; limit: what a source and unit may
    lose in a year; draw_id: never used before, letters and digits. Nothing is put in place yet. Raises JinkuError
    `privacy_budget_spent`, `noise_unusable` where the cells are none to draw noise for, and as `recording` does.
    """
    content = _content_key(request)
    with open_registry(vault.home).begin() as registry:
        known = _drawn_from(registry, request.component, content)
    for each in known:
        if _is_kept(connection, each):
            return each
    _check_cells(request)
    draw = _Undrawn(vault, request, draw_id, at)
    draw.reserve(limit)
    try:
        data_hash = _keep(connection, draw_id, noisy_table(request))
    except Exception:
        draw.give_back()
        raise
    return draw.put_on_record(content, data_hash)


@dataclass(frozen=True)
class _Undrawn:
    """A draw on its way: what happens to its budget is in the black box, in the same transaction."""

    vault: Vault
    request: NoiseRequest
    draw_id: str
    at: datetime

    @property
    def loss(self) -> Loss:
        return Loss(self.request.declared.epsilon, self.request.declared.delta)

    def reserve(self, limit: Loss) -> None:
        request = self.request
        query = Query(self.draw_id, request.component, request.sources, request.declared.unit, self.loss)
        with recording(self.vault, self.at) as record:
            reserve(record.connection, query, limit, self.at)
            self._log(record, state="reserved")

    def give_back(self) -> None:
        with recording(self.vault, self.at) as record:
            give_back(record.connection, self.draw_id)
            self._log(record, state="given back")

    def put_on_record(self, content: str, data_hash: str) -> Draw:
        request = self.request
        with recording(self.vault, self.at) as record:
            commit(record.connection, self.draw_id)
            entry = self._log(record, state="drawn", data=data_hash)
            draw = Draw(
                self.draw_id,
                request.component,
                content,
                declared_hash(request.contract),
                data_hash,
                MECHANISM,
                request.declared.unit,
                self.loss,
                self.at,
                entry,
            )
            record.connection.execute(sa.insert(draws).values(**_row_of(draw)))
        return draw

    def _log(self, record: Record, **told: str) -> int:
        declared = self.request.declared
        payload = {
            "draw": self.draw_id,
            "epsilon": str(declared.epsilon),
            "delta": str(declared.delta),
            "unit": declared.unit,
            "sources": sorted(self.request.sources),
            **told,
        }
        return record.log("noise", self.request.component, payload, ACTOR)


def put_in_place(connection: duckdb.DuckDBPyConnection, draw: Draw) -> None:
    """Make the noisy table the component's, in one transaction; the earlier one stands until then."""
    connection.execute("begin")
    connection.execute(f"create schema if not exists {LAYER}.components")
    connection.execute(f"create or replace table {LAYER}.components.{draw.component} as from {_place(draw.draw_id)}")
    connection.execute("commit")


def draw_of(connection: sa.Connection, component: str, data_hash: str) -> Draw | None:
    """The draw that made exactly these rows of a component; None where none is on record."""
    same = sa.select(draws).where(draws.c.component == component, draws.c.data_hash == data_hash)
    row = connection.execute(same.order_by(draws.c.entry.desc()).limit(1)).mappings().first()
    return None if row is None else _draw(row)


def noisy_table(request: NoiseRequest) -> pa.Table:
    """The cells with every figure noisy. Epsilon is shared out evenly among the figures (sequential composition)."""
    declared, grain = request.declared, request.contract.grain
    epsilon = (declared.epsilon / len(request.figures)).quantize(EPSILON_STEP, ROUND_DOWN)
    cells = Cells(CONTRIBUTOR, tuple(grain), request.cells, declared.cells_per_unit)
    table = request.cells.order_by(list(grain)).to_pyarrow()
    for figure in request.figures:
        if figure.within is None:
            noisy, name = noisy_counts(figure.contributions, cells, epsilon), "count"
        else:
            noisy, name = noisy_sums(figure.contributions, cells, VALUE, figure.within, epsilon), "sum"
        if not noisy.select(list(grain)).equals(table.select(list(grain))):
            raise AssertionError("the noisy cells are not those that were asked for")
        table = table.append_column(figure.name, noisy[name].cast(_type_of(request.contract, figure.name)))
    return table.select(list(request.columns))


def _type_of(contract: ComponentContract, name: str) -> pa.DataType:
    (kind,) = [column.logical_type for column in contract.columns if column.name == name]
    return pa.int64() if kind == "integer" else pa.float64()


def _content_key(request: NoiseRequest) -> str:
    """Changes with everything that the noisy table rests on but chance."""
    parts = [declared_hash(request.contract), MECHANISM, *sorted(request.sources), *request.columns]
    parts += [snapshot_hash(request.cells)]
    parts += [f"{each.name} {snapshot_hash(each.contributions)}" for each in request.figures]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _check_cells(request: NoiseRequest) -> None:
    """The cells are some, not too many, and each stands there once."""
    cells, grain = request.cells, list(request.contract.grain)
    number = int(cells.count().to_pyarrow().as_py())
    different = int(cells.select(*grain).distinct().count().to_pyarrow().as_py())
    fault = None
    if not 0 < number <= CELLS_MAX:
        fault = f"'cells' gives {number} rows, and it must be 1 to {CELLS_MAX}"
    elif different < number:
        fault = f"'cells' gives {number - different} rows twice"
    if fault:
        raise noise_unusable(request.component, fault)


def noise_unusable(component: str, cause: str) -> JinkuError:
    """The refusal of noise that cannot be drawn as it is declared; nothing was spent and nothing was changed."""
    return JinkuError(
        "noise_unusable",
        f"the noise that the contract declares cannot be drawn, so the table stays as it was: {cause}",
        f"assets/components/{component}/defs.yaml",
        "Correct `contributions` and `differentialPrivacy` there, or the model.",
    )


def _keep(connection: duckdb.DuckDBPyConnection, draw_id: str, table: pa.Table) -> str:
    """Keep a noisy table; gives its hash."""
    connection.register("noisy", table)
    try:
        connection.execute(f"create schema if not exists {LAYER}.{SCHEMA}")
        connection.execute(f"create table {_place(draw_id)} as from noisy")
    finally:
        connection.unregister("noisy")
    return snapshot_hash(ibis_table(connection, LAYER, SCHEMA, _name(draw_id)))


def _is_kept(connection: duckdb.DuckDBPyConnection, draw: Draw) -> bool:
    """Whether the noisy table of a draw is there as it was recorded."""
    there = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
        [LAYER, SCHEMA, _name(draw.draw_id)],
    ).fetchone()
    return bool(there) and snapshot_hash(ibis_table(connection, LAYER, SCHEMA, _name(draw.draw_id))) == draw.data_hash


def _name(draw_id: str) -> str:
    return f"draw_{draw_id}"


def _place(draw_id: str) -> str:
    return f"{LAYER}.{SCHEMA}.{_name(draw_id)}"


def _drawn_from(connection: sa.Connection, component: str, content: str) -> tuple[Draw, ...]:
    """The draws of exactly this content, the last one first."""
    same = sa.select(draws).where(draws.c.component == component, draws.c.content_key == content)
    return tuple(_draw(row) for row in connection.execute(same.order_by(draws.c.entry.desc())).mappings())


def _row_of(draw: Draw) -> dict[str, Any]:
    return {
        "draw_id": draw.draw_id,
        "component": draw.component,
        "content_key": draw.content_key,
        "declared_hash": draw.declared_hash,
        "data_hash": draw.data_hash,
        "mechanism": draw.mechanism,
        "unit": draw.unit,
        "epsilon_micro": draw.loss.epsilon_micro,
        "delta_pico": draw.loss.delta_pico,
        "drawn_at": text_of(draw.drawn_at),
        "entry": draw.entry,
    }


def _draw(row: Mapping[Any, Any]) -> Draw:
    loss = Loss(Decimal(row["epsilon_micro"]) / EPSILON_PARTS, Decimal(row["delta_pico"]) / DELTA_PARTS)
    kept = {name: row[name] for name in row if name not in ("epsilon_micro", "delta_pico", "drawn_at")}
    return Draw(**kept, loss=loss, drawn_at=datetime.fromisoformat(row["drawn_at"]))
