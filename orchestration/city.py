"""The city a run works on: its home, its vault and its declarations."""

import os
from collections.abc import Mapping

import dagster as dg

from orchestration.declarations import Declarations, declarations
from vault.contract import SourceContract
from vault.home import Home, home_from, prepare, settings_from
from vault.keys import create_master_key, derived_key
from vault.layers import Vault, connect, open_vault
from vault.ledger import prepare_ledger


class City(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What every asset needs: where things are, and the keys to them."""

    @property
    def home(self) -> Home:
        """The home named by JINKU_HOME."""
        return home_from(os.environ)

    @property
    def declarations(self) -> Declarations:
        """Every declaration below assets/."""
        return declarations()

    @property
    def sources(self) -> Mapping[str, SourceContract]:
        """The declared sources by name."""
        return self.declarations.sources

    def vault(self) -> Vault:
        """The opened vault. Raises JinkuError where its key cannot be had."""
        return open_vault(self.home, settings_from(os.environ))


def found_city() -> Vault:
    """Make the home ready: folders, master key, raw layer with a table per declared source.

    Raises JinkuError where the home cannot be written or the key cannot be had.
    """
    home = home_from(os.environ)
    prepare(home)
    create_master_key(home)
    vault = open_vault(home, settings_from(os.environ))
    with connect(vault, write="raw") as connection:
        prepare_ledger(connection, declarations().sources, derived_key(vault.master, "pseudonym/person"))
    for layer in ("warehouse", "components"):
        if not home.layer(layer).exists():
            with connect(vault, write=layer):
                pass  # dbt attaches the file; it must be there, encrypted, from the first moment
    return vault
