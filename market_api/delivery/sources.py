"""The rows of a release, taken only as they were signed.

The files are copied and hashed in one reading, and what is worked on is the copy: whoever alters the release afterwards
alters nothing of it.
"""

import errno
import hashlib
from pathlib import Path
from typing import Any

from market_api.catalogue.clearance import Signed
from market_api.problems import Problem
from vault.releases.datasheet import TABLE

CHUNK_BYTES = 1 << 20
SUFFIX = ".parquet"


def taken(signed: Signed, folder: Path) -> tuple[Path, ...]:
    """The Parquet files of a release in their order, copied into an empty folder.

    Raises Problem `not_cleared` where one is not what the signed datasheet states, and OSError where the copy cannot be
    written.
    """
    folder.mkdir()
    stated = [each for each in signed.document["files"] if _is_rows(each["path"])]
    if not stated:
        raise _altered(signed, "states no file of rows")
    return tuple(_taken(signed, each, folder / f"{place:05d}{SUFFIX}") for place, each in enumerate(stated))


def _is_rows(path: str) -> bool:
    return path.startswith(f"{TABLE}/") and path.count("/") == 1 and path.endswith(SUFFIX)


def _taken(signed: Signed, stated: Any, target: Path) -> Path:
    source, digest, size_bytes = signed.folder / stated["path"], hashlib.sha256(), 0
    if source.is_symlink():
        raise _altered(signed, f"has a link in the place of {stated['path']}")
    try:
        with source.open("rb") as given, target.open("wb") as file:
            while (chunk := given.read(CHUNK_BYTES)) and size_bytes <= stated["bytes"]:
                digest.update(chunk)
                size_bytes += len(chunk)
                file.write(chunk)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _altered(signed, f"cannot be read: {stated['path']} ({error.strerror})") from None
    if (size_bytes, digest.hexdigest()) != (stated["bytes"], stated["sha256"]):
        raise _altered(signed, f"was altered: {stated['path']} is not the file that its signed datasheet states")
    return target


def _altered(signed: Signed, what: str) -> Problem:
    return Problem(
        "not_cleared",
        f"The release {signed.document['release']} {what}; nothing was delivered or counted. Tell the operator.",
        "release",
    )
