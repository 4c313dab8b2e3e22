"""The kinds of declaration under assets/: a source, a component, a product. No other Python is needed to add one."""

from typing import Any

import dagster as dg
from pydantic import BaseModel

from orchestration.contract_checks import contract_check
from orchestration.layers import LAYERS
from orchestration.raw_assets import source_definitions
from vault.contract import ComponentContract, ProductContract, SourceContract, TableContract

COMPONENTS, PRODUCTS = LAYERS[2], LAYERS[3]


class _Declared(dg.Component):
    """A declaration whose attributes are a contract of the vault; its folder's name is its name."""

    contract_type: type[BaseModel]

    def __init__(self, contract: Any) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The contract: Dagster validates defs.yaml against it and points at what is wrong."""
        return cls.contract_type

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> "_Declared":
        """Keep the validated contract."""
        return cls(attributes)


class Source(_Declared):
    """A data resource (数据资源) that a provider hands over."""

    contract_type = SourceContract

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Its landing asset and raw tables."""
        return source_definitions(context.path.name, self.contract)


class Component(_Declared):
    """A data component (数据元件) X = f(d1...dn): dbt builds it, this checks it against its contract."""

    contract_type = ComponentContract

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The check that the built table is what the contract promises."""
        return dg.Definitions(asset_checks=[contract_check(COMPONENTS, context.path.name, self.contract)])


class Product(_Declared):
    """A data product (数据产品) Y = F(x1...xm): made from components only."""

    contract_type = ProductContract

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The check that the built table is what the contract promises."""
        return dg.Definitions(asset_checks=[contract_check(PRODUCTS, context.path.name, self.contract)])


class Table(_Declared):
    """What is expected of a base or resource table; its columns follow from its model."""

    contract_type = TableContract

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Nothing of its own: the checks stand beside the model, with those of tables that have no suite yet."""
        return dg.Definitions()
