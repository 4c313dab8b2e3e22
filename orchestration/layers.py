"""The layers above raw, in building order, and where their tables lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer of dbt models: its name (folder, schema and asset group) and its DuckDB file."""

    name: str
    database: str


COMPONENTS = Layer("components", "components")
LAYERS = (Layer("base", "warehouse"), Layer("resource", "warehouse"), COMPONENTS, Layer("products", "components"))
LAYER_OF_SCHEMA = {layer.name: layer for layer in LAYERS}

VALUATION = "valuation"
"""The group of what components are worth: no tables, records."""

RELEASES = "releases"
"""The group of what leaves the vault: rows and a signed datasheet for each release."""
