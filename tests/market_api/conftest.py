"""Databases of a test's own: every rule of the market holds on SQLite and on PostgreSQL."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import fresh_database, remove_database, throwaway_postgres


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that the tests of one worker share."""
    with throwaway_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The address of an empty database, as `builders.a_market` takes it: None for its own SQLite file."""
    if request.param == "sqlite":
        yield None
        return
    url = fresh_database(request.getfixturevalue("postgres_server"))
    yield url
    remove_database(url)


@pytest.fixture(scope="session")
def pulled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a vault with two releases of one component, made once for all workers; so never written."""
    from tests.market_api.delivery.releases import released, rows  # only where something is pulled

    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):
        shared = shared.parent
    home = shared / "pulled"
    with (shared / "pulled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "pulled.done").exists():
            released(home, [rows(), rows(more=1)])
            (shared / "pulled.done").touch()
    return home


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one released component and the key that signed it, made once for all workers; tests copy it."""
    from tests.market_api.goods import released_component  # only where something is traded

    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):
        shared = shared.parent
    folder = shared / "released"
    with (shared / "released.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "released.done").exists():
            folder.mkdir(exist_ok=True)
            released_component(folder)
            (shared / "released.done").touch()
    return folder
