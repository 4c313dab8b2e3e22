"""How often one client may ask: a moving window for each credential, and for each address where none is known.

In any window of w seconds at most n requests of a client are let through, and none is refused while fewer were. Each
process counts for itself. The notation of a limit, such as '600/minute', is that of the library `limits`; its own
counts are not used, because they have a thread begin a hundred times a second, which goes through all clients.
"""

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from fastapi import Depends, Request
from limits import parse

from market_api.problems import Problem

NETWORK_BITS = 64
"""One client of IPv6 has this many bits of addresses to itself, so they are counted as one."""


class RateLimits:
    """The counts of one process. limit: such as "600/minute", else ValueError; seconds: a clock that only goes on."""

    def __init__(self, limit: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._limit = parse(limit)
        self._window_seconds = float(self._limit.get_expiry())
        self._seconds = seconds
        self._times: dict[str, deque[float]] = {}
        self._swept_at = seconds()
        self._lock = Lock()

    def count(self, client: str) -> None:
        """Count a request of a client. Raises Problem `rate_limited` where it is one too many, which is not counted."""
        wait_seconds = self._wait_seconds(client)
        if wait_seconds > 0:
            raise Problem(
                "rate_limited",
                f"More than {self._limit} were asked; wait {wait_seconds} seconds.",
                retry_after_seconds=wait_seconds,
            )

    def _wait_seconds(self, client: str) -> int:
        """0 where the request is let through, else whole seconds until one would be."""
        with self._lock:
            now = self._seconds()
            self._sweep(now)
            times = self._times.setdefault(client, deque())
            while times and times[0] <= now - self._window_seconds:
                times.popleft()
            if len(times) < self._limit.amount:
                times.append(now)
                return 0
            return max(1, math.ceil(times[0] + self._window_seconds - now))

    def _sweep(self, now: float) -> None:
        """Forget clients that did not ask for a window, once in a window."""
        if now - self._swept_at < self._window_seconds:
            return
        self._swept_at = now
        oldest = now - self._window_seconds
        self._times = {client: times for client, times in self._times.items() if times and times[-1] > oldest}


def count_caller(request: Request, credential: str) -> None:
    """Count a request of whoever was authenticated. Raises Problem `rate_limited`."""
    limits_of(request).count(f"caller {credential}")


def count_refusal(request: Request) -> None:
    """Count a request that failed to authenticate, by its address. Raises Problem `rate_limited`."""
    limits_of(request).count(f"address {network_of(address_of(request))}")


async def count_open(request: Request) -> None:
    """Count a request of an open endpoint, which nobody needs a token for. Raises Problem `rate_limited`."""
    count_refusal(request)


count_open.is_open = True  # type: ignore[attr-defined]  # for the test that holds every route to the table
OPEN = Depends(count_open)
"""The dependency of an open endpoint, in the place where others name their act."""


def limits_of(request: Request) -> RateLimits:
    """The counts of the application that answers."""
    limits: RateLimits = request.app.state.limits
    return limits


def address_of(request: Request) -> str:
    """Where a request comes from, as the server sees it: what a header says about it could be anybody's."""
    return "unknown" if request.client is None else request.client.host


def network_of(address: str) -> str:
    """What one client may be counted by: its address, of IPv6 the network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped is not None:
        return str(found)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
