"""The sample city, built once for all tests that only look at it."""

import fcntl
from pathlib import Path

import pytest

from tests.builders import SMALL, jinku


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a small city, run once to its end; shared by all workers, so never written."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):
        shared = shared.parent
    home = shared / "city"
    with (shared / "city.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "city.done").exists():
            finished = jinku(home, "run", *SMALL)
            assert finished.returncode == 0, finished.stdout + finished.stderr
            (shared / "city.done").write_text(finished.stdout)
    return home
