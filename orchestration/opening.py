"""Opening the vault for commands that look at what a run has collected."""

import os

from vault.errors import JinkuError
from vault.home import home_from, settings_from
from vault.layers import Vault, open_vault


def collected_vault() -> Vault:
    """The vault of the home named by JINKU_HOME. Raises JinkuError `no_city` before anything was collected there."""
    home = home_from(os.environ)
    if not home.layer("raw").exists():
        raise JinkuError("no_city", "nothing has been collected here yet", str(home.root), "Run `make run` first.")
    return open_vault(home, settings_from(os.environ))
