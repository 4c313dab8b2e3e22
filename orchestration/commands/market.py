"""`jinku market` and `jinku trace`: the market's own command line, in a process that has no key of the vault."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from vault.home import home_from
from vault.isolation import market_environment


def become_market(arguments: Sequence[str]) -> NoReturn:
    """Go on as the market's command: from here on this process knows releases and the market's own folder alone."""
    environment = market_environment(os.environ, home_from(os.environ))
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "market_api", *arguments], dict(environment))
