"""The quality pages that a steward reads: static files, one for each asset and one overview. This is their door.

They need no network and no script, and hold counts, rates and places of failing rows, never a value of the data.
"""

from expectations.pages_asset import AssetReport, write_asset_page
from expectations.pages_overview import (
    AssetWords,
    HasWeights,
    OverviewLine,
    overview_of,
    write_overview,
    write_overview_of,
)

__all__ = [
    "AssetReport",
    "AssetWords",
    "HasWeights",
    "OverviewLine",
    "overview_of",
    "write_asset_page",
    "write_overview",
    "write_overview_of",
]
