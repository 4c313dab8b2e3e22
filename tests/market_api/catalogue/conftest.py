"""A shop for tests that only ask, and one for each test that changes something."""

from pathlib import Path

import pytest

from tests.market_api.catalogue.shops import Shop, a_shop


@pytest.fixture(scope="module")
def asked(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Shared by the tests of a module: what is refused leaves nothing behind."""
    return a_shop(released, tmp_path_factory.mktemp("asked"))


@pytest.fixture
def shop(released: Path, tmp_path: Path) -> Shop:
    """A test's own."""
    return a_shop(released, tmp_path)


@pytest.fixture
def either_shop(released: Path, tmp_path: Path, database_url: str | None) -> Shop:
    """A test's own, on SQLite and on PostgreSQL."""
    return a_shop(released, tmp_path, database_url)
