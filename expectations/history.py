"""The quality tables: every evaluation of every table, kept for good. Rows are added, never changed.

Q, the reports and the terminal read these tables, never the orchestrator's event log. They hold counts, rates and
places of failing rows, no value of the data.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from expectations.results import ExpectationResult, RowReference, gate_is_closed
from expectations.vector import PlatformMetrics, QualityVector
from expectations.waivers import Waiver
from pricing.quality import DIMENSIONS
from vault.append_only import never_changed
from vault.contract import Dimension
from vault.errors import JinkuError
from vault.moments import text_of

FILE_NAME = "quality.sqlite"
BUSY_SECONDS = 30
TREND_LENGTH = 1000
"""Most evaluations that one trend reads back."""

metadata = sa.MetaData()

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("evaluation_id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("batch_hash", sa.Text),
    sa.Column("evaluated_at", sa.Text, nullable=False),
    sa.Column("table_rows", sa.Integer),
    sa.Column("gate_closed", sa.Boolean, nullable=False),
    sa.Index("evaluations_by_asset", "asset", "evaluation_id"),
    sa.Index("evaluations_by_run", "run_id"),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("evaluation_id", sa.ForeignKey("evaluations.evaluation_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("expectation_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),
    sa.Column("dimension", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("element_count", sa.Integer),
    sa.Column("missing_count", sa.Integer),
    sa.Column("unexpected_count", sa.Integer),
    sa.Column("rate", sa.Float),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("observed", sa.Text),
    sa.Column("row_references", sa.Text, nullable=False),
)

vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("evaluation_id", sa.ForeignKey("evaluations.evaluation_id"), primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("beta_set", sa.Text, nullable=False),
    *(sa.Column(dimension, sa.Float) for dimension in DIMENSIONS),
    sa.Column("quality", sa.Float, nullable=False),
    *(sa.Column(field.name, sa.Integer, nullable=False) for field in fields(PlatformMetrics)),
)

waivers_applied = sa.Table(
    "waivers_applied",
    metadata,
    sa.Column("evaluation_id", sa.ForeignKey("evaluations.evaluation_id"), primary_key=True),
    sa.Column("dimension", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
)

never_changed(metadata, "quality history")


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of one table as it was recorded; vector is None where none was computed."""

    evaluation_id: int
    run_id: str
    asset: str
    evaluated_at: datetime
    gate_closed: bool
    results: tuple[ExpectationResult, ...]
    vector: QualityVector | None


@dataclass(frozen=True)
class TrendPoint:
    """Z and Q of one evaluation; scores holds None for a dimension that was waived."""

    evaluation_id: int
    run_id: str
    evaluated_at: datetime
    gate_closed: bool
    scores: Mapping[Dimension, float | None]
    quality: float | None


def open_history(folder: Path) -> sa.Engine:
    """The history in a folder, its tables made where they are not there yet. Safe for several processes.

    Raises JinkuError `history_unwritable` where the folder or file cannot be used.
    """
    path = folder / FILE_NAME
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _writing(engine).begin() as connection:
            metadata.create_all(connection)
    except (OSError, sa.exc.DBAPIError) as error:
        cause = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error)
        raise JinkuError(
            "history_unwritable",
            f"the quality history cannot be opened: {cause}",
            str(path),
            "Make the folder writable; no table passes its gate without a history.",
        ) from None
    return engine


def record(
    engine: sa.Engine,
    asset: str,
    run_id: str,
    evaluated_at: datetime,
    outcome: Sequence[ExpectationResult],
    vector: QualityVector | None = None,
) -> int:
    """Add one evaluation with its results and its vector, all or nothing; its number is returned.

    The same run may evaluate a table again: both attempts are kept, the later one counts.
    Raises ValueError where a result belongs to another asset or run.
    """
    if any((result.asset, result.run_id) != (asset, run_id) for result in outcome):
        raise ValueError("a result belongs to another asset or run")
    first = next(iter(outcome), None)
    with _writing(engine).begin() as connection:
        added = connection.execute(
            sa.insert(evaluations).values(
                run_id=run_id,
                asset=asset,
                batch_hash=first.batch_hash if first else None,
                evaluated_at=text_of(evaluated_at),
                table_rows=first.table_rows if first else None,
                gate_closed=gate_is_closed(outcome),
            )
        )
        (evaluation_id,) = added.inserted_primary_key or (0,)
        if outcome:
            rows = [_row_of(evaluation_id, position, each) for position, each in enumerate(outcome)]
            connection.execute(sa.insert(results), rows)
        if vector is not None:
            _add_vector(connection, evaluation_id, vector)
    return int(evaluation_id)


