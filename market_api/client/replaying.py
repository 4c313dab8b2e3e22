"""Replaying an auction from its record, by anybody who holds it: nothing of it is taken on the market's word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from market_api.auctions.outcome import RecordedBid, awards_of, outcome_of
from market_api.auctions.rules import Rules
from pricing.draw import seed_kept


def replayed_awards(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The awards that follow from a record's rules, bids and seed, as `Market.record` gives it.

    Raises ValueError where rules, seed or a bid are not those that were committed to.
    """
    rules, seed = Rules.read(record["rules"]), bytes.fromhex(record["seed"])
    if rules.hash != record["rules_hash"]:
        raise ValueError("the rules are not those that were announced")
    if not seed_kept(seed, rules.seed_commitment):
        raise ValueError("the seed is not the one that was committed to")
    bids = [RecordedBid(**{**each, "made_at": datetime.fromisoformat(each["made_at"])}) for each in record["items"]]
    return awards_of(outcome_of(rules, bids, seed))
