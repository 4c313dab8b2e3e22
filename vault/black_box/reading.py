"""Reading the registry's log without changing anything, whoever is writing."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from vault.append_only import cause_of, for_reading
from vault.errors import JinkuError
from vault.home import Home
from vault.registry.database import registry_path


@contextmanager
def reading(home: Home) -> Iterator[sa.Connection]:
    """One state of the registry, to be read; it is not brought to its newest form.

    Raises JinkuError `nothing_recorded` where there is none, and `registry_unusable` where the body cannot read it.
    """
    path = registry_path(home)
    if not path.exists():
        raise JinkuError("nothing_recorded", "nothing has been recorded here yet", str(path), "Run `make run` first.")
    try:
        with for_reading(path).begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise JinkuError(
            "registry_unusable",
            f"the registry cannot be read: {cause_of(error)}",
            str(path),
            "Restore it from your backup with `jinku restore`.",
        ) from None
