"""The market behind the pages that tell how it is used: served over the releases of a city, with everybody whom a
reader does not play. `python -m tests.market_pages` prints the addresses as docs/market.md lists them."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from market_api.app import application
from market_api.client import Market, Terms, apply
from market_api.housekeeping import run_once
from market_api.identity.participants import first_operator
from market_api.market import Market as Own
from market_api.web.documentation import operations_of
from tests.market_api.builders import SetClock, a_market
from tests.market_api.delivery.pulls import free_port, running

POSTED, ON_REQUEST = "zone_hourly_mobility", "trip_demand_features"
OWNER = "team:mobility"
FUNDS_FEN = 10_000_000
LATER = re.compile(r"<!-- (\d+) days later -->\n\n$")
"""Stands before a block that a reader comes to later; nobody sees it."""


@dataclass
class PageMarket:
    """A market, and what a page's blocks are told of it. operator: None where the page makes it."""

    own: Own
    clock: SetClock
    url: str
    operator: Market | None
    environment: dict[str, str] = field(default_factory=dict)

    def meanwhile(self, text_before: str) -> None:
        """What others do before a block: time passes where the page says so, and the operator admits and books."""
        if later := LATER.search(text_before):
            self.clock.move(days=int(later[1]))
            run_once(self.own)
        if self.operator is None:
            return
        for each in list(self.operator.operating.participants("applied")):
            is_seller = each.role == "developer"
            self.operator.operating.admit(each.participant_id, OWNER if is_seller else None)
            if not is_seller:
                self.operator.operating.deposit(each.participant_id, FUNDS_FEN, f"BANK{each.participant_id[-12:]}")


@contextmanager
def market_of(page: str, home: Path) -> Iterator[PageMarket]:
    """The market of a page by its name, over a home, in the folder where the page's commands look for it."""
    port, clock = free_port(), SetClock(datetime.now(UTC))
    url = f"http://127.0.0.1:{port}"
    own = a_market(home, clock, public_url=url, notice_days=0)
    with running(own, port):
        operator = None if page == "operator.md" else Market(url, *first_operator(own))
        found = PageMarket(own, clock, url, operator, {"MARKET": url, "JINKU_MARKET_URL": url})
        if page == "app-developer.md":
            with_goods(found)
        elif page == "regulator.md":
            with_goods(found)
            with_trades_to_see(found)
        yield found


def with_goods(found: PageMarket) -> None:
    """Two components on sale, and an auction of each that is open for a day."""
    developer = joined(found, "developer", "Zhihui Mobility")
    terms = Terms(("transport_planning", "urban_management"), users=10, pulls=24)
    narrow = Terms(("transport_planning",), users=10, pulls=24)
    own_id = developer.account().participant_id
    posted = developer.selling.list_release(f"{POSTED}@1", terms, {own_id: "1"})
    on_request = developer.selling.list_release(f"{ON_REQUEST}@1", narrow, {own_id: "1"}, is_posted=False)
    now = found.clock()
    tomorrow, announce = now + timedelta(days=1), developer.selling.announce
    announce(on_request.listing_id, "english", narrow, 1_000, now, tomorrow)
    announce(posted.listing_id, "sealed_second", narrow, 1, now, tomorrow, now + timedelta(days=3))
    run_once(found.own)


def with_trades_to_see(found: PageMarket) -> None:
    """A sale, and a regulator whose id and secret the page is told."""
    joined(found, "app_developer", "Luwang Navigation").buy(POSTED, ["urban_management"])
    run_once(found.own)
    assert found.operator is not None
    told = {"role": "regulator", "registered_name": "Data Bureau"}
    enrolled = found.operator.connection.post("/v1/participants", told)
    found.operator.operating.admit(enrolled["participant_id"])
    found.environment |= {"CLIENT_ID": enrolled["client_id"], "CLIENT_SECRET": enrolled["client_secret"]}


def joined(found: PageMarket, role: str, name: str) -> Market:
    """Somebody who applied and was admitted."""
    applied = apply(found.url, role, name)
    found.meanwhile("")
    return Market(found.url, applied.client_id, applied.client_secret)


def addresses() -> str:
    """Every address of the market as a table: what it is, who may, and one line about it."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(operations_of(application(a_market(Path(folder)))))
    lines = ["| address | act | is |", "|---|---|---|"]
    for each in found:
        act = f"`{each.act}`" if each.act else "open"
        lines.append(f"| `{each.method} {each.path}` | {act} | {each.summary} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(addresses())
