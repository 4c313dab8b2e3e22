"""How the play is told: headings, sentences, small tables; and what must hold, else it ends."""

from datetime import datetime

from rich.markup import escape
from rich.table import Table

from market_api.commands.terminal import console, table
from vault.errors import JinkuError


def heading(text: str, at: datetime) -> None:
    """What comes now, and when on the clock of the play."""
    console.print(f"\n[bold]{escape(text)}[/]  [dim]{at:%Y-%m-%d %H:%M}[/]")


def tell(text: str) -> None:
    """A sentence."""
    console.print(f"  {escape(text)}", soft_wrap=True)


def figures(*lines: tuple[str, str, str]) -> None:
    """Lines of what, how much, and a few words."""
    _show(table("what", "figure", "words", right=("figure",), headed=False), lines)


def sentences(*lines: tuple[str, str, str]) -> None:
    """Lines of a symbol, its value and a sentence."""
    _show(table("symbol", "value", "words", right=("value",), wrapped=("words",), headed=False), lines)


def must(holds: bool, otherwise: str) -> None:
    """Raises JinkuError `demo_failed` where something is not as it should be."""
    if not holds:
        raise JinkuError("demo_failed", otherwise, "the play", "Report it: a market in which this happens is broken.")


def _show(shown: Table, lines: tuple[tuple[str, str, str], ...]) -> None:
    for what, figure, words in lines:
        shown.add_row(f"  {escape(what)}", escape(figure), f"[dim]{escape(words)}[/]")
    console.print(shown)