def latest(engine: sa.Engine, asset: str) -> Evaluation | None:
    """The last evaluation of a table, None where there was none."""
    return latest_of_all(engine, [asset]).get(asset)


def latest_of_all(engine: sa.Engine, assets: Iterable[str] | None = None) -> dict[str, Evaluation]:
    """The last evaluation of every table, or of those named, by asset."""
    last = sa.select(sa.func.max(evaluations.c.evaluation_id)).group_by(evaluations.c.asset)
    if assets is not None:
        last = last.where(evaluations.c.asset.in_(list(assets)))
    with engine.connect() as connection:
        heads = connection.execute(
            sa.select(evaluations).where(evaluations.c.evaluation_id.in_(last)).order_by(evaluations.c.asset)
        ).all()
        numbers = [head.evaluation_id for head in heads]
        of_heads = {head.evaluation_id: head for head in heads}
        found: dict[int, list[ExpectationResult]] = {number: [] for number in numbers}
        ordered = sa.select(results).where(results.c.evaluation_id.in_(numbers))
        for row in connection.execute(ordered.order_by(results.c.evaluation_id, results.c.position)).mappings():
            found[row["evaluation_id"]].append(_result_of(of_heads[row["evaluation_id"]], row))
        scored = connection.execute(sa.select(vectors).where(vectors.c.evaluation_id.in_(numbers))).mappings()
        waived = _waivers_of(connection, of_heads)
        of_number = {row["evaluation_id"]: _vector_of(row, waived.get(row["evaluation_id"], ())) for row in scored}
    return {
        head.asset: Evaluation(
            head.evaluation_id,
            head.run_id,
            head.asset,
            datetime.fromisoformat(head.evaluated_at),
            head.gate_closed,
            tuple(found[head.evaluation_id]),
            of_number.get(head.evaluation_id),
        )
        for head in heads
    }


def attempts(engine: sa.Engine, asset: str, since: datetime) -> tuple[tuple[datetime, bool], ...]:
    """When a table was to be evaluated since then, oldest first, and whether it could be read each time."""
    chosen = sa.select(evaluations.c.evaluated_at, evaluations.c.table_rows).where(
        evaluations.c.asset == asset, evaluations.c.evaluated_at >= text_of(since)
    )
    with engine.connect() as connection:
        found = connection.execute(chosen.order_by(evaluations.c.evaluation_id)).all()
    return tuple((datetime.fromisoformat(row.evaluated_at), row.table_rows is not None) for row in found)


def trend(engine: sa.Engine, asset: str, length: int = TREND_LENGTH) -> tuple[TrendPoint, ...]:
    """The last evaluations of a table, oldest first, at most `length`."""
    return trends(engine, [asset], length).get(asset, ())


def trends(
    engine: sa.Engine, assets: Iterable[str] | None = None, length: int = TREND_LENGTH
) -> dict[str, tuple[TrendPoint, ...]]:
    """The last evaluations of every table, or of those named, oldest first, in one read."""
    scores = [vectors.c[dimension] for dimension in DIMENSIONS]
    own = evaluations.c
    columns: list[Any] = [own.asset, own.evaluation_id, own.run_id, own.evaluated_at, own.gate_closed]
    since = _since(assets, length)
    recent = since.join(evaluations, sa.and_(own.asset == since.c.asset, own.evaluation_id >= since.c.first))
    joined = recent.outerjoin(vectors, own.evaluation_id == vectors.c.evaluation_id)
    statement = sa.select(*columns, vectors.c.quality, *scores).select_from(joined).order_by(own.evaluation_id)
    found: dict[str, list[TrendPoint]] = {}
    with engine.connect() as connection:
        for asset, number, run_id, evaluated_at, gate_closed, quality, *of_dimensions in connection.execute(statement):
            moment = datetime.fromisoformat(evaluated_at)
            z: dict[Any, float | None] = dict(zip(DIMENSIONS, of_dimensions, strict=True))
            found.setdefault(asset, []).append(TrendPoint(number, run_id, moment, gate_closed, z, quality))
    return {asset: tuple(points) for asset, points in found.items()}


