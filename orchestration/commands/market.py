"""`jinku market` and `jinku trace`: the market's own command line, in a process that has no key of the vault."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from vault.home import home_from
from vault.isolation import market_environment
from vault.market_user import become, hand_over, market_user

OF_THE_FOLDER = frozenset({"serve", "operator", "verify", "trace"})
"""Commands at work in the market's own folder; the others are those of its participants, and ask it over HTTP."""


def become_market(arguments: Sequence[str]) -> NoReturn:
    """Go on as the market's command: from here on this process knows releases and the market's own folder alone, and is
    the market's user where one is set.

    Raises JinkuError as `vault.market_user` does.
    """
    home = home_from(os.environ)
    environment = market_environment(os.environ, home)
    command = [sys.executable, "-m", "market_api", *arguments]
    user = market_user(os.environ, os.geteuid()) if OF_THE_FOLDER & {*arguments[:1]} else None
    sys.stdout.flush()
    if user is not None:
        hand_over(home, user, os.environ)
        become(user, command, environment)
    os.execve(sys.executable, command, dict(environment))
