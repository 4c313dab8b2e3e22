"""Builders shared by the tests: small contracts, a fresh vault, landed files, a city, the `jinku` command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vault.collection import collect
from vault.contract import SourceContract
from vault.home import Home, Settings, prepare
from vault.keys import create_master_key
from vault.landing import scan
from vault.layers import Vault, connect, open_vault
from vault.ledger import CollectedBatch, prepare_ledger

PROJECT = Path(__file__).resolve().parent.parent
SMALL = ("--scale", "0.1")
REAL_DATA = PROJECT.parent / "shared" / "data"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def column(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": "string", "role": "attribute", "description": "a column", **changes}


def source_attributes(**changes: Any) -> dict[str, Any]:
    attributes = {
        "title": {"en": "Readings", "zh": "读数"},
        "description": "Readings of a meter.",
        "provider": {"name": "Water office", "kind": "government"},
        "acquisition": "authorisation",
        "legalBasis": {"basis": "statutory", "reference": "Ordinance 7", "expires": "2030-12-31"},
        "permittedPurposes": ["planning"],
        "grade": "general",
        "category": "public",
        "refreshPeriod": "daily",
        "owner": "team:water",
        "files": ["readings*"],
        "columns": [column("meter"), column("day"), column("litres")],
    }
    return {key: value for key, value in {**attributes, **changes}.items() if value is not None}


def source_contract(**changes: Any) -> SourceContract:
    return SourceContract.model_validate(source_attributes(**changes))


def fresh_vault(root: Path, sources: Mapping[str, SourceContract]) -> Vault:
    home = Home(root)
    prepare(home)
    create_master_key(home)
    vault = open_vault(home, Settings(memory_limit="1GiB", threads=2, settle_seconds=0))
    with connect(vault, write="raw") as connection:
        prepare_ledger(connection, sources, "00" * 32)
    return vault


def drop(vault: Vault, name: str, content: bytes, source: str = "readings") -> Path:
    path = vault.home.landing / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def collect_all(vault: Vault, sources: Mapping[str, SourceContract]) -> list[CollectedBatch]:
    found = scan(vault.home, sources)
    return [
        outcome
        for source, contract in sources.items()
        for outcome in collect(vault, contract, [file for file in found if file.source == source], NOON)
    ]


def rows(vault: Vault, statement: str, *layers: str) -> list[tuple[Any, ...]]:
    with connect(vault, read=layers or ("raw",)) as connection:
        return connection.execute(statement).fetchall()


def jinku(home: Path, *arguments: str, project: Path = PROJECT, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, over a home."""
    return subprocess.run(
        jinku_command(*arguments),
        cwd=project,
        env=jinku_environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def jinku_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "orchestration.command_line", *arguments]


def jinku_environment(home: Path, **settings: str) -> dict[str, str]:
    """The caller's environment, the home, and lines wide enough to read."""
    return {**os.environ, "JINKU_HOME": str(home), "JINKU_SETTLE_SECONDS": "0.2", "COLUMNS": "200", **settings}


def copy_of(city: Path, root: Path) -> Path:
    """A home of one's own, as if it had been run there."""
    shutil.copytree(city, root / "home", ignore=shutil.ignore_patterns("work"))
    (root / "home" / "vault" / "work").mkdir()
    return root / "home"


def opened(home: Path) -> Vault:
    """The vault of a home that has been run."""
    return open_vault(Home(home), Settings(memory_limit="1GiB", threads=2, settle_seconds=0.2))


def project_copy(root: Path) -> Path:
    """The project's own files, to be changed by a test."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        if (PROJECT / name).is_file() and not name.startswith(("requirements/", "tests/")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, root / name)
    return root
