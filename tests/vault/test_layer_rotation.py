"""A layer gets a new key while it is read; a kill leaves it with one key or the other, and every row."""

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.builders import PROJECT, copy_of, fresh_vault, opened, rows
from vault.attaching import attach
from vault.errors import JinkuError
from vault.keys.opening import next_layer
from vault.keys.store import changing_keys, read_store
from vault.layer_rotation import rotate_layers
from vault.layers import Vault, connect, open_vault

ROWS = 20_000
SUM = "select count(*), sum(number), count(distinct text) from raw.things.many"


def filled_vault(root: Path) -> Vault:
    vault = fresh_vault(root, {})
    with connect(vault, write="raw") as connection:
        connection.execute(
            f"""
            create schema raw.things;
            create table raw.things.many (number bigint primary key, text varchar not null default 'none');
            insert into raw.things.many select i, 'MARKED-' || i from range({ROWS}) as n (i);
            create table raw.things."odd name" (part struct(a int, b varchar[]), moment timestamptz);
            insert into raw.things."odd name" values ({{'a': 1, 'b': ['x', null]}}, '2026-01-01 00:00:00+00');
            create index by_text on raw.things.many (text);
            """
        )
    return vault


def schema(vault: Vault) -> list[tuple[object, ...]]:
    """All that is declared in the layer."""
    return rows(
        vault,
        """
        select schema_name, table_name, column_name, data_type, is_nullable, column_default
        from duckdb_columns() where database_name = 'raw'
        union all
        select schema_name, table_name, constraint_type, constraint_text, false, null
        from duckdb_constraints() where database_name = 'raw'
        union all
        select schema_name, table_name, index_name, sql, is_unique, null from duckdb_indexes()
        order by all
        """,
    )


def test_every_table_is_in_the_new_file_and_the_old_key_opens_nothing(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    before, old = (schema(vault), rows(vault, SUM), rows(vault, 'from raw.things."odd name"')), vault.layer_key("raw")
    assert rotate_layers(vault) == ("raw",)
    assert (schema(vault), rows(vault, SUM), rows(vault, 'from raw.things."odd name"')) == before
    assert vault.layer_key("raw") != old
    with duckdb.connect(":memory:") as connection, pytest.raises(JinkuError, match="layer_locked"):
        attach(connection, vault.home.layer("raw"), "raw", old, read_only=True)
    left = read_store(vault.home)
    assert left is not None and not left.following and not list((vault.home.root / "vault").glob("*.next*"))
    assert b"MARKED-7" not in vault.home.layer("raw").read_bytes()
    with connect(vault, write="raw") as connection, pytest.raises(duckdb.ConstraintException):
        connection.execute("insert into raw.things.many values (1, 'twice')")


def test_who_reads_goes_on_and_who_comes_later_reads_the_new_file(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(tmp_path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None and reader.stdin is not None
    assert reader.stdout.readline() == f"{ROWS}\n"
    rotate_layers(vault)
    reader.stdin.write("go on\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == f"{ROWS}\n", "from the file that it holds"
    assert reader.stdout.readline() == f"{ROWS}\n", "from the new file, with a vault opened before"
    assert reader.wait() == 0


READER = """
import sys
from tests.builders import opened
from pathlib import Path
from vault.layers import connect
vault, count = opened(Path(sys.argv[1])), "select count(*) from raw.things.many"
with connect(vault, read=("raw",)) as connection:
    print(*connection.execute(count).fetchone(), flush=True)
    sys.stdin.readline()
    print(*connection.execute(count).fetchone(), flush=True)
with connect(vault, read=("raw",)) as connection:
    print(*connection.execute(count).fetchone(), flush=True)
"""


def test_nobody_who_opens_a_layer_while_it_is_given_a_key_is_refused(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    rotation = subprocess.Popen([sys.executable, "-c", ROTATION, str(tmp_path)], cwd=PROJECT)
    readings = 0
    while rotation.poll() is None:
        assert rows(vault, SUM)[0][0] == rows(opened(tmp_path), SUM)[0][0] == ROWS
        readings += 1
    assert rotation.returncode == 0 and readings > 10


ROTATION = """
import sys
from tests.builders import opened
from pathlib import Path
from vault.layer_rotation import rotate_layers
for _ in range(3):
    rotate_layers(opened(Path(sys.argv[1])))
"""


def test_a_layer_that_is_written_keeps_its_key(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    key = vault.layer_key("raw")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    with pytest.raises(JinkuError, match="layer_busy"):
        rotate_layers(vault)
    writer.communicate()
    assert vault.layer_key("raw") == key and rows(vault, SUM)[0][0] == ROWS + 1


WRITER = """
import sys
from tests.builders import opened
from pathlib import Path
from vault.layers import connect
with connect(opened(Path(sys.argv[1])), write="raw") as connection:
    connection.execute("insert into raw.things.many values (-1, 'added')")
    print("writing", flush=True)
    sys.stdin.readline()
"""


def test_what_a_killed_writer_left_in_the_log_is_not_lost(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None and writer.stdout.readline() == b"writing\n"
    writer.kill()
    writer.wait()
    assert vault.home.layer("raw").with_suffix(".duckdb.wal").exists()
    rotate_layers(vault)
    assert rows(vault, SUM)[0][0] == ROWS + 1


def test_one_change_of_keys_at_a_time(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path)
    with changing_keys(vault.home), pytest.raises(JinkuError, match="keys_busy"):
        rotate_layers(vault)


KILLED = """
import os, signal, sys
from tests.builders import opened
from pathlib import Path
from vault.layer_rotation import rotate_layers
vault, left = opened(Path(sys.argv[1])), int(sys.argv[2])
def counted(original):
    def or_die(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    return or_die
for name in ("fsync", "replace", "chmod", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
rotate_layers(vault)
"""


@pytest.mark.faults
def test_killed_at_any_moment_every_row_is_within_reach(tmp_path: Path) -> None:
    vault = filled_vault(tmp_path / "origin")
    old, keys, call = vault.layer_key("raw"), set(), 0
    while True:
        call += 1
        home = copy_of(tmp_path / "origin", tmp_path / str(call))
        done = subprocess.run([sys.executable, "-c", KILLED, str(home), str(call)], cwd=PROJECT)
        assert done.returncode in (0, -signal.SIGKILL)
        copy = Vault(opened(home).home, vault.settings, vault.master)
        assert rows(copy, SUM) == rows(vault, SUM)
        assert not next_layer(copy.home, "raw").exists(), "the next opening ends what was left"
        keys.add(copy.layer_key("raw") == old)
        rotate_layers(open_vault(copy.home, vault.settings, {}))
        assert rows(copy, SUM) == rows(vault, SUM), "and it can be rotated again"
        if done.returncode == 0:
            break
    assert keys == {True, False} and call > 8
