"""`jinku up`: the same graph in Dagster's UI on loopback, with a daemon that works, and an end to both."""

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.builders import PROJECT, copy_of, jinku, jinku_command, jinku_environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS_TO_START = 120
IN_CLOSED_NETWORKS = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def served(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, subprocess.Popen[bytes]]]:
    """A city that is up: its home, its port and its process."""
    home = copy_of(city, tmp_path_factory.mktemp("up"))
    port = _free_port()
    others = ("--reports-port", str(_free_port()), "--market-port", str(market_port(port)))
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            jinku_command("up", "--port", str(port), *others),
            cwd=PROJECT,
            env=jinku_environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, (home / "up.log").read_text()
        yield home, port, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@cache
def market_port(port: int) -> int:
    """The port of the market beside the UI at a port."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        return bool(asked(port, "{version}"))
    except OSError:
        return False


def _wait_for(is_true: Any) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while not is_true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)


def asked(port: int, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        data: dict[str, Any] = json.load(answer)["data"]
    return data


def test_the_graph_is_there(served: tuple[Path, int, subprocess.Popen[bytes]]) -> None:
    _, port, _ = served
    nodes = asked(port, "{assetNodes {assetKey {path} isMaterializable groupName}}")["assetNodes"]
    built = [node for node in nodes if node["isMaterializable"]]
    assert len(built) == 70
    groups = {node["groupName"] for node in built}
    assert groups == {"raw", "base", "resource", "components", "valuation", "releases", "products"}


def test_sensors_and_schedule_are_kept_by_a_living_daemon(served: tuple[Path, int, subprocess.Popen[bytes]]) -> None:
    _, port, _ = served
    health = "{instance {daemonHealth {allDaemonStatuses {daemonType required healthy}}}}"

    def all_healthy() -> bool:
        statuses = asked(port, health)["instance"]["daemonHealth"]["allDaemonStatuses"]
        needed = {status["daemonType"]: status["healthy"] for status in statuses if status["required"]}
        return {"SENSOR", "SCHEDULER", "ASSET"} <= set(needed) and all(needed.values())

    _wait_for(all_healthy)


def test_the_market_is_served_beside_it_without_a_key_of_the_vault(
    served: tuple[Path, int, subprocess.Popen[bytes]],
) -> None:
    home, port, process = served

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{market_port(port)}/ready", timeout=5) as answer:
                return bool(json.load(answer)["is_ready"])
        except OSError:
            return False

    _wait_for(is_ready)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    markets = [child for child in children if b"market_api" in Path(f"/proc/{child}/cmdline").read_bytes()]
    environment = Path(f"/proc/{markets[0]}/environ").read_bytes().decode()
    assert len(markets) == 1
    assert not [name for name in ("JINKU_HOME", "SECRET", "MASTER_KEY") if name in environment]
    assert str(home / "releases") in environment


def test_a_second_one_over_the_same_home_is_refused(served: tuple[Path, int, subprocess.Popen[bytes]]) -> None:
    home, _, _ = served
    second = jinku(home, "up")
    assert second.returncode == 1 and "already_running" in second.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine, so no page was looked at")
def test_a_browser_shows_a_component_with_its_contract(served: tuple[Path, int, subprocess.Popen[bytes]]) -> None:
    from playwright.sync_api import sync_playwright

    _, port, _ = served
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *IN_CLOSED_NETWORKS])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/assets/components/zone_hourly_mobility")
        page.get_by_text("Hourly mobility by zone (分区小时出行)").wait_for(timeout=60_000)
        page.get_by_text("Place key of the taxi zone").wait_for()
        page.get_by_text("field: governance").wait_for()
        browser.close()
