"""How a failure looks to the operator: its cause in one line; only what can pass by itself is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from vault.errors import JinkuError

TRANSIENT_CODES = frozenset({"layer_busy"})
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
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        raise dg.Failure(
            description=f"unexpected {type(error).__name__}: see the step's log", allow_retries=False
        ) from error
