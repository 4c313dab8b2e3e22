"""Measuring a process: wall time and the most memory it held, as the kernel counts them."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """One run of a command, from its start to its end."""

    wall_seconds: float
    peak_memory_bytes: int
    output: str = ""


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end in the project's folder. Raises RuntimeError with its output where it fails."""
    started = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = process.stdout.read() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-4000:]}")
    return Measured(seconds, usage.ru_maxrss * 1024, output)


def median_seconds(runs: Sequence[Measured]) -> float:
    """The middle wall time."""
    return statistics.median(run.wall_seconds for run in runs)


def peak_bytes(runs: Sequence[Measured]) -> int:
    """The most memory any of the runs held."""
    return max(run.peak_memory_bytes for run in runs)
