"""The reading side of releases: what the market may see. It needs the folder of releases and no key.

`releases/<component>/<number>/` holds `datasheet.json`, `datasheet.html` and the Delta table `table/`. A name with a
dot in front is a draft or a lock, and no release.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vault.errors import JinkuError
from vault.releases.datasheet import DATASHEET, TABLE, Document, release_id

if TYPE_CHECKING:
    from deltalake import DeltaTable

PAGE = "datasheet.html"
COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,62}")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class ReleaseFolder:
    """Where one release lies."""

    component: str
    number: int
    path: Path

    @property
    def release_id(self) -> str:
        """Its name, such as 'zone_hourly_mobility@3'."""
        return release_id(self.component, self.number)


def releases_in(folder: Path) -> tuple[ReleaseFolder, ...]:
    """All releases below the folder of releases, by component and number; empty where there is no such folder."""
    if not folder.is_dir():
        return ()
    components = [path for path in folder.iterdir() if COMPONENT.fullmatch(path.name) and path.is_dir()]
    found = [
        ReleaseFolder(component.name, int(path.name), path)
        for component in components
        for path in component.iterdir()
        if NUMBER.fullmatch(path.name) and path.is_dir()
    ]
    return tuple(sorted(found, key=lambda each: (each.component, each.number)))


def find_release(folder: Path, name: str) -> ReleaseFolder:
    """A release by its name: 'component' for its newest, 'component@number' for one of them.

    Raises JinkuError `unknown_release`, which names what there is.
    """
    component, _, number = name.removeprefix("components/").partition("@")
    known = releases_in(folder)
    own = [each for each in known if each.component == component and number in ("", str(each.number))]
    if own:
        return own[-1]
    names = ", ".join(each.release_id for each in known if each.component == component)
    names = names or ", ".join(sorted({each.component for each in known})) or "none"
    raise JinkuError("unknown_release", f"there is no release '{name}'", str(folder), f"Known: {names}.")


def release_folder(path: Path) -> Path:
    """The folder of a release, named by itself or by its datasheet."""
    return path.parent if path.name == DATASHEET else path


def read_datasheet(folder: Path) -> dict[str, Any]:
    """The datasheet of a release as it stands, not verified: `vault.releases.verifying.verify` does that.

    Raises JinkuError `datasheet_unreadable` where there is none, or what is there is no JSON that all readers take for
    the same.
    """
    path = folder / DATASHEET
    try:
        document = json.loads(path.read_text("utf-8"), object_pairs_hook=_distinct, parse_constant=_refused)
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    except (ValueError, RecursionError):
        raise _unreadable(path, "it is not JSON, or names a key twice") from None
    if not isinstance(document, dict):
        raise _unreadable(path, "it is no JSON object")
    return document


def unsigned(document: Document) -> dict[str, Any]:
    """What of a datasheet is signed: all but its signature."""
    return {key: value for key, value in document.items() if key != "signature"}


def table_files(folder: Path) -> tuple[Path, ...]:
    """The Parquet files of a release: any reader of Parquet reads its rows from them."""
    return tuple(sorted((folder / TABLE).glob("*.parquet")))


def delta_table(folder: Path) -> "DeltaTable":
    """The rows of a release as a Delta table."""
    from deltalake import DeltaTable

    return DeltaTable(folder / TABLE)


def _distinct(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _unreadable(path: Path, cause: str) -> JinkuError:
    return JinkuError(
        "datasheet_unreadable",
        f"the datasheet cannot be read: {cause}",
        str(path),
        "Fetch the release again, or restore it from your backup.",
    )
