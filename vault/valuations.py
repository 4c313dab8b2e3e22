"""The valuations of components, kept for good: every price with all it was made of. Rows are added, never changed.

A record names the component's contract and model, the data it was measured on and the parameter set, each by hash, and
holds the facts, the parameters and every step as a document, so that anyone can recompute it
(`pricing.price_record.recomputed`). It holds figures and names of columns, no value of the data.
Source: models, introduction (ValuationRecord).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vault.append_only import cause_of, for_reading, for_writing, never_changed, storage_failure
from vault.errors import JinkuError
from vault.moments import text_of

FILE_NAME = "valuations.sqlite"

metadata = sa.MetaData()

valuations = sa.Table(
    "valuations",
    metadata,
    sa.Column("valuation_id", sa.Integer, primary_key=True),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("valued_at", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("component_hash", sa.Text, nullable=False),
    sa.Column("snapshot_hash", sa.Text, nullable=False),
    sa.Column("parameter_hash", sa.Text, nullable=False),
    sa.Column("volume", sa.Float, nullable=False),
    sa.Column("quality", sa.Float, nullable=False),
    sa.Column("entropy_bits", sa.Float, nullable=False),
    sa.Column("density", sa.Float, nullable=False),
    sa.Column("value_index", sa.Float, nullable=False),
    sa.Column("negotiated_fen", sa.Integer, nullable=False),
    sa.Column("guide_fen", sa.Integer),
    sa.Column("is_published", sa.Boolean, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("valuations_by_component", "component", "valuation_id"),
)

never_changed(metadata, "a valuation")


@dataclass(frozen=True)
class Valuation:
    """One valuation of one component. valuation_id is 0 until it is recorded.

    document: facts, parameters, price, measures, sources, epoch and flags as plain values; is_published: whether the
    security review has let the price out, which a valuation alone never does.
    """

    component: str
    run_id: str
    valued_at: datetime
    epoch: str
    document: Mapping[str, Any]
    is_published: bool = False
    valuation_id: int = 0

    @property
    def price(self) -> Mapping[str, Any]:
        """The steps of the price: `valuation`, `negotiated` and `guided`, None where there is no guide price."""
        price: Mapping[str, Any] = self.document["price"]
        return price

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before the price is relied on."""
        return tuple(self.document["flags"])


def record(folder: Path, valuation: Valuation) -> Valuation:
    """Add a valuation to the store in a folder; gives it back with its number. Safe for several processes.

    Raises JinkuError `valuations_unusable`, `disk_full` or `home_unwritable`, and ValueError for a time without a zone.
    """
    value, guided = valuation.price["valuation"], valuation.price["guided"]
    row = {
        "component": valuation.component,
        "run_id": valuation.run_id,
        "valued_at": text_of(valuation.valued_at),
        "epoch": valuation.epoch,
        **{name: value[name] for name in ("component_hash", "snapshot_hash", "parameter_hash")},
        **{name: value[name] for name in ("volume", "quality", "entropy_bits", "density", "value_index")},
        "negotiated_fen": valuation.price["negotiated"]["listed_fen"],
        "guide_fen": None if guided is None else guided["listed_fen"],
        "is_published": valuation.is_published,
        "document": json.dumps(valuation.document, ensure_ascii=False, allow_nan=False),
    }
    try:
        with for_writing(folder / FILE_NAME, metadata).begin() as connection:
            added = connection.execute(sa.insert(valuations).values(**row))
            (number,) = added.inserted_primary_key or (0,)
    except (OSError, sa.exc.DBAPIError) as error:
        raise _unusable(error, folder / FILE_NAME) from None
    return Valuation(
        valuation.component,
        valuation.run_id,
        valuation.valued_at,
        valuation.epoch,
        valuation.document,
        valuation.is_published,
        int(number),
    )


def latest_valuations(folder: Path) -> dict[str, Valuation]:
    """The last valuation of every component, by name; empty where nothing was valued yet. No lock is taken.

    Raises JinkuError `valuations_unusable`.
    """
    last = sa.select(sa.func.max(valuations.c.valuation_id)).group_by(valuations.c.component)
    statement = sa.select(valuations).where(valuations.c.valuation_id.in_(last)).order_by(valuations.c.component)
    return {each.component: each for each in _read(folder, statement)}


def valuations_of(folder: Path, component: str, most: int = 1000) -> tuple[Valuation, ...]:
    """The last valuations of a component, oldest first. Raises JinkuError `valuations_unusable`."""
    statement = (
        sa.select(valuations)
        .where(valuations.c.component == component)
        .order_by(valuations.c.valuation_id.desc())
        .limit(most)
    )
    return tuple(reversed(_read(folder, statement)))


def _read(folder: Path, statement: sa.Select[Any]) -> list[Valuation]:
    path = folder / FILE_NAME
    if not path.exists():
        return []
    try:
        with for_reading(path).begin() as connection:
            return [_valuation(row) for row in connection.execute(statement).mappings()]
    except sa.exc.DBAPIError as error:
        raise _unusable(error, path) from None


def _valuation(row: Mapping[Any, Any]) -> Valuation:
    return Valuation(
        row["component"],
        row["run_id"],
        datetime.fromisoformat(row["valued_at"]),
        row["epoch"],
        json.loads(row["document"]),
        row["is_published"],
        row["valuation_id"],
    )


def _unusable(error: Exception, path: Path) -> JinkuError:
    return storage_failure(error, path) or JinkuError(
        "valuations_unusable",
        f"the valuations cannot be used: {cause_of(error)}",
        str(path),
        "Free space or restore the file from your backup; a price without its record is none.",
    )
