"""Embedding: one buyer's marked copy of a release, as a Parquet file in the order of the original.

A copy differs from the release in the chosen cells and rows alone: nulls stay null, columns keep their types, and what
is not marked is what it was. The same buyer gets the same copy again. Source: models §8.
"""

import errno
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from market_api.fingerprint.engine import parquet_sql, path_literal, text_literal
from market_api.fingerprint.keys import FingerprintKey, hmac_sql
from market_api.fingerprint.marks import DIGEST, MESSAGE, OF_BUYER, bit_of, is_chosen, is_omitted, level_of, row_message
from market_api.fingerprint.planning import ROWS_MIN, MarkedColumn, Plan
from vault.errors import JinkuError
from vault.sql_names import quoted_name

GROUP_ROWS_MIN, GROUP_ROWS_MAX, GROUP_BYTES = 2_048, 65_536, 16 << 20
"""Of the copy, about: what its writer holds at once, several times over."""

CHOSEN = '"#chosen"'


@dataclass(frozen=True)
class Copy:
    """A copy that was written. rows_omitted: those of the release that it lacks; not_traceable: why it is the release
    as it stands, without any mark; None where it is marked."""

    path: Path
    rows: int
    rows_omitted: int
    not_traceable: str | None

    @property
    def is_traceable(self) -> bool:
        """Whether it carries a fingerprint."""
        return self.not_traceable is None


def embed(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    target: Path,
    plan: Plan,
    key: FingerprintKey,
    buyer: str,
) -> Copy:
    """Write a buyer's copy of a release; it is there whole or not at all.

    files: the Parquet files of the release, in their order; buyer: the name under which the copy is to be traced.
    Raises JinkuError `copy_unwritable`, and ValueError for another component's key or a buyer without a name.
    """
    _check(plan, key, buyer)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        reason = plan.not_traceable or _reason_of_key(connection, files, plan)
        query = _plain_query(plan, parquet_sql(files)) if reason else marking_query(plan, parquet_sql(files))
        group_rows = _group_rows(connection, files)
        rows = _write(connection, query, draft, group_rows, {} if reason else _keys(key, buyer))
        draft.replace(target)
    except (duckdb.Error, OSError) as error:
        raise _unwritable(error, target) from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return Copy(target, rows, plan.rows - rows, reason)


def marking_query(plan: Plan, source: str) -> str:
    """The select that gives the rows of a copy. source: a table; the padded keys are its parameters.

    Each step computes what the next one needs several times; whatever only chosen rows need stands in a `case`.
    """
    rows = hmac_sql("$rows_inner", "$rows_outer", MESSAGE)
    of_buyer = f"case when {CHOSEN} then {hmac_sql('$buyer_inner', '$buyer_outer', MESSAGE)} end"
    keyed = f"select *, {row_message(plan.key)} as {MESSAGE} from {source}"
    digested = f"select *, {rows} as {DIGEST} from ({keyed})"
    chosen = f"select *, {is_chosen(DIGEST)} as {CHOSEN} from ({digested})"
    named = f"select *, {of_buyer} as {OF_BUYER} from ({chosen})"
    points = "".join(f", {_point(place, each)} as {_at(place)}" for place, each in enumerate(plan.marked))
    marked = {each.name: _marked(place, each) for place, each in enumerate(plan.marked)}
    told = ", ".join(marked.get(name, quoted_name(name)) for name in plan.columns)
    kept = f" where not ({CHOSEN} and {is_omitted(OF_BUYER)})" if plan.omits_rows else ""
    return f"select {told} from (select *{points} from ({named}){kept})"


def _plain_query(plan: Plan, source: str) -> str:
    return f"select {', '.join(map(quoted_name, plan.columns))} from {source}"


def _point(place: int, column: MarkedColumn) -> str:
    """The lattice point of a chosen cell."""
    lattice = column.lattice
    level, bit = level_of(DIGEST, place, lattice.levels), bit_of(OF_BUYER, place)
    return f"case when {CHOSEN} then {lattice.marked_sql(quoted_name(column.name), level, bit)} end"


def _marked(place: int, column: MarkedColumn) -> str:
    """A cell of the copy: its lattice point where that keeps to tolerance and bounds, else the value itself."""
    point, value = _at(place), quoted_name(column.name)
    holds = [CHOSEN, column.lattice.is_within_sql(point, value)]
    holds += [f"{point} > {column.lower:f}"] if column.lower is not None else []
    holds += [f"{point} < {column.upper:f}"] if column.upper is not None else []
    return f"case when {' and '.join(holds)} then {point} else {value} end as {value}"


def _at(place: int) -> str:
    return f'"#point_{place}"'


def _reason_of_key(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], plan: Plan) -> str | None:
    """A virtual key promises nothing, so it is looked at whether it tells rows enough apart."""
    if not plan.is_virtual:
        return None
    different = f"select distinct {row_message(plan.key)} from {parquet_sql(files)}"
    (keys,) = connection.execute(f"select count(*) from ({different})").fetchone() or (0,)
    if keys >= ROWS_MIN:
        return None
    return f"what stays the same of its rows tells {keys} apart, and fewer than {ROWS_MIN} cannot carry a fingerprint"


def _group_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """How many rows of the release fill a group."""
    counts = "sum(total_uncompressed_size), sum(row_group_num_rows) filter (where column_id = 0)"
    listed = ", ".join(map(path_literal, files))
    size, rows = connection.execute(f"select {counts} from parquet_metadata([{listed}])").fetchone() or (0, 0)
    return int(min(GROUP_ROWS_MAX, max(GROUP_ROWS_MIN, GROUP_BYTES * (rows or 0) // (size or 1))))


def _write(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, group_rows: int, parameters: dict[str, bytes]
) -> int:
    form = f"format parquet, compression zstd, row_group_size {group_rows}"
    done = connection.execute(f"copy ({query}) to {text_literal(str(path))} ({form})", parameters).fetchone()
    return int(done[0]) if done else 0


def _keys(key: FingerprintKey, buyer: str) -> dict[str, bytes]:
    rows, own = key.of_rows, key.of_buyer(buyer)
    return {
        "rows_inner": rows.inner,
        "rows_outer": rows.outer,
        "buyer_inner": own.inner,
        "buyer_outer": own.outer,
    }


def _check(plan: Plan, key: FingerprintKey, buyer: str) -> None:
    if key.component != plan.component:
        raise ValueError(f"the key is that of {key.component}, and the plan that of {plan.component}")
    if not buyer:
        raise ValueError("a copy is for somebody: the buyer has no name")


def _unwritable(error: Exception, path: Path) -> JinkuError:
    """What an engine says may hold a value, so only its kind is told."""
    is_full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
    cause = "no space is left" if is_full else type(error).__name__
    return JinkuError(
        "copy_unwritable",
        f"the copy cannot be written: {cause}",
        str(path),
        "See to the disk and to the files of the release (`jinku verify`), and deliver again.",
    )
