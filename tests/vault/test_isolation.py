"""The market's process has no key and finds none; what leaves the vault, it may read."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import collect_all, drop, fresh_vault, source_contract
from vault.isolation import market_environment
from vault.keys import LAYERS, open_keys
from vault.keys.master import master_path
from vault.layers import Vault, connect, dbt_environment

PERSON = b"PLANTED-7734"
NOBODY = 65534
INTRUDER = """
import json, os, sys
from pathlib import Path
import duckdb

vault_files, copies, user = json.loads(sys.stdin.read())
environment = Path("/proc/self/environ").read_bytes().decode()
if user is not None:
    os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user)

def read(path):
    try:
        return Path(path).read_bytes() is not None
    except OSError as error:
        return type(error).__name__

def attached(path, options):
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach '{path}' as stolen ({options})")
            return connection.execute("select count(*) from duckdb_tables()").fetchone()[0]
    except duckdb.Error as error:
        return type(error).__name__

keys = ["read_only", f"read_only, encryption_key '{'ab' * 32}'", "read_only, encryption_key ''"]
print(json.dumps({
    "environment": environment,
    "read": {path: read(path) for path in vault_files},
    "listed": {path: read(path) for path in sorted({str(Path(path).parent) for path in vault_files})},
    "attached": {f"{path} {place}": attached(path, key) for path in copies for place, key in enumerate(keys)},
    "released": Path(os.environ["JINKU_RELEASES"], "table.csv").read_text(),
}))
"""


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault in a folder that others may enter, so that its own modes are what keeps them out."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    sources = {"readings": source_contract()}
    vault = fresh_vault(root / "home", sources)
    drop(vault, "readings.csv", b"meter,day,litres\n" + PERSON + b",2026-01-01,5\n")
    collect_all(vault, sources)
    drop(vault, "readings2.csv", PERSON)
    for layer in LAYERS[1:]:
        with connect(vault, write=layer) as connection:
            connection.execute(f"create table {layer}.people as select '{PERSON.decode()}' as name")
    (vault.home.releases / "table.csv").write_text("released")
    yield vault
    shutil.rmtree(root)


def found_by_the_market(vault: Vault, copies: list[Path]) -> dict[str, Any]:
    """What a process with the market's environment, and as a user of its own where it can be, gets hold of."""
    own = {**os.environ, **dbt_environment(vault), "JINKU_MASTER_KEY": master_path(vault.home).read_text()}
    user = NOBODY if os.geteuid() == 0 else None
    told = json.dumps([[str(path) for path in files_of(vault)], [str(path) for path in copies], user])
    done = subprocess.run(
        [sys.executable, "-c", INTRUDER],
        env=market_environment(own, vault.home),
        input=told,
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def files_of(vault: Vault) -> list[Path]:
    """Every file that never leaves the vault."""
    rooms = ("keys", "vault", "registry", "landing")
    return [path for room in rooms for path in sorted((vault.home.root / room).rglob("*")) if path.is_file()]


def secrets_of(vault: Vault) -> list[str]:
    opened = open_keys(vault.home, vault.source)
    keys = [opened.master, *(opened.key(name) for name in opened.store.wrapped)]
    return [key.hex() for key in keys]


def test_the_markets_process_holds_no_key_and_opens_no_file_of_the_vault(vault: Vault) -> None:
    with tempfile.TemporaryDirectory() as taken:
        Path(taken).chmod(0o755)
        copies = [Path(shutil.copyfile(vault.home.layer(layer), Path(taken, f"{layer}.db"))) for layer in LAYERS]
        for copy in copies:
            copy.chmod(0o644)  # even where the modes failed
        found = found_by_the_market(vault, copies)
    assert found["released"] == "released"
    assert not [key for key in secrets_of(vault) if key in found["environment"]]
    assert not [name for name in ("JINKU_HOME", "SECRET", "MASTER") if name in found["environment"]]
    assert set(found["attached"].values()) <= {
        "CatalogException",
        "IOException",
        "InvalidInputException",
        "BinderException",
    }
    assert len(found["attached"]) == 3 * len(LAYERS)
    if os.geteuid() == 0:
        assert len(found["read"]) > 8
        assert set(found["read"].values()) == {"PermissionError"}, found["read"]
        assert set(found["listed"].values()) <= {"PermissionError"}


def test_what_lies_in_the_vault_shows_no_value_and_no_key(vault: Vault) -> None:
    shutil.rmtree(vault.home.landing)
    content = {path: path.read_bytes() for path in files_of(vault)}
    assert not [path for path, held in content.items() if PERSON in held]
    for key in secrets_of(vault):
        holding = [path for path, held in content.items() if key.encode() in held or bytes.fromhex(key) in held]
        assert holding in ([], [master_path(vault.home)])


def test_the_market_is_given_its_own_settings_and_no_others(vault: Vault) -> None:
    vaults = {
        "JINKU_HOME": "/city",
        "JINKU_MASTER_KEY": "ab",
        "JINKU_MASTER_KEY_COMMAND": "cat key",
        "JINKU_NEW_MASTER_KEY": "cd",
        "DBT_ENV_SECRET_RAW_KEY": "ef",
        "AWS_SECRET_ACCESS_KEY": "x",
        "DAGSTER_HOME": "/city/dagster",
        "HOME": "/root",
        "JINKU_RELEASES": "/elsewhere",
        "JINKU_MARKET_KEY": "of whom?",
        "JINKU_MARKET_SECRET_OF_VAULT": "x",
        "JINKU_MARKETS": "x",
        "A_SETTING_OF_TOMORROW": "x",
    }
    own = {"PATH": "/bin", "LANG": "C.UTF-8", "JINKU_MARKET_PORT": "8080"}
    assert market_environment({**vaults, **own}, vault.home) == {
        **own,
        "JINKU_RELEASES": str(vault.home.releases),
        "JINKU_MARKET_FOLDER": str(vault.home.root / "market"),
        "JINKU_MARKET_TRUST": str(vault.home.root / "public"),
    }
