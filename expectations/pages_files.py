"""Where the quality pages lie, how a template becomes one, and how it is written: whole, or not at all."""

import errno
import os
import re
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from expectations import pages_format
from vault.errors import JinkuError

TEMPLATES = Path(__file__).parent / "templates"
PAGES, VALUATION_PAGES = "quality", "valuation"
"""The folders of our pages below that of all reports; those of the valuations are linked to where they are there."""

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


def valuation_overview(folder: Path) -> Path:
    """Where the overview of the valuations lies below the folder of reports."""
    return folder / VALUATION_PAGES / "index.html"


def valuation_link(folder: Path) -> str:
    """The overview of the valuations, seen from that of the assets; '' while there is none."""
    return f"../{VALUATION_PAGES}/index.html" if valuation_overview(folder).is_file() else ""


def rendered(template: str, **values: Any) -> str:
    """A template filled in; every text in it is escaped, and a name that is missing is a mistake."""
    return environment(TEMPLATES).get_template(template).render(values)


def unwritable(folder: Path, error: OSError) -> JinkuError:
    """What is said where a quality page cannot be written."""
    return JinkuError(
        "report_unwritable",
        f"the quality page cannot be written: {error.strerror or type(error).__name__}",
        str(folder),
        "Make the folder writable, with room in it, and run again; the results are kept in the quality history.",
    )


def written(page: Path, text: str, folder: Path, refused: Callable[[Path, OSError], JinkuError] = unwritable) -> Path:
    """Put a page in its place at once, so that a reader sees the old one or the new one, never half of either.

    refused: what is said of a folder that cannot be written. Raises JinkuError `report_unwritable`, naming the folder,
    where that cannot be done; the old page then stays.
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
        raise refused(folder, error) from None
    return page


@cache
def environment(*folders: Path) -> jinja2.Environment:
    """The templates of the folders, of one name the first, with the figures as our pages write them."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in pages_format.FILTERS:
        made.filters[name] = getattr(pages_format, name)
    made.globals |= {"plural": pages_format.plural, "scores_apart": pages_format.scores_apart}
    return made
