"""Where the quality pages lie, how a template becomes one, and how it is written: whole, or not at all."""

import errno
import os
import re
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from expectations import pages_format
from vault.errors import JinkuError

TEMPLATES = Path(__file__).parent / "templates"
PAGES = "quality"
"""The folder of the pages below that of all reports."""

ASSET = re.compile(r"[a-z_]+/[a-z][a-z0-9_]*")


def asset_link(asset: str) -> str:
    """The page of an asset 'layer/name', seen from the overview. Raises ValueError for anything else."""
    if ASSET.fullmatch(asset) is None:
        raise ValueError(f"no asset: {asset!r}")
    return f"{asset}.html"


def asset_page(folder: Path, asset: str) -> Path:
    """Where the page of an asset lies below the folder of reports."""
    return folder / PAGES / asset_link(asset)


def overview_page(folder: Path) -> Path:
    """Where the overview lies below the folder of reports."""
    return folder / PAGES / "index.html"


def rendered(template: str, **values: Any) -> str:
    """A template filled in; every text in it is escaped, and a name that is missing is a mistake."""
    return _environment().get_template(template).render(values)


def written(page: Path, text: str, folder: Path) -> Path:
    """Put a page in its place at once, so that a reader sees the old one or the new one, never half of either.

    Raises JinkuError `report_unwritable`, naming the folder, where that cannot be done; the old page then stays.
    """
    beside = page.with_name(f".{page.name}.{secrets.token_hex(4)}")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(page.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(page.parent))
        try:
            beside.write_text(text, "utf-8")
            beside.replace(page)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    return page


def unwritable(folder: Path, error: OSError) -> JinkuError:
    """What is said where a page cannot be written."""
    return JinkuError(
        "report_unwritable",
        f"the quality page cannot be written: {error.strerror or type(error).__name__}",
        str(folder),
        "Make the folder writable, with room in it, and run again; the results are kept in the quality history.",
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in pages_format.FILTERS:
        environment.filters[name] = getattr(pages_format, name)
    environment.globals |= {"plural": pages_format.plural, "scores_apart": pages_format.scores_apart}
    return environment
