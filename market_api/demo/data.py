"""Pulling with the public client, the marks in what is pulled, a leak, and whose copy it was."""

import logging
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from market_api.client import Market
from market_api.delivery.tracing import Trace, trace
from market_api.demo.cast import Cast
from market_api.demo.goods import Goods
from market_api.demo.stage import Stage
from market_api.demo.telling import figures, heading, must, tell
from market_api.fingerprint.detecting import Evidence
from market_api.fingerprint.engine import parquet_sql, path_literal
from vault.sql_names import quoted_name

SEED = 20261127
KEPT = 0.6
"""Which part of the rows the leak keeps."""
NOISE_OF_TOLERANCE = Decimal("0.1")
"""How far the leak's first marked column is moved at most."""


@dataclass(frozen=True)
class _Noise:
    """Which column has it, and how much at most."""

    column: str
    most: Decimal


def pulled(stage: Stage, cast: Cast, goods: Goods) -> Path:
    """Both buyers' copies, one with the unmodified Delta Sharing client; gives where that one lies."""
    heading("5  Pulling the data", stage.clock())
    first, second = stage.folder / "navigation.parquet", stage.folder / "logistics.parquet"
    count = _pulled_by_public_client(cast.navigation.market, goods, stage.folder / "navigation.share", first)
    tell(f"{cast.navigation.name} pulls with the public client: delta_sharing.load_as_pandas gives {count:,} rows.")
    cast.logistics.market.pull(goods.component, second)
    tell(f"{cast.logistics.name} pulls the same as one Parquet file of {second.stat().st_size:,} bytes over HTTP.")
    entitled = next(cast.navigation.market.entitlements())
    must(entitled.pulls_used == 1, f"one pull was counted {entitled.pulls_used} times")
    tell(f"One pull was counted, {entitled.pulls_left} are left until {entitled.valid_until[:10]}.")
    _compare(goods, first, second)
    return first


def leaked(stage: Stage, cast: Cast, goods: Goods, copy: Path) -> None:
    """A copy that turns up elsewhere, damaged, and is traced to whom it was delivered."""
    heading("6  A leak, and whose copy it was", stage.clock())
    leak = stage.folder / "found-on-the-net.csv"
    with duckdb.connect() as connection:
        noise = _damage(connection, goods, copy, leak)
        (kept,) = connection.execute(f"select count(*) from read_csv({path_literal(leak)})").fetchone() or (0,)
    tell(
        f"A file turns up: {kept:,} rows in another order, two of five are missing, columns stand elsewhere, and "
        f"{noise.column} has noise of up to ±{noise.most}."
    )
    scratch = stage.folder / "trace"
    scratch.mkdir()
    found = trace(stage.market, leak, scratch)
    must(found.outcome == "traced", f"the leak was not traced: {found.reason}")
    must([each.buyer for each in found.accused] == [cast.navigation.participant_id], "somebody else was accused")
    figures(*(_line(found, each) for each in found.verdict.evidence))
    tell("The market says so by a key that it alone has; that it was traced stands in its black box (黑匣子).")


def _pulled_by_public_client(market: Market, goods: Goods, profile: Path, target: Path) -> int:
    import delta_sharing  # type: ignore[import-untyped]  # it takes a second to import

    logging.getLogger("delta_sharing").setLevel(logging.ERROR)
    market.profile(profile)
    tables = delta_sharing.SharingClient(str(profile)).list_all_tables()
    table = next(each for each in tables if each.name == goods.component)
    frame = delta_sharing.load_as_pandas(f"{profile}#{table.share}.{table.schema}.{table.name}")
    frame.to_parquet(target)
    return len(frame)


def _compare(goods: Goods, first: Path, second: Path) -> None:
    """What the copies differ in: marks within the tolerance that the contract declares, and nothing else."""
    names = [each.name for each in goods.plan.marked]
    key = ", ".join(quoted_name(each.name) for each in goods.plan.key)
    marked = [quoted_name(name) for name in names]
    differs = ", ".join(f"count(*) filter (where a.{name} is distinct from b.{name})" for name in marked)
    most = ", ".join(f"max(abs(a.{name} - b.{name}))::double" for name in marked)
    query = (
        f"select count(*), {differs}, {most} from {parquet_sql([first])} a join {parquet_sql([second])} b using ({key})"
    )
    with duckdb.connect() as connection:
        joined, *found = connection.execute(query).fetchone() or (0,)
    counts, largest = found[: len(names)], found[len(names) :]
    must(joined > 0 and sum(counts) > 0, "two buyers received the same copy")
    tell("The copies tell the same, and are not the same: each has its buyer's marks, within what the contract allows.")
    figures(
        *(
            (name, f"{count:,}", f"cells differ, by {most:.3g} at most")
            for name, count, most in zip(names, counts, largest, strict=True)
        )
    )


def _damage(connection: duckdb.DuckDBPyConnection, goods: Goods, copy: Path, leak: Path) -> _Noise:
    """Leave rows out, add noise, put rows and columns into another order; the same each time."""
    first = goods.plan.marked[0]
    noise = _Noise(first.name, (first.lattice.tolerance * NOISE_OF_TOLERANCE).normalize())
    name = quoted_name(first.name)
    moved = f"{name}::double + (random() - 0.5) * {2 * noise.most:f}"
    connection.execute(f"select setseed({(SEED % 1000) / 1000})")
    connection.execute("set threads = 1")
    connection.execute(
        f"copy (select {moved} as {name}, * exclude ({name}) from {parquet_sql([copy])} "
        f"where random() < {KEPT} order by random()) to {path_literal(leak)} (header)"
    )
    return noise


def _line(found: Trace, each: Evidence) -> tuple[str, str, str]:
    marks = f"{each.bits.matches:,} of {each.bits.marks:,} marks" if each.bits is not None else "no marks"
    is_accused = each in found.accused
    told = f"p = {found.p(each)}" + (": it is this copy" if is_accused else ": chance alone does as much")
    return found.receivers[each.buyer].registered_name, marks, told
