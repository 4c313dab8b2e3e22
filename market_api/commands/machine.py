"""The market on its own machine: its folder and database, where there is one."""

import os

from market_api.keys import FILE_NAME
from market_api.market import Market, open_market
from market_api.settings import settings_of
from vault.errors import JinkuError


def standing_market() -> Market:
    """The market that the environment describes, where there is one. Raises JinkuError `market_absent`."""
    settings = settings_of(os.environ)
    if not (settings.folder / "keys" / FILE_NAME).exists():
        raise JinkuError(
            "market_absent", "there is no market yet", str(settings.folder), "Start it with `jinku market serve`."
        )
    return open_market(settings)
