"""`jinku up`: Dagster's UI and daemon, the reports and the market on loopback; all end when this command ends."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from rich.console import Console

from orchestration.city import found_city
from orchestration.declarations import PROJECT, declarations, refuse_faulty
from orchestration.recovery import end_killed_runs, is_held, sole
from orchestration.running import instance
from vault.home import Home
from vault.isolation import market_environment
from vault.key_use import record_key_use
from vault.market_user import MarketUser, cannot_run, hand_over, market_user


def serve(console: Console, port: int, reports_port: int, market_port: int) -> int:
    """Start all, wait, and stop all when one ends or the command is interrupted."""
    refuse_faulty(declarations())
    user = market_user(os.environ, os.geteuid())
    vault = found_city()
    record_key_use(vault, "up", datetime.now(UTC), "jinku")
    reports_url = os.environ.get("JINKU_REPORTS_URL") or f"http://127.0.0.1:{reports_port}"
    environment = {
        **os.environ,
        "JINKU_HOME": str(vault.home.root),
        "JINKU_REPORTS_URL": reports_url,
        "DAGSTER_HOME": str(vault.home.dagster),
    }
    with sole(vault.home, "up") as lock:
        storage = instance(vault.home)
        if not is_held(vault.home, "run"):
            end_killed_runs(storage, only_from_terminal=False)
        market_url = os.environ.get("JINKU_MARKET_URL") or f"http://127.0.0.1:{market_port}"
        processes = [_market(market_port, market_url, vault.home, lock, user)]
        processes += [
            subprocess.Popen(command, env=environment, cwd=PROJECT, pass_fds=(lock,)) for command in _commands(port)
        ]
        processes.append(
            subprocess.Popen(
                _reports_command(reports_port, vault.home),
                env=market_environment(os.environ, vault.home),  # it serves pages and needs no key
                cwd=PROJECT,
                pass_fds=(lock,),
                stderr=subprocess.DEVNULL,  # it would log every request
            )
        )
        signal.signal(signal.SIGTERM, _interrupt)
        console.print(
            f"Dagster on http://127.0.0.1:{port}, reports on {reports_url}/quality/, market on {market_url}/docs "
            "(Ctrl-C stops all)"
        )
        return _wait(processes)


def _commands(port: int) -> tuple[list[str], ...]:
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    return (
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *workspace],
        [sys.executable, "-m", "dagster._daemon", "run", *workspace],
    )


def _reports_command(port: int, home: Home) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(home.reports)]


def _market(port: int, url: str, home: Home, lock: int, user: MarketUser | None) -> subprocess.Popen[bytes]:
    """The market's process, as a user of its own where one is set: it knows releases and its own folder; its log lies
    in `market` below the home."""
    home.market.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _appended(home.market / "market.log") as log:
        if user is not None:
            hand_over(home, user, os.environ)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "market_api", "serve", "--port", str(port)],
                env={**market_environment(os.environ, home), "JINKU_MARKET_URL": url},
                cwd=PROJECT,
                pass_fds=(lock,),
                stdout=log,
                stderr=log,
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else [],
            )
        except PermissionError:
            if user is None:
                raise
            raise cannot_run(user, sys.executable) from None


def _appended(path: Path) -> BinaryIO:
    """A file that lies in a folder of somebody else: a link there would have the vault write wherever it leads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")


def _wait(processes: list[subprocess.Popen[bytes]]) -> int:
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
