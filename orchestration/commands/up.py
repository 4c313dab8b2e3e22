"""`jinku up`: Dagster's UI and daemon on loopback; both end when this command ends."""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from rich.console import Console

from orchestration.city import found_city
from orchestration.commands.run import refuse_faulty_declarations
from orchestration.declarations import PROJECT
from orchestration.recovery import end_killed_runs, is_held, sole
from orchestration.running import instance


def serve(console: Console, port: int) -> int:
    """Start both, wait, and stop both when either ends or the command is interrupted."""
    refuse_faulty_declarations()
    vault = found_city()
    environment = {**os.environ, "JINKU_HOME": str(vault.home.root), "DAGSTER_HOME": str(vault.home.dagster)}
    with sole(vault.home, "up") as lock:
        storage = instance(vault.home)
        if not is_held(vault.home, "run"):
            end_killed_runs(storage, only_from_terminal=False)
        processes = [
            subprocess.Popen(command, env=environment, cwd=PROJECT, pass_fds=(lock,)) for command in _commands(port)
        ]
        signal.signal(signal.SIGTERM, _interrupt)
        console.print(f"Dagster on http://127.0.0.1:{port} (Ctrl-C stops it)")
        return _wait(processes)


def _commands(port: int) -> tuple[list[str], ...]:
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    return (
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *workspace],
        [sys.executable, "-m", "dagster._daemon", "run", *workspace],
    )


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
