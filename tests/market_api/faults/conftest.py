"""A market in which something of everything is under way."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.market_api.builders import served
from tests.market_api.faults.busy import Busy, a_busy_market


@pytest.fixture(scope="module")
def busy(pulled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    """One for a module whose tests change nothing that others look at."""
    return a_busy_market(pulled_home, tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def client(busy: Busy) -> TestClient:
    return served(busy.market)
