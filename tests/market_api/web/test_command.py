"""The command: it makes the first operator once, serves, and stops when it is told to, each in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

START_SECONDS = 30


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "releases").mkdir()
    (tmp_path / "public").mkdir()
    return {
        **os.environ,
        "JINKU_RELEASES": str(tmp_path / "releases"),
        "JINKU_MARKET_TRUST": str(tmp_path / "public"),
        "JINKU_MARKET_FOLDER": str(tmp_path / "market"),
    }


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "market_api", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_the_market_is_served_from_the_command_until_it_is_told_to_stop(
    environment: dict[str, str], tmp_path: Path
) -> None:
    made = subprocess.run(command("operator"), env=environment, capture_output=True, text=True)
    client_id, secret = (line.split()[1] for line in made.stdout.splitlines())
    again = subprocess.run(command("operator"), env=environment, capture_output=True, text=True)
    assert again.returncode == 1 and again.stderr.startswith("error operator_there: ") and again.stdout == ""

    address = f"http://127.0.0.1:{(port := free_port())}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command("serve", "--port", str(port)), env=environment, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while not is_alive(address):
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.05)
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = httpx.post(f"{address}/oauth/token", data=form).json()["access_token"]
        account = httpx.get(f"{address}/v1/account", headers={"Authorization": f"Bearer {token}"}).json()
        assert account["role"] == "operator"
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)
    finally:
        process.kill()
    told = (tmp_path / "log").read_text()
    assert secret not in told and token not in told and all(line.startswith("{") for line in told.splitlines())
    assert (tmp_path / "market" / "witness" / "checkpoints.jsonl").exists()


def test_a_market_that_is_not_described_is_not_served(environment: dict[str, str]) -> None:
    del environment["JINKU_RELEASES"]
    refused = subprocess.run(command("serve"), env=environment, capture_output=True, text=True)
    assert refused.returncode == 1 and refused.stderr.startswith("error market_not_set: ")
    assert len(refused.stderr.splitlines()) == 1


def is_alive(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False
