"""The market's process has no key and finds none; what leaves the vault, it may read."""

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import PROJECT, collect_all, drop, fresh_vault, jinku_environment, source_contract
from vault.errors import JinkuError
from vault.isolation import market_environment
from vault.keys import LAYERS, open_keys
from vault.keys.master import master_path
from vault.layers import Vault, connect, dbt_environment
from vault.market_user import SETTING, MarketUser, hand_over, market_user

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


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start the market as another user: NOT TESTED")
SECONDS_TO_START = 30
READS = """
import json, os, sys
def read(path):
    try:
        return open(path, "rb").read(1) is not None
    except OSError as error:
        return type(error).__name__
print(json.dumps({path: read(path) for path in json.load(sys.stdin)}))
"""


def python_of_others() -> str:
    """An interpreter of this version that the user `nobody` may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin")):
        with_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            if python and not subprocess.run([python, "-c", ""], capture_output=True, **with_user).returncode:  # type: ignore[call-overload]
                return python
        except PermissionError:
            continue
    pytest.skip("no Python here that the user nobody may run: the market under a user of its own is NOT TESTED")


def others_environment(vault: Vault, **more: str) -> dict[str, str]:
    packages = sysconfig.get_paths()["purelib"]
    return {**jinku_environment(vault.home.root), "PYTHONPATH": packages, SETTING: "nobody", **more}


def answer_of(port: int, process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    until = time.monotonic() + SECONDS_TO_START
    while True:
        assert process.poll() is None and time.monotonic() < until, "the market did not start"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except OSError:
            time.sleep(0.2)


@AS_ROOT
def test_the_market_is_served_as_its_own_user_who_reads_no_file_of_the_vault(vault: Vault) -> None:
    python = python_of_others()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    vault.home.market.mkdir(parents=True)
    (vault.home.market / "market.log").write_text("from before it had a user")
    log = vault.home.root / "served.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "orchestration.command_line", "market", "serve", "--port", str(port)],
            env=others_environment(vault),
            cwd=PROJECT,
            stdout=output,
            stderr=output,
        )
    try:
        assert answer_of(port, process)["is_ready"], log.read_text()
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
        user = pwd.getpwnam("nobody")
        assert status["Uid"].split() == [str(user.pw_uid)] * 4 and status["Gid"].split() == [str(user.pw_gid)] * 4
        assert not status["Groups"].split() and int(status["CapEff"], 16) == 0
        folder = vault.home.market.stat()
        assert (folder.st_uid, stat.S_IMODE(folder.st_mode)) == (user.pw_uid, 0o700)
        assert {path.stat().st_uid for path in vault.home.market.rglob("*")} == {user.pw_uid}
        secret = [str(path) for path in files_of(vault)]
        shown = str(vault.home.releases / "table.csv")
        found = subprocess.run(
            [python, "-c", READS],
            input=json.dumps([*secret, shown]).encode(),
            stdout=subprocess.PIPE,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            cwd="/",
            check=True,
        )
        told = json.loads(found.stdout)
        assert len(secret) > 8 and told.pop(shown) is True
        assert set(told.values()) == {"PermissionError"}, told
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@AS_ROOT
def test_a_folder_that_is_not_apart_from_the_vault_is_handed_to_nobody(vault: Vault) -> None:
    user = MarketUser("nobody", NOBODY, NOBODY)
    link = vault.home.root.parent / "market"
    link.symlink_to(vault.home.root)
    for folder in (vault.home.root, vault.home.root.parent, vault.home.keys, vault.home.received / "market", link):
        with pytest.raises(JinkuError, match=r"market_user_refused: .* is not apart from the vault's"):
            hand_over(vault.home, user, {"JINKU_MARKET_FOLDER": str(folder)})
    assert {path.stat().st_uid for path in files_of(vault)} == {0}


@AS_ROOT
def test_links_in_the_markets_folder_hand_over_nothing_else(vault: Vault) -> None:
    user, key = MarketUser("nobody", NOBODY, NOBODY), master_path(vault.home)
    vault.home.market.mkdir(parents=True)
    (vault.home.market / "soft").symlink_to(key)
    (vault.home.market / "keys").symlink_to(vault.home.keys)
    (vault.home.market / "hard").hardlink_to(key)
    hand_over(vault.home, user, {})
    assert key.stat().st_uid == vault.home.keys.stat().st_uid == 0


@AS_ROOT
def test_releases_of_a_strict_umask_are_readable_to_the_market_and_to_nobody_else(vault: Vault) -> None:
    table = vault.home.releases / "zones" / "1" / "table.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"rows")
    for path in (vault.home.releases, table.parent.parent, table.parent):
        path.chmod(0o700)
    table.chmod(0o600)
    hand_over(vault.home, MarketUser("nobody", NOBODY, NOBODY), {})
    assert (stat.S_IMODE(table.stat().st_mode), table.stat().st_gid, table.stat().st_uid) == (0o640, NOBODY, 0)
    (table.parent / "later").mkdir()
    assert (table.parent / "later").stat().st_gid == NOBODY


@pytest.mark.parametrize(
    ("name", "own_uid", "cause"),
    [
        ("no-such-user", 0, "market_user_unknown: .*'no-such-user'"),
        ("root", 0, "market_user_refused: .*'root' is root"),
        ("nobody", NOBODY, "market_user_refused: .*'nobody' is the user of the vault itself"),
        ("nobody", 1000, "market_user_refused: .*this process is not root"),
    ],
)
def test_a_user_that_the_market_cannot_run_as_is_refused(name: str, own_uid: int, cause: str) -> None:
    with pytest.raises(JinkuError, match=cause):
        market_user({SETTING: name}, own_uid)


def test_without_the_setting_the_market_has_no_user_of_its_own() -> None:
    assert market_user({}, 0) is None and market_user({SETTING: ""}, 0) is None


@AS_ROOT
def test_an_unknown_user_is_one_clean_line_and_nothing_is_served(vault: Vault) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "orchestration.command_line", "market", "serve"],
        env={**jinku_environment(vault.home.root), SETTING: "no-such-user"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 1 and asked.stderr.startswith("error market_user_unknown: ")
    assert "Traceback" not in asked.stderr and not vault.home.market.exists()
