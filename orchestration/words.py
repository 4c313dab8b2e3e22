"""What the contracts say of tables, for pages that show many of them."""

from expectations.pages import AssetWords
from expectations.suites import suite_of_component
from orchestration.declarations import Declarations


def words_of_contracts(known: Declarations) -> dict[str, AssetWords]:
    """Titles, owners and suites of all tables that have a contract, for pages that show many tables."""
    components = {
        f"components/{name}": AssetWords(contract.title.en, contract.owner, suite_of_component(contract))
        for name, contract in known.components.items()
    }
    tables = {
        asset: AssetWords(title_of(asset), contract.owner, contract.expectations)
        for asset, contract in known.tables.items()
    }
    return {**components, **tables}


def title_of(asset: str) -> str:
    """A table without a title of its own goes by its name."""
    return asset.rsplit("/", 1)[-1].replace("_", " ").capitalize()