def _since(assets: Iterable[str] | None, length: int) -> sa.Subquery:
    """The first of the last `length` evaluations of each table: the index finds it without reading the older ones."""
    tables = sa.select(evaluations.c.asset).distinct()
    if assets is not None:
        tables = tables.where(evaluations.c.asset.in_(list(assets)))
    known, each = tables.subquery(), evaluations.alias()
    last = sa.select(each.c.evaluation_id).where(each.c.asset == known.c.asset).order_by(each.c.evaluation_id.desc())
    first = last.limit(1).offset(length - 1).scalar_subquery()
    return sa.select(known.c.asset, sa.func.coalesce(first, 0).label("first")).subquery()


def _row_of(evaluation_id: int, position: int, result: ExpectationResult) -> dict[str, Any]:
    row = {column.name: getattr(result, column.name, None) for column in results.columns}
    references = json.dumps([[each.batch, each.row] for each in result.row_references])
    own = {"columns": json.dumps(result.columns), "row_references": references}
    return {**row, "evaluation_id": evaluation_id, "position": position, **own}


def _result_of(head: Any, row: sa.RowMapping) -> ExpectationResult:
    encoded = ("evaluation_id", "position", "columns", "row_references")
    own = {str(name): value for name, value in row.items() if name not in encoded}
    return ExpectationResult(
        run_id=head.run_id,
        asset=head.asset,
        batch_hash=head.batch_hash,
        table_rows=head.table_rows,
        columns=tuple(json.loads(row["columns"])),
        row_references=tuple(RowReference(batch, number) for batch, number in json.loads(row["row_references"])),
        **own,
    )


def _add_vector(connection: sa.Connection, evaluation_id: int, vector: QualityVector) -> None:
    connection.execute(
        sa.insert(vectors).values(
            evaluation_id=evaluation_id,
            mode=vector.mode,
            beta_set=vector.beta_set,
            quality=vector.quality,
            **{str(dimension): vector.scores.get(dimension) for dimension in DIMENSIONS},
            **asdict(vector.platform),
        )
    )
    for waiver in vector.waivers:
        connection.execute(
            sa.insert(waivers_applied).values(
                evaluation_id=evaluation_id,
                dimension=waiver.dimension,
                reason=waiver.reason,
                who=waiver.who,
                until=waiver.until.isoformat(),
            )
        )


def _vector_of(row: sa.RowMapping, waivers: tuple[Waiver, ...]) -> QualityVector:
    scores: dict[Dimension, float | None] = {dimension: row[dimension] for dimension in DIMENSIONS}
    platform = PlatformMetrics(**{field.name: row[field.name] for field in fields(PlatformMetrics)})
    return QualityVector(row["mode"], row["beta_set"], scores, row["quality"], waivers, platform)


def _waivers_of(connection: sa.Connection, of_heads: Mapping[int, Any]) -> dict[int, tuple[Waiver, ...]]:
    """The waivers that counted in each evaluation."""
    statement = sa.select(waivers_applied).where(waivers_applied.c.evaluation_id.in_(list(of_heads)))
    found: dict[int, tuple[Waiver, ...]] = {}
    for row in connection.execute(statement.order_by(waivers_applied.c.dimension)).mappings():
        number = row["evaluation_id"]
        waiver = Waiver(
            asset=of_heads[number].asset,
            dimension=row["dimension"],
            reason=row["reason"],
            who=row["who"],
            until=date.fromisoformat(row["until"]),
        )
        found[number] = (*found.get(number, ()), waiver)
    return found


def _writing(engine: sa.Engine) -> sa.Engine:
    """The engine, with transactions that take the write lock at once: two writers wait instead of failing."""
    return engine.execution_options(begins_with_write=True)


def _prepare_connection(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions in its own, later place
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = normal")
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    is_write = connection.get_execution_options().get("begins_with_write", False)
    connection.exec_driver_sql("begin immediate" if is_write else "begin")
