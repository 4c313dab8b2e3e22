"""Contracts of sources, components and products: the one place where a table is declared.

Field names follow the Open Data Contract Standard v3.1 (`logicalType`, `physicalName`,
`primaryKey`, ...) where it has one; Jinku's own keys are camelCase beside them.
The values are frozen; an unknown key names the nearest known one.
"""

from vault.contract.components import ComponentContract, ComponentCost, Pricing, Rights
from vault.contract.expectations import Expectation, TableContract
from vault.contract.parts import Column, ContractPart, Title
from vault.contract.products import ProductContract
from vault.contract.protection import (
    Anonymisation,
    Bounds,
    Contributions,
    DifferentialPrivacy,
    Entities,
    Fingerprint,
    Generalisation,
)
from vault.contract.sources import (
    ConsentRules,
    CrossBorder,
    LegalBasis,
    Provider,
    ProviderContract,
    Reader,
    SourceContract,
    SourceCost,
    SubjectKey,
    Table,
)
from vault.contract.words import (
    PERSONAL_ROLES,
    REFRESH_PERIOD_DAYS,
    ApplicationField,
    Character,
    Dimension,
    Grade,
    LogicalType,
    Name,
    RefreshPeriod,
    Role,
    Severity,
    Subject,
    Text,
)

__all__ = [
    "PERSONAL_ROLES",
    "REFRESH_PERIOD_DAYS",
    "Anonymisation",
    "ApplicationField",
    "Bounds",
    "Character",
    "Column",
    "ComponentContract",
    "ComponentCost",
    "ConsentRules",
    "ContractPart",
    "Contributions",
    "CrossBorder",
    "DifferentialPrivacy",
    "Dimension",
    "Entities",
    "Expectation",
    "Fingerprint",
    "Generalisation",
    "Grade",
    "LegalBasis",
    "LogicalType",
    "Name",
    "Pricing",
    "ProductContract",
    "Provider",
    "ProviderContract",
    "Reader",
    "RefreshPeriod",
    "Rights",
    "Role",
    "Severity",
    "SourceContract",
    "SourceCost",
    "Subject",
    "SubjectKey",
    "Table",
    "TableContract",
    "Text",
    "Title",
]
