"""What is traded in tests: a component that was really released, and a listing of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from market_api.catalogue.clearance import signed_datasheet
from market_api.catalogue.tables import listings
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.market import Market, Transaction
from market_api.problems import Problem
from market_api.states import LISTING, advance, begin, locked
from market_api.trading.terms import Terms
from tests.market_api.builders import Participant
from tests.vault.releases.builds import NAME, release, vault_with_component

Result = TypeVar("Result")

RELEASE = f"{NAME}@1"
OFFERED = Terms(("transport_planning", "urban_management"), users=10, term_days=365, pulls=24)
ASKED = Terms(("transport_planning",), users=3, term_days=180, pulls=12)
EXCLUSIVE = Terms(("transport_planning",), users=3, term_days=180, exclusive_days=90, pulls=12)


def released_component(folder: Path) -> Path:
    """A folder with a release and the public key that signed it, as a market reads them."""
    vault = vault_with_component(folder / "vault")
    release(vault)
    for name in ("releases", "public"):
        shutil.copytree(vault.home.root / name, folder / name)
    return folder


def copied(released: Path, folder: Path) -> Path:
    """The same in a folder of the test's own."""
    for name in ("releases", "public"):
        shutil.copytree(released / name, folder / name)
    return folder


def a_listing(market: Market, seller: Participant, **changes: Any) -> str:
    """A listing of the release: P' 80,000 fen, P¹ 100,000, P² 100,000, no posted price; gives its name."""

    def listed(transaction: Transaction) -> str:
        values = {
            "listing_id": transaction.new_identifier("lst"),
            "component": NAME,
            "release_number": 1,
            "release_id": RELEASE,
            "seller_id": seller.participant_id,
            "application_field": "governance",
            "title_en": "Hourly mobility by zone",
            "title_zh": "分区小时出行",
            "search_text": "hourly mobility by zone",
            "regime": "market",
            "cost_fen": 80_000,
            "negotiated_fen": 100_000,
            "guide_fen": 100_000,
            "price_order_fen": 2**62,
            "terms": json.dumps(OFFERED.document()),
            "shares": json.dumps([[seller.participant_id, "1"]]),
            "datasheet_hash": signed_datasheet(market.settings, RELEASE).hash,
            "facts": "{}",
            "rows_id": "",
            "concepts": "[]",
            **changes,
        }
        begin(transaction, LISTING, listings, values, {})
        return str(values["listing_id"])

    return market.act("market", listed)


def move_listing(market: Market, listing_id: str, event: str) -> None:
    """Freeze, release or retire a listing."""

    def moved(transaction: Transaction) -> None:
        advance(transaction, LISTING, listings, locked(transaction, LISTING, listings, listing_id), event, {})

    market.act("market", moved)


def lose_clearance(market: Market) -> None:
    """Have the release be gone, so that nothing says any more that it may be traded."""
    shutil.rmtree(market.settings.releases / NAME)


def acted(market: Market, who: Participant, do: Callable[..., Result], *given: Any, **named: Any) -> Result:
    """What a participant does in a transaction. do: takes the transaction, the participant's id, and what is given."""
    name = who.participant_id
    return market.act(name, lambda transaction: do(transaction, name, *given, **named))


def refused(code: str, do: Callable[..., Any], *given: Any, **named: Any) -> Problem:
    """The refusal of what is tried: `do` with what is given to it."""
    with pytest.raises(Problem) as caught:
        do(*given, **named)
    assert caught.value.code == code, caught.value.detail
    return caught.value


def is_proven(market: Market) -> bool:
    """Whether the ledger adds up and the black box verifies."""
    market.seal()
    faults = market.read(ledger_faults)
    verified = market.verify()
    return not faults and market.read(total_fen) == 0 and not verified.problems
