"""One release for all tests of negotiations."""

from pathlib import Path

import pytest

from tests.market_api.goods import released_component


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a released component; tests copy it."""
    return released_component(tmp_path_factory.mktemp("released"))
