"""The terminal: where commands write what people read."""

import os
import sys

from rich.console import Console

WIDTH_OF_A_FILE = 120
console = Console(
    highlight=False,
    soft_wrap=not sys.stdout.isatty(),
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_FILE,
)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
