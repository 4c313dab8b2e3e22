"""A served market that the tests of a module share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.market_api.client.places import Place, a_place


@pytest.fixture(scope="module")
def place(pulled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Shared: each test brings its own participants where it counts what they have."""
    with a_place(pulled_home, tmp_path_factory.mktemp("place")) as found:
        yield found


@pytest.fixture
def own_place(pulled_home: Path, tmp_path: Path) -> Iterator[Place]:
    """A test's own, for what changes it for good."""
    with a_place(pulled_home, tmp_path / "own") as found:
        yield found
