"""Arm's length: whether the two sides of a sale are strangers, as far as the market can tell.

Where a screen of self-dealing or of wash trades speaks against them, they are not; it needs no proof, as a price leaves
nobody worse off by not being counted. Source: models §4.1, §5.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from market_api.screens.flags import ClearedTrade, Flag
from market_api.screens.self_dealing import Ownership, self_dealing
from market_api.screens.wash_trades import circular_flows, round_trips, unpulled_repeats


def doubtful_trades(
    trades: Sequence[ClearedTrade], owners: Ownership, providers: Mapping[str, frozenset[str]], as_of: datetime
) -> frozenset[str]:
    """The names of the trades that a screen speaks against. as_of: until when pulls were counted."""
    flags = [
        *self_dealing(trades, owners, providers),
        *round_trips(trades),
        *unpulled_repeats(trades, as_of),
        *circular_flows(trades),
    ]
    doubtful = _Doubtful(flags)
    return frozenset(trade.trade_id for trade in trades if doubtful.is_about(trade))


class _Doubtful:
    """Flags in the form in which a trade is held against them."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self._alone: set[str] = set()
        self._pairs: set[frozenset[str]] = set()
        self._buyers: set[tuple[str, str]] = set()
        self._rings: list[frozenset[str]] = []
        for flag in flags:
            if flag.kind == "owner_unknown":
                self._alone.update(flag.subjects)
            elif flag.kind == "provider_buys":
                self._buyers.add((flag.subjects[0], flag.subjects[1]))
            elif flag.kind == "circular_flow":
                self._rings.append(frozenset(flag.subjects))
            else:  # between two sides, whatever else the flag names
                self._pairs.add(frozenset(flag.subjects[:2]))

    def is_about(self, trade: ClearedTrade) -> bool:
        """Whether one of the flags is about the sides of a trade."""
        sides = frozenset({trade.buyer, trade.seller})
        return bool(
            sides & self._alone
            or sides in self._pairs
            or len(sides) == 1
            or (trade.buyer, trade.component) in self._buyers
            or any(sides <= ring for ring in self._rings)
        )
