"""Self-dealing: trades between two sides that are one, by who owns them in the end.

Owners are compared and never named: what a flag tells is which participants share one. Whoever has no owner on record
is flagged for that, since nothing can be said of them. Source: models §6 (beneficial-owner de-duplication, seller and
affiliates barred).
"""

from collections.abc import Iterator, Mapping, Sequence

from market_api.screens.flags import ClearedTrade, Flag, flag, named
from pricing.money import format_fen

Ownership = Mapping[str, frozenset[str]]
"""By participant, who owns it in the end."""

LEAST_TRADES = 1


def self_dealing(
    trades: Sequence[ClearedTrade], owners: Ownership, providers: Mapping[str, frozenset[str]]
) -> Iterator[Flag]:
    """Trades whose buyer shares an owner with the seller, or with a provider of the very component.

    providers: the participants whose sources a component is made from.
    """
    between: dict[tuple[str, str], list[ClearedTrade]] = {}
    own_sources: dict[tuple[str, str], list[ClearedTrade]] = {}
    for trade in trades:
        buyer = _owners(trade.buyer, owners)
        if buyer & _owners(trade.seller, owners):
            between.setdefault((trade.buyer, trade.seller), []).append(trade)
        if any(buyer & _owners(name, owners) for name in providers.get(trade.component, frozenset())):
            own_sources.setdefault((trade.buyer, trade.component), []).append(trade)
    for (buyer_name, seller), found in sorted(between.items()):
        why = f"{buyer_name} and {seller} are owned by the same in the end; {_told(found)}."
        yield flag("shared_owner", (buyer_name, seller), len(found), LEAST_TRADES, why)
    for (buyer_name, component), found in sorted(own_sources.items()):
        why = f"{buyer_name} is, or is owned by the owner of, a provider of {component}; {_told(found)}."
        yield flag("provider_buys", (buyer_name, component), len(found), LEAST_TRADES, why)
    yield from _unknown(trades, owners)


def _unknown(trades: Sequence[ClearedTrade], owners: Ownership) -> Iterator[Flag]:
    traded: dict[str, int] = {}
    for trade in trades:
        for name in {trade.seller, trade.buyer}:
            traded[name] = traded.get(name, 0) + 1
    for name, count in sorted(traded.items()):
        if not owners.get(name):
            why = f"{name} traded {count} times and has no beneficial owner on record, so nothing can be said of it."
            yield flag("owner_unknown", (name,), count, LEAST_TRADES, why)


def _owners(participant: str, owners: Ownership) -> frozenset[str]:
    """The participant itself is among them: who sells to itself has one owner, whatever the record says."""
    return owners.get(participant, frozenset()) | {participant}


def _told(trades: Sequence[ClearedTrade]) -> str:
    return f"{format_fen(sum(trade.price_fen for trade in trades))} in {len(trades)} trades: {named(trades)}"
