"""Small releases with their datasheets, copies of them, and what a leak makes of a copy."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from market_api.fingerprint.detecting import Verdict, detect
from market_api.fingerprint.embedding import Copy, embed
from market_api.fingerprint.engine import engine
from market_api.fingerprint.keys import FingerprintKey, fingerprint_key
from market_api.fingerprint.planning import Plan, plan
from review.result.review import CHECKS
from tests.builders import column
from vault.contract import ComponentContract
from vault.releases.datasheet import public_contract

SECRET = bytes(range(32))
BUYERS = tuple(f"participant-{number}" for number in range(30))
CULPRIT = BUYERS[7]
TOLERANCE = 0.8
"""δ = 0.1 at four levels."""


@dataclass(frozen=True)
class Release:
    """A release on a disk: its datasheet and its files."""

    document: Mapping[str, Any]
    files: tuple[Path, ...]

    @property
    def plan(self) -> Plan:
        return plan(self.document)

    @property
    def key(self) -> FingerprintKey:
        return fingerprint_key(SECRET, self.document["component"])


@contextmanager
def connected(folder: Path, memory_bytes_max: int = 1 << 30) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(folder / "scratch", memory_bytes_max) as connection:
        yield connection


def contract(*columns: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The public part of a contract, as a datasheet holds it."""
    fingerprint = changes.pop("fingerprint", None)
    attributes = {
        "title": {"en": "Readings", "zh": "读数"},
        "description": "Readings of sensors.",
        "applicationField": "livelihood",
        "form": "standard",
        "subject": "object",
        "grain": [columns[0]["name"]],
        "columns": list(columns),
        "purpose": "Planning",
        "permittedUses": ["planning"],
        "refreshPeriod": "yearly",
        "cost": {"developmentFen": 1},
        "pricing": {},
        "owner": "team:water",
        "provider": "City data vault",
        "rights": {"holding": "a", "processing": "b"},
        "minimumGroup": 11,
    }
    told = public_contract(ComponentContract.model_validate({**attributes, **changes}))
    return told if fingerprint is None else {**told, "fingerprint": fingerprint}


def datasheet(public: Mapping[str, Any], rows: int, types: Mapping[str, str], **review: Any) -> dict[str, Any]:
    """As much of a datasheet as fingerprints rest on. types: of the columns."""
    return {
        "component": "sensor_readings",
        "release": "sensor_readings@1",
        "tier": public["releaseTier"],
        "contract": public,
        "table": {"rows": rows, "columns": [{"name": name, "type": kind} for name, kind in types.items()]},
        "review": {
            "security": 1,
            "smallest_group": None,
            "checks": [{"check": each, "part": "result", "outcome": "pass", "reason": "it passed"} for each in CHECKS],
            **review,
        },
    }


def release(folder: Path, public: Mapping[str, Any], table: pa.Table, **review: Any) -> Release:
    """A release of two files, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    half = table.num_rows // 2
    files = (folder / "part-0.parquet", folder / "part-1.parquet")
    for path, part in zip(files, (table.slice(0, half), table.slice(half)), strict=True):
        pq.write_table(part, path)
    types = {name: str(kind) for name, kind in ibis.memtable(table).schema().items()}
    document = datasheet(public, table.num_rows, types, **review)
    for each in document["table"]["columns"]:
        each["nulls"] = table[each["name"]].null_count
    return Release(document, files)


READING = column("reading", logicalType="number", role="measure", unit="ug/m3")
SENSOR = column("sensor", logicalType="integer")


def readings(folder: Path, rows: int = 50_000, **changes: Any) -> Release:
    """Readings of a deviation of 50 and one decimal, as in models §8; `note` is text that nothing touches."""
    random = np.random.default_rng(7)
    table = pa.table(
        {
            "sensor": pa.array(random.permutation(rows * 3)[:rows]),
            "reading": pa.array(random.normal(200, 50, rows).round(1), mask=random.random(rows) < 0.01),
            "note": pa.array([f"note {number % 97}" for number in range(rows)]),
        }
    )
    fingerprint = changes.pop("fingerprint", {"tolerance": {"reading": TOLERANCE}})
    return release(folder, contract(SENSOR, READING, column("note"), fingerprint=fingerprint, **changes), table)


def copy_for(connection: duckdb.DuckDBPyConnection, of: Release, folder: Path, buyer: str = CULPRIT) -> Copy:
    return embed(connection, of.files, folder / f"{buyer}.parquet", of.plan, of.key, buyer)


def table_of(*files: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in files])


def leaked(folder: Path, table: pa.Table) -> Path:
    """A table as somebody would put it up, its rows in another order."""
    shuffled = table.take(np.random.default_rng(11).permutation(table.num_rows))
    pq.write_table(shuffled, folder / "leak.parquet")
    return folder / "leak.parquet"


def with_values(table: pa.Table, name: str, values: Any) -> pa.Table:
    """A table with other values of one column; nulls stay."""
    own = pa.array(values, mask=np.asarray(table[name].is_null()))
    return table.set_column(table.column_names.index(name), name, own)


def traced(
    connection: duckdb.DuckDBPyConnection,
    leak: Path,
    of: Release,
    buyers: Sequence[str] = BUYERS,
    original: bool = True,
) -> Verdict:
    return detect(connection, leak, of.plan, of.key, buyers, of.files if original else ())


def names_of(verdict: Verdict) -> set[str]:
    """Who is accused."""
    return {each.buyer for each in verdict.accused}
