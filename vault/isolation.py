"""The other side of the wall: what the market's process is given, and nothing else.

The vault's process writes releases and never reads the market; the market's process reads releases and has no key to
anything else: not in its environment, and, run as a user of its own, not in any file. Source: models §7, architecture.
"""

import re
from collections.abc import Mapping

from vault.home import Home
from vault.signing import public_folder

PASSED_ON = frozenset({"PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"})
OF_THE_MARKET = re.compile(r"JINKU_MARKET_[A-Z0-9_]+")
OF_KEYS = re.compile(r"KEY|SECRET|HOME")


def market_environment(environment: Mapping[str, str], home: Home) -> Mapping[str, str]:
    """The environment of the market's process: where releases lie and whose signatures to trust, its own settings and
    folder, and what any program needs.

    What is not named here is left out, so that a key that is added to the vault's environment tomorrow stays there too.
    """
    own = {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or (OF_THE_MARKET.fullmatch(name) and not OF_KEYS.search(name))
    }
    told = {"JINKU_MARKET_FOLDER": str(home.market), "JINKU_MARKET_TRUST": str(public_folder(home))}
    return {**told, **own, "JINKU_RELEASES": str(home.releases)}
