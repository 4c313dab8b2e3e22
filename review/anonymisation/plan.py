"""From a contract to what is searched: which columns of the table are generalised, by which levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from review.anonymisation.coded_table import QuasiIdentifier, Sensitive
from review.anonymisation.hierarchy_file import read_hierarchy
from review.anonymisation.levels import Kind, Level, Unchanged, levels_of
from vault.contract import Anonymisation, Column, ComponentContract
from vault.errors import JinkuError

KINDS: Mapping[str, Kind] = {
    "VARCHAR": "text",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "whole"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"), "whole"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
}
"""What the engine's types hold; all others hold something else."""

SENSITIVE_ROLES = ("sensitive", "target")
TREATED_ROLES = ("identifier", "quasi_identifier", *SENSITIVE_ROLES)


@dataclass(frozen=True)
class Plan:
    """What a component is made from.

    table, subject: the resource table and its column that tells the subjects apart; columns: name and role of the
    component's columns, in their order. A column that is neither identifier, quasi-identifier nor sensitive (a target
    is as sensitive) is shown as it is, the identifier is a pseudonym of the subject.
    """

    component: str
    table: str
    subject: str
    columns: tuple[tuple[str, str], ...]
    quasi_identifiers: tuple[QuasiIdentifier, ...]
    sensitive: tuple[Sensitive, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """Columns that are shown as they are."""
        return tuple(name for name, role in self.columns if role not in TREATED_ROLES)


def plan_of(
    component: str, contract: ComponentContract, column_types: Mapping[str, str], folder: Path, inside: Path
) -> Plan:
    """The plan of a contract with an `anonymise` section.

    column_types: the engine's types of the table's columns; folder: where the contract stands; inside: the folder that
    hierarchies must lie in. Raises JinkuError `anonymise_section` without such a section and for a rule that does not
    fit a column's type, `unknown_name` for a column that the table does not have, and `hierarchy_invalid`.
    """
    rules = section_of(component, contract)
    origins = {column.name: _origin(column, rules) for column in contract.columns}
    for origin in (rules.subject, *origins.values()):
        if origin not in column_types:
            known = ", ".join(sorted(column_types))
            raise JinkuError(
                "unknown_name", f"the table has no column '{origin}'", f"resource/{rules.table}", f"Known: {known}."
            )
    levels = {
        column.name: _levels(column, rules, column_types[origins[column.name]], folder, inside)
        for column in contract.columns
    }
    quasi = [column.name for column in contract.columns if column.role == "quasi_identifier"]
    sensitive = [column.name for column in contract.columns if column.role in SENSITIVE_ROLES]
    return Plan(
        component,
        rules.table,
        rules.subject,
        tuple((column.name, str(column.role)) for column in contract.columns),
        tuple(QuasiIdentifier(name, origins[name], levels[name]) for name in quasi),
        tuple(Sensitive(name, origins[name], _shown(levels[name])) for name in sensitive),
    )


def section_of(component: str, contract: ComponentContract) -> Anonymisation:
    """The section of a contract. Raises JinkuError `anonymise_section` where there is none."""
    if contract.anonymise is None:
        raise JinkuError(
            "anonymise_section",
            "the contract has no section 'anonymise'",
            component,
            "Add it, with the table that it is made from, its subject, and how columns are generalised.",
        )
    return contract.anonymise


def _origin(column: Column, rules: Anonymisation) -> str:
    """The column of the table that a column is made from."""
    if column.role == "identifier":
        return rules.subject
    rule = rules.generalise.get(column.name)
    return column.name if rule is None or rule.of is None else rule.of


def _shown(levels: tuple[Level, ...]) -> Level:
    """The level of a sensitive column: the first one above the value itself, where there are any."""
    return levels[min(1, len(levels) - 1)]


def _levels(column: Column, rules: Anonymisation, column_type: str, folder: Path, inside: Path) -> tuple[Level, ...]:
    rule = rules.generalise.get(column.name)
    if rule is None:
        return (Unchanged(),)
    hierarchy = () if rule.hierarchy is None else read_hierarchy(_inside(folder / rule.hierarchy, inside))
    try:
        return levels_of(rule, KINDS.get(column_type.split("(")[0], "other"), hierarchy)
    except ValueError as error:
        raise JinkuError(
            "anonymise_section",
            f"the rule of '{column.name}' does not fit what the column holds: {error}",
            f"resource/{rules.table}",
            "Use a prefix or a hierarchy.",
        ) from None


def _inside(path: Path, folder: Path) -> Path:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise JinkuError(
            "hierarchy_invalid", "the file is no hierarchy: it lies outside the project", str(path), "Move it inside."
        )
    return path
