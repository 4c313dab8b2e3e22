"""What goes wrong while a copy is made, as the buyer is told: nothing was delivered and nothing was counted."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from market_api.problems import Problem
from vault.errors import JinkuError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = ("no space", "No space left", "File too large")

LOG = logging.getLogger("jinku.market")


@contextmanager
def told_failures(release_id: str) -> Iterator[None]:
    """Turn failures of disk, engine and review into Problem `unavailable` and `not_cleared`; the log has their kind."""
    try:
        yield
    except JinkuError as error:
        LOG.error("a copy was not made", extra={"subject": release_id, "code": error.code}, exc_info=error)
        raise _of_ours(error, release_id) from None
    except (OSError, duckdb.Error) as error:
        LOG.error("a copy was not made", extra={"subject": release_id}, exc_info=error)
        raise _of_disk(_is_full(error), release_id) from None


def _of_ours(error: JinkuError, release_id: str) -> Problem:
    if error.code == "copy_refused":
        return Problem(
            "not_cleared",
            f"The copy of {release_id} does not pass the security review again, so nothing was delivered or counted. "
            "Tell the operator.",
            "release",
        )
    return _of_disk(any(word in error.what for word in FULL_WORDS), release_id)


def _of_disk(is_full: bool, release_id: str) -> Problem:
    cause = "the market's disk is full" if is_full else "of a failure of the market"
    return Problem(
        "unavailable",
        f"The copy of {release_id} cannot be made now, because {cause}; nothing was counted.",
        retry_after_seconds=60,
    )


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(word in str(error) for word in FULL_WORDS)
