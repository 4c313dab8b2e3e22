"""How a failure looks to the operator: its cause in one line; only what can pass by itself is tried again."""

import errno
import re
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import DBAPIError

from vault.errors import JinkuError
from vault.home import Home, storage_error

TRANSIENT_CODES = frozenset({"layer_busy"})
FREE_BYTES_NEEDED = 16 * 2**20
_NAMES_ONLY = re.compile(r"^(Binder|Catalog|Parser) Error: |^Compilation Error")
_VALUES = re.compile(r"\"[^\"]*\"|'[^']*'|(?<![\w.])-?\d[\w.:+-]*")
RETRY_TRANSIENT = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


@contextmanager
def clear_failures() -> Iterator[None]:
    """Let transient errors go on to the retry policy; turn every other one into a final failure with its cause."""
    try:
        yield
    except dg.Failure:
        raise
    except JinkuError as error:
        if error.code in TRANSIENT_CODES:
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except Exception as error:
        # The message of an engine's error may quote a value of the data, so only its kind and its place are kept.
        raise dg.Failure(
            description=f"unexpected {type(error).__name__} at {_place(error)}",
            metadata={"calls": dg.MetadataValue.md(_calls(error))},
            allow_retries=False,
        ) from None


@contextmanager
def clear_storage_failures(home: Home) -> Iterator[None]:
    """Dagster's records are SQLite files below the home; where they cannot be written, say so as of any other file.

    Raises JinkuError `disk_full`, `home_unwritable` or `storage`.
    """
    try:
        yield
    except OSError as error:
        raise storage_error(error, home.root) from None
    except DBAPIError as error:
        is_full = "full" in str(error.orig) or shutil.disk_usage(home.dagster).free < FREE_BYTES_NEEDED
        number = errno.ENOSPC if is_full else errno.EROFS if "readonly" in str(error.orig) else errno.EIO
        raise storage_error(OSError(number, f"Dagster's records: {error.orig}"), home.root) from None


def without_values(message: str) -> str:
    """The first line of an engine's message with everything quoted and every number left out.

    Conversion and constraint errors quote the value that broke them; binder and catalog errors quote names only.
    """
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    told = next((line for line in lines if _NAMES_ONLY.search(line)), None)
    if told is not None:
        return told
    first = next((line for line in lines if "Error:" in line), lines[0])
    return _VALUES.sub("…", first)


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _calls(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"    {Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
