"""The terminal: where commands write what people read, tables without lines, and money as people write it."""

import os
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pricing.money import format_fen, yuan_to_fen
from vault.errors import JinkuError

WIDTH_OF_A_FILE = 120
IDENTIFIER_CHARACTERS = 32
console = Console(
    highlight=False,
    emoji=False,
    soft_wrap=not sys.stdout.isatty(),
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_FILE,
)
errors = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def table(
    *columns: str,
    right: Sequence[str] = (),
    wrapped: Sequence[str] = (),
    whole: Sequence[str] = (),
    headed: bool = True,
) -> Table:
    """An empty table. right: columns of numbers; wrapped: columns of sentences; whole: columns of identifiers, which
    are never cut; the others stay on one line."""
    found = Table(box=None, pad_edge=False, show_header=headed, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        found.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name not in wrapped,
            overflow="fold" if name in wrapped else "ellipsis",
            min_width=IDENTIFIER_CHARACTERS if name in whole else None,
        )
    return found


def say(text: str) -> None:
    """A line as it is, however wide the terminal is."""
    console.print(escape(text), soft_wrap=True)


def money(amount_fen: int | None) -> str:
    """An amount in yuan; a dash where there is none."""
    return "–" if amount_fen is None else format_fen(amount_fen)


def moment(text: str | None) -> str:
    """A time to the minute, UTC; a dash where there is none."""
    return "–" if text is None else text[:16].replace("T", " ")


def fen_of(yuan: str) -> int:
    """The fen of an amount in yuan, such as '2546.71'. Raises JinkuError `amount`."""
    try:
        amount = Decimal(yuan.removeprefix("¥").replace(",", ""))
        exponent = amount.as_tuple().exponent
        if amount.is_finite() and amount >= 0 and isinstance(exponent, int) and exponent >= -2:
            return yuan_to_fen(amount)
    except InvalidOperation:
        pass
    raise JinkuError("amount", f"'{yuan}' is no amount in yuan", "command line", "Write it such as 2546.71.")
