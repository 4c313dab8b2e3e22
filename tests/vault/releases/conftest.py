"""A vault whose component is ready to be released, made once and copied for every test that writes to it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders import opened
from tests.vault.releases.builds import evidence, release, vault_with_component
from vault.layers import Vault
from vault.releases.evidence import Evidence


@dataclass(frozen=True)
class Ready:
    """Its home, what a release of its component rests on, and the folder of a home where that was released."""

    home: Path
    given: Evidence
    released: Path


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    root = tmp_path_factory.mktemp("ready")
    vault = vault_with_component(root / "home")
    given = evidence(vault)
    shutil.copytree(root / "home", root / "released")
    release(opened(root / "released"), given)
    return Ready(root / "home", given, root / "released")


@pytest.fixture
def given(ready: Ready) -> Evidence:
    """The evidence on record in `vault`."""
    return ready.given


@pytest.fixture
def vault(ready: Ready, tmp_path: Path) -> Vault:
    """A vault of the test's own."""
    shutil.copytree(ready.home, tmp_path / "home")
    return opened(tmp_path / "home")


@pytest.fixture(scope="session")
def refusing(ready: Ready, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A vault that never releases anything: what is refused leaves nothing behind but its record."""
    home = tmp_path_factory.mktemp("refusing") / "home"
    shutil.copytree(ready.home, home)
    return opened(home)


@pytest.fixture
def released(ready: Ready, tmp_path: Path) -> Vault:
    """A vault of the test's own that has made one release."""
    shutil.copytree(ready.released, tmp_path / "home")
    return opened(tmp_path / "home")
