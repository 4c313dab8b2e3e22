"""One release for all tests of auctions."""

from pathlib import Path

import pytest

from tests.market_api.auctions.lots import Sale, a_sale
from tests.market_api.goods import released_component


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a released component; tests copy it."""
    return released_component(tmp_path_factory.mktemp("released"))


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    """A market of the test's own."""
    return a_sale(released, tmp_path)
