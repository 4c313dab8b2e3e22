"""A PostgreSQL server of its own for a test: made in seconds, stopped and removed when the test is done.

The server listens on the loopback address alone, trusts whoever connects and, unless it is to be durable, syncs nothing
to disk. It dies with the process that started it, also where that one is killed.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

NOBODY = 65534
"""PostgreSQL refuses to be run by root; then it is run by this user."""

START_SECONDS = 30
CONNECTIONS_MAX = 400


@dataclass
class PostgresServer:
    """A server that can be killed and started again over the same data. url: of its one database."""

    url: str
    log: Path
    command: list[str | Path]
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers, also where what a killed one left is only just ending."""
        until = time.monotonic() + START_SECONDS
        while True:
            with self.log.open("ab") as lines:
                self._process = subprocess.Popen(_as_server(self.command), cwd="/", stdout=lines, stderr=lines)
            if _answers(self.url, self._process, until):
                return
            assert time.monotonic() < until, self.log.read_text()

    def kill(self) -> None:
        """End it as a loss of power would; its clients' connections are cut."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Have it hang with all its connections: it is there, and answers nothing until `resume`."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for process_id in (self._process.pid, *map(int, children)):
            os.kill(process_id, number)

    def stop(self) -> None:
        """The fast shutdown: open connections are ended."""
        self._end(signal.SIGINT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=START_SECONDS)
            self._process = None


@contextmanager
def throwaway_postgres(folder: Path, *, is_durable: bool = False) -> Iterator[str]:
    """The URL (`postgresql+psycopg://...`) of an empty server; its log is `postgres.log` in the folder.

    The test is skipped, with the reason, where PostgreSQL is not installed.
    """
    with restartable_postgres(folder, is_durable=is_durable) as server:
        yield server.url


@contextmanager
def restartable_postgres(folder: Path, *, is_durable: bool = False) -> Iterator[PostgresServer]:
    """The same as a server that can be killed and started again.

    The data do not lie in the folder itself: another user runs the server, who may not reach it.
    """
    programs = _programs()
    data = Path(tempfile.mkdtemp(prefix="jinku-postgres-"))
    try:
        if os.getuid() == 0:
            os.chown(data, NOBODY, NOBODY)
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        made = subprocess.run(_as_server(initdb), cwd="/", capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        port = _free_port()
        url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={data}")
        settings += (f"max_connections={CONNECTIONS_MAX}",)  # pools of markets that are done with keep some open
        settings += () if is_durable else ("fsync=off", "full_page_writes=off")
        command = [programs / "postgres", "-D", data, *(part for one in settings for part in ("-c", one))]
        server = PostgresServer(url, folder / "postgres.log", command)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


def fresh_database(url: str) -> str:
    """The URL of an empty database on that server, made in some 0.1 s: so that tests can share one server."""
    server = sa.make_url(url)
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def remove_database(url: str) -> None:
    """Remove a database that `fresh_database` made, and end whatever connections to it are left."""
    address = sa.make_url(url)
    with psycopg.connect(_dsn(address.set(database="postgres").render_as_string(False)), autocommit=True) as connection:
        connection.execute(f"drop database {address.database} with (force)")


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders or not (folders[-1] / "initdb").exists():
        pytest.skip("PostgreSQL is not installed: no initdb in the PATH or below /usr/lib/postgresql")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed: a server could outlive its test")
    return folders[-1]


def _as_server(command: list[str | Path]) -> list[str]:
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "INT", *map(str, command)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(url: str, server: subprocess.Popen[bytes], until: float) -> bool:
    """Wait until a server answers; False where it has ended instead."""
    while server.poll() is None:
        try:
            psycopg.connect(_dsn(url), connect_timeout=2).close()
            return True
        except psycopg.OperationalError:
            if time.monotonic() > until:
                server.kill()
                server.wait()
            time.sleep(0.05)
    return False


def _dsn(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
