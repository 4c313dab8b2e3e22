"""Small logs, and the hand of someone who may do anything to a home but sign."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.builders import NOON
from vault.black_box.kept import forget
from vault.black_box.recording import recording
from vault.black_box.verification import verify_home
from vault.black_box.witness import FILE_NAME
from vault.home import Home, Settings, prepare
from vault.keys import create_master_key
from vault.layers import Vault, open_vault
from vault.registry.database import registry_path


def empty_vault(root: Path) -> Vault:
    home = Home(root)
    prepare(home)
    create_master_key(home)
    return open_vault(home, Settings(memory_limit="1GiB", threads=2, settle_seconds=0))


def log_checks(vault: Vault, count: int) -> None:
    """As many entries, each recorded on its own."""
    for number in range(count):
        with recording(vault, NOON) as record:
            record.log("check", f"component_{number}", {"outcome": "pass", "k": 11 + number}, "jinku")


def vault_with(root: Path, count: int) -> Vault:
    """A vault in which so many entries were recorded: a copy, as making one takes longer than a test of it."""
    folder, made = _made(count)
    shutil.copytree(folder.name, root, dirs_exist_ok=True)
    return replace(made, home=Home(root))


@cache
def _made(count: int) -> tuple[TemporaryDirectory[str], Vault]:
    folder = TemporaryDirectory(prefix="jinku-log-")
    vault = empty_vault(Path(folder.name))
    log_checks(vault, count)
    new_process()
    return folder, vault


def query(home: Home, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(registry_path(home))) as connection:
        return connection.execute(statement).fetchall()


def tamper(home: Home, *statements: str, values: tuple[Any, ...] = ()) -> None:
    """Change rows as no trigger would let anyone."""
    with closing(sqlite3.connect(registry_path(home), isolation_level=None)) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement, values if "?" in statement else ())


def witness_of(home: Home) -> Path:
    return home.witness / FILE_NAME


def found(home: Home, **trusted: Any) -> list[tuple[str, str]]:
    """What verification tells, as (kind, sentence)."""
    return [(problem.kind, problem.what) for problem in verify_home(home, **trusted).problems]


def new_process() -> None:
    """Forget what this thread keeps of a registry, as if the next step were another process's."""
    forget()
