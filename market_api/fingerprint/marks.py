"""What the keyed digests say of a row, in SQL: one for all copies, one for each buyer's.

The digest of a row is HMAC(K, key of the row): bytes 0-3 choose one row in ROWS_PER_MARK, byte 4+i is the level of
column i. Of a chosen row the digest of a buyer is HMAC(K_buyer, key of the row): bytes 0-3 omit one in
CHOSEN_PER_OMISSION where rows may be omitted, so 1 of 200 of all; the last bit of byte 4+i is what column i carries.
That only chosen rows are omitted changes no chance, and a leak is compared with each buyer by a tenth of its rows.
Source: models §8.
"""

from collections.abc import Sequence

from market_api.fingerprint.planning import KeyColumn
from vault.sql_names import quoted_name

ROWS_PER_MARK = 10
"""γ."""
CHOSEN_PER_OMISSION = 20
CHOICE_DIGITS = 8
"""Hex digits of the first four bytes."""

MESSAGE, DIGEST, OF_BUYER = '"#message"', '"#digest"', '"#of_buyer"'
"""Columns of the queries: a row's key and both digests. No column of a contract begins with '#'."""


def row_message(key: Sequence[KeyColumn]) -> str:
    """The key of a row as bytes: the length and the text of each column, a null as no text.

    Each value is brought to the column's own type first, so that it is the same text from whatever file it was read.
    """
    parts = [f"strlen({text}) || ':' || {text}" for text in map(_key_text, key)]
    return f"encode({' || '.join(parts)})"


def is_chosen(digest: str) -> str:
    """Whether a row is marked, by its digest."""
    return f"{_first(digest)} % {ROWS_PER_MARK} = 0"


def level_of(digest: str, place: int, levels: int) -> str:
    """The level of a column, by the row's digest. place: that of the column among the marked ones."""
    return f"cast('0x' || substr({digest}, {CHOICE_DIGITS + 2 * place + 1}, 2) as utinyint) % {levels}"


def is_omitted(digest: str) -> str:
    """Whether a buyer's copy lacks a chosen row, by the buyer's digest."""
    return f"{_first(digest)} % {CHOSEN_PER_OMISSION} = 0"


def bit_of(digest: str, place: int) -> str:
    """The bit that a column carries, 0 or 1, by the buyer's digest."""
    return f"cast('0x' || substr({digest}, {CHOICE_DIGITS + 2 * place + 2}, 1) as utinyint) % 2"


def _first(digest: str) -> str:
    return f"cast('0x' || substr({digest}, 1, {CHOICE_DIGITS}) as uinteger)"


def _key_text(column: KeyColumn) -> str:
    value = f"try_cast({quoted_name(column.name)} as {column.sql_type})"
    if column.step is not None:
        value = f"try_cast(floor({value} / {float(column.step)!r}) as bigint)"
    return f"coalesce(cast({value} as varchar), '')"
