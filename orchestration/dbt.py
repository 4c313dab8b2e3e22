"""dbt, run inside this process: parsing once per change of the project, and building one selection at a time.

A dbt command of its own costs seconds of imports on every layer; the programmatic runner costs them once.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.declarations import PROJECT, Declarations, declarations
from vault.contract import SourceContract
from vault.errors import JinkuError
from vault.home import Home, home_from, settings_from
from vault.layers import Vault, dbt_environment, engine_environment, install_cryptography
from vault.ledger import tables_of

DBT_PROJECT = PROJECT / "dbt_project"
GENERATED = DBT_PROJECT / "models" / "generated" / "raw.yml"
TESTS_READY = ("--indirect-selection", "buildable", "--exclude", "test_type:unit")
"""Tests of which all tables are there; those of the SQL itself run with the project's own."""


REFUSED = "refused"
"""Status of a model that the vault itself did not let be built; its message is the vault's own, without any value."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt says of one model, seed or test after a build."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    message: str
    seconds: float
    failures: int
    compiled_code: str


def write_sources(sources: Mapping[str, SourceContract]) -> None:
    """Write the dbt source declarations that follow from the contracts; only where they changed."""
    tables = [
        {"name": table, "description": contract.title.en}
        for source, contract in sorted(sources.items())
        for table in tables_of(source, contract)
    ]
    document = {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "database": "{{ 'raw' if target.type == 'duckdb' else none }}",
                "schema": "raw",
                "tables": tables,
            },
            {
                "name": "vault",
                "database": "{{ 'raw' if target.type == 'duckdb' else none }}",
                "schema": "vault",
                "tables": [{"name": "pseudonym_key"}],
            },
        ],
    }
    text = "# Generated from assets/sources; edit the contracts instead.\n" + yaml.safe_dump(document, sort_keys=False)
    if GENERATED.exists() and GENERATED.read_text() == text:
        return
    GENERATED.parent.mkdir(exist_ok=True)
    draft = GENERATED.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(GENERATED)


def manifest(home: Home, known: Declarations) -> Path:
    """The path of a manifest that belongs to the project as it is now; parsed anew only after a change.

    Raises JinkuError `dbt_parse` with dbt's own message.
    """
    home.dbt.mkdir(parents=True, exist_ok=True)
    with (home.dbt / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second of two processes takes what the first has parsed
        write_sources(known.sources)
        fingerprint = _fingerprint()
        if not _is_parsed(home, fingerprint):
            _parsed(home, fingerprint)
            _stamp(home).write_text(fingerprint)
    return home.dbt / "target" / "manifest.json"


@contextmanager
def parsing_ahead(home: Home) -> Iterator[bool]:
    """Parse a changed project in a process of its own while the block runs; gives whether there is anything to parse.

    A fault in the project is told by whoever asks for the manifest later.
    """
    if _is_parsed(home, _fingerprint()):
        yield False
        return
    command = [sys.executable, "-m", "orchestration.dbt"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield True


def _is_parsed(home: Home, fingerprint: str) -> bool:
    stamp = _stamp(home)
    return (stamp.parent / "manifest.json").exists() and stamp.exists() and stamp.read_text() == fingerprint


def _stamp(home: Home) -> Path:
    return home.dbt / "target" / "manifest.stamp"


@lru_cache(maxsize=1)
def _parsed(home: Home, fingerprint: str) -> Any:
    """dbt's parsed project, once per process and state of the project: parsing costs more than most builds.

    What another process has parsed of the same state is read, as dbt keeps it for itself: a tenth of the time.
    """
    kept = home.dbt / "target" / "partial_parse.msgpack"
    if _is_parsed(home, fingerprint) and (project := _read(kept)) is not None:
        return project
    _stamp(home).unlink(missing_ok=True)  # until its owner stamps it, nobody takes what is written from here on
    result = _invoke(home, engine_environment(home, settings_from(os.environ)), ["parse"])
    if not result.success:
        raise JinkuError("dbt_parse", _reason(result), str(DBT_PROJECT), "Correct the model named and load again.")
    return result.result


def _read(path: Path) -> Any:
    """A project that this version of dbt has parsed; None where there is none that can be read."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.version import __version__

    try:
        project = Manifest.from_msgpack(path.read_bytes())
    except Exception:  # whatever is wrong with dbt's own file, dbt parses anew
        return None
    if project.metadata.dbt_version != __version__:
        return None
    project.build_flat_graph()
    return project


def build(vault: Vault, selection: list[str]) -> tuple[NodeResult, ...]:
    """Build the selected models with their tests (unit tests apart).

    Raises JinkuError `dbt_build` where dbt itself could not run; failed models and tests are values in the result.
    """
    return _run(vault, ["build", "--select", *selection, *TESTS_READY])


def compile_models(vault: Vault, selection: list[str]) -> tuple[NodeResult, ...]:
    """Compile the selected models without building anything. Raises JinkuError as `build` does."""
    return _run(vault, ["compile", "--select", *selection, "--indirect-selection", "empty"])


def test_models(vault: Vault, selection: list[str]) -> tuple[NodeResult, ...]:
    """Run the tests of the selected models, as they are (unit tests apart). Raises JinkuError as `build` does."""
    return _run(vault, ["test", "--select", *selection, *TESTS_READY])


def _run(vault: Vault, arguments: list[str]) -> tuple[NodeResult, ...]:
    project = _parsed(vault.home, _fingerprint())
    result = _invoke(vault.home, dbt_environment(vault), [*arguments, "--no-write-json"], project)
    if result.result is None:
        raise JinkuError(
            "dbt_build", _reason(result), str(DBT_PROJECT), "Run it again; the models themselves were not at fault."
        )
    return tuple(_node_result(entry) for entry in result.result)


def _node_result(entry: Any) -> NodeResult:
    node = entry.node
    return NodeResult(
        unique_id=node.unique_id,
        resource_type=str(node.resource_type),
        name=node.name,
        status=str(entry.status),
        message=str(entry.message or ""),
        seconds=float(entry.execution_time),
        failures=int(entry.failures or 0),
        compiled_code=str(getattr(node, "compiled_code", "") or ""),
    )


def _invoke(home: Home, environment: Mapping[str, str], arguments: list[str], project: Any = None) -> Any:
    from dbt.cli.main import dbtRunner  # seconds of imports: only when dbt is really needed

    install_cryptography()
    with _environment({"JINKU_HOME": str(home.root), "DO_NOT_TRACK": "1", **environment}):
        try:
            return dbtRunner(manifest=project).invoke(
                [
                    *arguments,
                    # what dbt writes may quote values of the data: results are read from it, words are not kept
                    *("--log-level", "none", "--log-level-file", "none"),
                    "--no-use-colors",
                    *("--project-dir", str(DBT_PROJECT)),
                    *("--profiles-dir", str(DBT_PROJECT)),
                    *("--target-path", str(home.dbt / "target")),
                    *("--log-path", str(home.dbt / "logs")),
                ]
            )
        finally:
            _release_files()


def _release_files() -> None:
    """dbt-duckdb keeps its connection for the life of the process; the next writer needs the files."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The layers' keys are in the environment only while dbt runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.suffix in (".sql", ".yml", ".yaml", ".csv") and path.is_file():
            digest.update(str(path.relative_to(DBT_PROJECT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _reason(result: Any) -> str:
    lines = [line.strip() for line in str(result.exception or "dbt failed").splitlines() if line.strip()]
    return " ".join(lines[:3])


def read_manifest(path: Path) -> dict[str, Any]:
    """The parsed manifest."""
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


if __name__ == "__main__":
    print(manifest(home_from(os.environ), declarations()))
