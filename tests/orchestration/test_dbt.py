"""dbt with the profile of this project."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from orchestration.dbt import DBT_PROJECT
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
