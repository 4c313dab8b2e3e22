"""The datasheets of releases among the reports, where a browser finds them."""

from pathlib import Path

from vault.home import Home, storage_error
from vault.releases.reading import PAGE
from vault.releases.register import Release


def write_datasheet_page(home: Home, release: Release) -> Path:
    """Put a copy of a release's page among the reports. Raises what a full or unwritable disk raises."""
    page = home.reports / "releases" / f"{release.release_id}.html"
    part = page.with_suffix(".part")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes((home.releases / release.component / str(release.number) / PAGE).read_bytes())
        part.replace(page)
    except OSError as error:
        raise storage_error(error, page) from None
    return page
