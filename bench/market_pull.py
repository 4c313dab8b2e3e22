"""Pulling: a million rows against a static file, a wide table through the public Delta Sharing client, and how long it
takes from an accepted offer to the first byte."""

import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure
from bench.market_homes import Shop
from bench.market_http import bare_server, market_server, token_of
from market_api.market import utc_now
from tests.builders import column
from tests.market_api.builders import a_market, a_participant
from tests.market_api.delivery.pulls import bought_by, free_port, listed, profile
from tests.market_api.delivery.releases import ALL_CHECKS, NAME, pulled_contract, released
from tests.market_api.delivery.releases import rows as small_rows
from tests.vault.releases.builds import NOON, evidence, release, vault_with_component
from vault.contract import ComponentContract

PULL_SHARE = 0.50
WIDE_SECONDS, FIRST_BYTE_SECONDS = 10.0, 1.0
KEYS = ("zone_id", "day_type", "pickup_hour")


def pull_figures(repeats: int) -> list[Figure]:
    """All three, each over a server of its own."""
    return [_throughput(repeats), _wide(repeats), _first_byte(repeats)]


@contextmanager
def _served(columns: int, rows: int) -> Iterator[tuple[Shop, int]]:
    """A market with one bought component of so many rows and columns, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        root, port = Path(folder), free_port()
        if columns:
            _release_of(root, columns, rows)
        else:
            released(root, [small_rows()])
        market = a_market(root, utc_now, public_url=f"http://127.0.0.1:{port}")
        listing_id = listed(market, a_participant(market, "developer").participant_id)
        own = Shop(market, root, listing_id, (a_participant(market),))
        with market_server(own, port):
            yield own, port


def _throughput(repeats: int) -> Figure:
    pairs = []
    with _served(20, 1_000_000) as (own, port):
        bought_by(own.market, own.buyers[0], own.listing_id)
        target = own.folder / "pulled.parquet"
        first = _pulled(own, port, target)
        static = free_port()
        with bare_server(own.folder, b"{}", own.folder / "same.json", static, target):
            for _ in range(repeats):
                bare = _downloaded(f"http://127.0.0.1:{static}/file", {}, own.folder / "static.parquet")
                pairs.append((bare, _pulled(own, port, target)))
        size = target.stat().st_size
    slowness = statistics.median(own_seconds / bare for bare, own_seconds in pairs)
    bare, seconds = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Figure(
        "market",
        "pull of 1 M rows x 20 columns, Parquet",
        slowness,
        "x",
        1 / PULL_SHARE,
        f"{size / 2**20 / seconds:.0f} MiB a second against {size / 2**20 / bare:.0f} of the same file served "
        f"statically; {size / 2**20:.0f} MiB; the first pull, which makes the marked copy, {first:.1f} s; "
        f"{repeats} repeats",
    )


def _wide(repeats: int) -> Figure:
    import delta_sharing

    with _served(100, 200_000) as (own, _):
        bought_by(own.market, own.buyers[0], own.listing_id)
        path = profile(own.market, own.buyers[0], own.folder)
        (table,) = delta_sharing.SharingClient(str(path)).list_all_tables()
        address = f"{path}#{table.share}.{table.schema}.{table.name}"
        seconds = []
        for _ in range(repeats + 1):
            started = time.perf_counter()
            assert delta_sharing.load_as_pandas(address).shape[1] == 100
            seconds.append(time.perf_counter() - started)
    return Figure(
        "market",
        "200,000 x 100 through delta-sharing",
        statistics.median(seconds[1:]),
        "s",
        WIDE_SECONDS,
        f"the first pull, which makes the marked copy, {seconds[0]:.1f} s; {repeats} repeats",
    )


def _first_byte(repeats: int) -> Figure:
    """From the acceptance of a price to the first byte of a component that nobody has pulled before."""
    seconds = []
    with _served(0, 0) as (own, port):
        for _ in range(repeats):
            buyer = a_participant(own.market)
            each = replace(own, buyers=(buyer,))
            started = time.perf_counter()
            bought_by(own.market, buyer, own.listing_id)
            with urllib.request.urlopen(_request(each, port), timeout=60) as answer:
                answer.read(1)
            seconds.append(time.perf_counter() - started)
    return Figure(
        "market",
        "agreed to first byte, 1,440 rows",
        statistics.median(seconds),
        "s",
        FIRST_BYTE_SECONDS,
        f"the copy is made, marked and reviewed meanwhile; longest {max(seconds):.2f} s; {repeats} repeats",
    )


def _release_of(root: Path, columns: int, rows: int) -> None:
    """A release of numbers, of which three columns carry marks."""
    figures = [f"figure_{number}" for number in range(columns - len(KEYS) - 1)]
    values = ", ".join(
        f"round((hash(row, {number}) % 100000) / 100.0, 2)::double as {name}" for number, name in enumerate(figures)
    )
    query = (
        "select 'zone:' || (row // 48) as zone_id, if(row % 2 = 0, 'workday', 'weekend') as day_type, "
        "((row // 2) % 24)::integer as pickup_hour, (11 + row % 37)::bigint as trips, "
        f"{values} from range({rows}) r (row)"
    )
    vault = vault_with_component(root, query)
    given = evidence(vault, contract=_contract(figures), checks=ALL_CHECKS)
    release(vault, given, NOON)


def _contract(figures: list[str]) -> ComponentContract:
    plain = [column(name, logicalType="number", role="measure", description="A figure") for name in figures]
    of_keys = pulled_contract().model_dump(mode="json", by_alias=True, exclude_none=True)["columns"][:4]
    told = pulled_contract().model_dump(mode="json", by_alias=True, exclude_none=True)
    return ComponentContract.model_validate(
        {**told, "columns": [*of_keys, *plain], "fingerprint": {"tolerance": dict.fromkeys(figures[:3], 0.8)}}
    )


def _pulled(own: Shop, port: int, target: Path) -> float:
    request = _request(own, port)
    return _downloaded(request.full_url, dict(request.header_items()), target)


def _request(own: Shop, port: int) -> urllib.request.Request:
    address = f"http://127.0.0.1:{port}/v1/components/{NAME}/data"
    return urllib.request.Request(address, headers={"Authorization": f"Bearer {token_of(own, 0)}"})


def _downloaded(address: str, headers: dict[str, str], target: Path) -> float:
    started = time.perf_counter()
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=300) as answer, target.open("wb") as file:
        while chunk := answer.read(1 << 20):
            file.write(chunk)
    return time.perf_counter() - started


if __name__ == "__main__":
    for figure in pull_figures(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        print(figure)
