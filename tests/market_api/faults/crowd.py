"""A crowd of clients in processes of their own, each with many threads, that all send their request at one moment.

`python -m tests.market_api.faults.crowd` reads what is to be sent from standard input and writes the answers.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from tests.market_api.builders import Participant
from tests.market_api.faults.servers import ROOT

GATHERED_SECONDS = 3.0
ANSWERED_SECONDS = 180


@dataclass(frozen=True)
class Ask:
    """One request. headers: those of the participant, with its key."""

    path: str
    headers: dict[str, str]
    body: Any = None

    @classmethod
    def of(cls, who: Participant, path: str, body: Any = None) -> "Ask":
        return cls(path, who.changing, body)


@dataclass(frozen=True)
class Said:
    """The answer to one request."""

    status: int
    document: dict[str, Any]
    headers: dict[str, str]


def all_at_once(url: str, asks: Sequence[Ask], processes: int = 4) -> list[Said]:
    """Send all of them at one moment, shared out over processes; gives the answers in the order of the requests."""
    at = time.time() + GATHERED_SECONDS
    command = [sys.executable, "-W", "ignore", "-m", "tests.market_api.faults.crowd"]
    running = []
    for number in range(processes):
        told = {"url": url, "at": at, "asks": [asdict(each) for each in asks[number::processes]]}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdin is not None
        process.stdin.write(json.dumps(told).encode())
        process.stdin.close()
        running.append(process)
    found: list[Said] = [Said(0, {}, {})] * len(asks)
    for number, process in enumerate(running):
        assert process.stdout is not None
        answers = [Said(**each) for each in json.loads(process.stdout.read())]
        assert process.wait(timeout=ANSWERED_SECONDS) == 0
        found[number::processes] = answers
    return found


def _sent(url: str, at: float, asks: Sequence[Ask]) -> list[Said]:
    ready = threading.Barrier(len(asks))

    def send(ask: Ask) -> Said:
        with httpx.Client(base_url=url, timeout=ANSWERED_SECONDS) as client:
            client.get("/health")  # so that the connection is there
            ready.wait()
            time.sleep(max(0.0, at - time.time()))
            answer = client.post(ask.path, json=ask.body, headers=ask.headers)
        return Said(answer.status_code, answer.json(), dict(answer.headers))

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(send, asks))


if __name__ == "__main__":
    given = json.load(sys.stdin)
    answers = _sent(given["url"], given["at"], [Ask(**each) for each in given["asks"]])
    json.dump([asdict(each) for each in answers], sys.stdout)
