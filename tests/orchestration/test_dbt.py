"""dbt with the profile of this project."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from orchestration import dbt
from orchestration.dbt import DBT_PROJECT, manifest
from orchestration.declarations import declarations
from tests.builders import fresh_vault
from vault.layers import connect, dbt_environment

SORTED = """
{{ config(materialized='table', database='warehouse', schema='spill') }}
select i, md5(i::varchar) as text from range(3000000) numbers(i) order by text
"""


def test_two_models_in_a_row_may_spill_to_disk(tmp_path: Path) -> None:
    """The engine refuses to be given a spill folder, even the same one, once it has spilled."""
    vault = fresh_vault(tmp_path / "home", {})
    for layer in ("warehouse", "components"):
        with connect(vault, write=layer):
            pass
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    settings = {"name": "spill", "version": "1.0", "profile": "jinku", "model-paths": ["models"]}
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    for name in ("first", "second"):
        (project / "models" / f"{name}.sql").write_text(SORTED)
    encrypted = "{{ config(materialized='table', database='warehouse', schema='spill') }} select 1 as is_encrypted"
    (project / "models" / "third.sql").write_text(f"{encrypted} where current_setting('temp_file_encryption')")
    limits = {"JINKU_MEMORY_LIMIT": "120MiB", "JINKU_THREADS": "1"}
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "dbt.cli.main",
            "run",
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(DBT_PROJECT),
        ],
        env={**os.environ, **dbt_environment(vault), **limits},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0, run.stdout
    assert "PASS=3" in run.stdout
    with connect(vault, read=("warehouse",)) as connection:
        assert connection.execute("from warehouse.main_spill.third").fetchall() == [(1,)], "spilled in the clear"


def test_what_was_parsed_before_is_read_and_parsed_anew_where_it_cannot_be(tmp_path: Path) -> None:
    home = fresh_vault(tmp_path / "home", {}).home
    kept = manifest(home, declarations()).with_name("partial_parse.msgpack")
    parsed = dbt._parsed(home, dbt._fingerprint())

    def again() -> Any:
        dbt._parsed.cache_clear()
        return dbt._parsed(home, dbt._fingerprint())

    read = again()
    assert read.metadata.invocation_id == parsed.metadata.invocation_id and read is not parsed
    assert {**read.flat_graph} == {**parsed.flat_graph} and set(read.macros) == set(parsed.macros)
    kept.write_bytes(b"torn")
    assert again().metadata.invocation_id != parsed.metadata.invocation_id
    assert not kept.with_name("manifest.stamp").exists(), "what was parsed without its owner is not taken for parsed"
