"""Samples of a table by a keyed digest: the same rows for the same seed, whatever their order. Source: models §2.4."""

import hashlib
import math
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from vault.contract import Column

DIGEST_DIGITS = 15
SEPARATOR = "|"


def drawn(table: ir.Table, columns: Sequence[Column], share: float, seed: str) -> ir.BooleanValue:
    """Whether a row is drawn: the SHA-256 of the seed and of what the row holds lies in the first `share` of all.

    Each row is drawn with probability share in (0, 1], rows alike together; a smaller share draws some of the rows that
    a larger one does. What a row holds is its primary key where the columns declare one, else all of them, in the
    order of their names: a key is cheaper, and prints the same on every engine where a double need not.
    Source: models §2.4.
    """
    keys = [column for column in columns if column.primary_key] or list(columns)
    parts = [table[name].cast("string").fill_null("") for name in sorted(column.name for column in keys)]
    digest = ibis.literal(SEPARATOR).join([ibis.literal(seed), *parts]).hexdigest("sha256")
    first_outside = int(share * 16**DIGEST_DIGITS)
    if first_outside >= 16**DIGEST_DIGITS:
        return ibis.literal(True)
    return digest < f"{first_outside:0{DIGEST_DIGITS}x}"  # hex digits sort as the numbers they stand for


def share_for(rows_max: int, rows: int) -> float:
    """The share of `rows` to draw so that there are hardly ever more than rows_max: 6 standard deviations below it."""
    return min(1.0, (rows_max - 6 * math.sqrt(rows_max)) / rows)


def number_of(seed: str) -> int:
    """A seed as a number of 64 bits, for generators that take no text."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
