"""Which tables are judged, and what is expected of each."""

from expectations.suites import suite_of_component, suite_of_table
from orchestration.dbt_assets import Models
from orchestration.layers import LAYERS, Layer
from vault.contract import ComponentContract, Expectation, TableContract

JUDGED_LAYERS = LAYERS[:3]
"""Base, resource, components. Products are made from judged components only."""

Contract = ComponentContract | TableContract


def contract_of(models: Models, layer: Layer, name: str) -> Contract | None:
    """What is declared of a table; None where nothing is."""
    return models.known.components.get(name) or models.known.tables.get(f"{layer.name}/{name}")


def suite_of(contract: Contract | None) -> tuple[Expectation, ...]:
    """What is expected of a table."""
    return suite_of_component(contract) if isinstance(contract, ComponentContract) else suite_of_table(contract)
