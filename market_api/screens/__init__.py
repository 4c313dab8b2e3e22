"""Screens: patterns in closed trades and auctions that a regulator may want to look at. They flag; people decide."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from market_api.screens.bidding import rotation, suppressed_variance
from market_api.screens.concentration import concentration_flags, concentrations
from market_api.screens.flags import Auction, ClearedTrade, Flag
from market_api.screens.price_outliers import off_guide, price_outliers
from market_api.screens.self_dealing import Ownership, self_dealing
from market_api.screens.wash_trades import circular_flows, round_trips, unpulled_repeats


def screened(
    trades: Sequence[ClearedTrade],
    auctions: Sequence[Auction],
    owners: Ownership,
    providers: Mapping[str, frozenset[str]],
    as_of: datetime,
) -> tuple[Flag, ...]:
    """All flags of all screens, by kind and subjects. as_of: until when pulls were counted.

    owners: beneficial owners by participant; providers: participants by component. Raises ValueError for a time without
    a zone.
    """
    found = [
        *concentration_flags(concentrations(trades)),
        *self_dealing(trades, owners, providers),
        *round_trips(trades),
        *unpulled_repeats(trades, as_of),
        *circular_flows(trades),
        *price_outliers(trades),
        *off_guide(trades),
        *rotation(auctions),
        *suppressed_variance(auctions),
    ]
    return tuple(sorted(found, key=lambda flag: (flag.kind, flag.subjects, flag.explanation)))
