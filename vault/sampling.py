"""Samples of a table by a keyed digest: the same rows for the same seed, whatever their order. Source: models §2.4."""

import hashlib
import math
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from vault.contract import Column

DIGEST_DIGITS = 15
SEPARATOR = "|"


def row_key(columns: Sequence[Column], grain: Sequence[str]) -> tuple[str, ...]:
    """What tells a row from the others, in a fixed order: its grain, else its primary key, else all its columns."""
    declared = [column.name for column in columns if column.primary_key]
    return tuple(sorted(grain or declared or [column.name for column in columns]))


def drawn(table: ir.Table, key: Sequence[str], share: float, seed: str) -> ir.BooleanValue:
    """Whether a row is drawn: the MD5 of the seed and of the row's key lies in the first `share` of all.

    Each row is drawn with probability share in (0, 1], rows alike together; a smaller share draws some of the rows that
    a larger one does. MD5 takes a quarter of the time of SHA-256, and nothing is kept secret by it. A key of doubles is
    printed in each engine's own way, so that engines draw other rows by it. Source: models §2.4.
    """
    first_outside = int(share * 16**DIGEST_DIGITS)
    if first_outside >= 16**DIGEST_DIGITS:
        return ibis.literal(True)
    parts = [table[name].cast("string").fill_null("") for name in key]
    digest = ibis.literal(SEPARATOR).join([ibis.literal(seed), *parts]).hexdigest("md5")
    return digest < f"{first_outside:0{DIGEST_DIGITS}x}"  # hex digits sort as the numbers they stand for


def share_for(rows_max: int, rows: int) -> float:
    """The share of `rows` to draw so that there are hardly ever more than rows_max: 6 standard deviations below it."""
    return min(1.0, (rows_max - 6 * math.sqrt(rows_max)) / rows)


def number_of(seed: str) -> int:
    """A seed as a number of 64 bits, for generators that take no text."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
