"""Figures for Prometheus: requests and their durations by route, and what the market holds, counted when it is asked.

Source: Prometheus text exposition format 0.0.4.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from market_api.market import Market
from market_api.oversight.figures import Figures, market_figures
from market_api.problems import Problem
from market_api.schema import METADATA

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WITH_STATES = (
    "participants",
    "listings",
    "negotiations",
    "auctions",
    "orders",
    "entitlements",
    "disputes",
    "payouts",
    "holds",
    "cases",
)
"""Tables whose rows are counted by state."""

BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RequestFigures:
    """What is counted of requests in this process. A route is told by its template, so that ids make no new figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "jinku_market_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "jinku_market_request_seconds",
            "Time from a request to the end of its answer",
            ("route",),
            registry=self.registry,
            buckets=BUCKETS_SECONDS,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)


class MarketFigures(Collector):
    """What the market holds, asked of its database each time."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def describe(self) -> list[Metric]:
        """Nothing: what there is is known when it is asked."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures; where the database does not answer, that."""
        try:
            figures, counts = self._market.read(_asked)
        except Problem:
            yield GaugeMetricFamily("jinku_market_database_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("jinku_market_database_up", "Whether the database answers", value=1)
        yield GaugeMetricFamily("jinku_market_log_entries", "Entries of the black box", value=figures.log_entries)
        yield GaugeMetricFamily("jinku_market_disputes_open", "Disputes to be decided", value=figures.open_disputes)
        funds = GaugeMetricFamily("jinku_market_funds_fen", "Funds that are not spent, in fen", labels=("part",))
        funds.add_metric(("pending",), figures.pending_fen)
        funds.add_metric(("held",), figures.held_fen)
        yield funds
        things = GaugeMetricFamily("jinku_market_things", "What the market holds", labels=("kind", "state"))
        for kind, state, number in counts:
            things.add_metric((kind, state), number)
        yield things


def _asked(connection: sa.Connection) -> tuple[Figures, list[tuple[str, str, int]]]:
    tables = [METADATA.tables[name] for name in WITH_STATES if name in METADATA.tables]
    counted = [
        sa.select(sa.literal(table.name), table.c.state, sa.func.count()).group_by(table.c.state) for table in tables
    ]
    rows = connection.execute(sa.union_all(*counted))
    return market_figures(connection), [(kind, state, int(number)) for kind, state, number in rows]
