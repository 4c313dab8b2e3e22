"""The built table against its contract: the columns promised, in order, of the promised types, one row per grain."""

import dagster as dg
import duckdb

from orchestration.city import City
from orchestration.layers import Layer
from orchestration.raw_assets import POOL
from vault.contract import ComponentContract, ProductContract
from vault.layers import connect

TYPES_OF = {
    "string": ("VARCHAR",),
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    "number": ("FLOAT", "DOUBLE", "DECIMAL"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
}
"""Engine types that keep the promise of a contract's logicalType."""


def contract_check(layer: Layer, name: str, contract: ComponentContract | ProductContract) -> dg.AssetChecksDefinition:
    """A blocking check on [layer, name]."""

    @dg.asset_check(
        name="as_contracted",
        asset=dg.AssetKey([layer.name, name]),
        blocking=True,
        pool=POOL,
        description="the columns, types and grain that the contract promises",
    )
    def as_contracted(city: City) -> dg.AssetCheckResult:
        with connect(city.vault(), read=(layer.database,)) as connection:
            differences = contract_differences(connection, layer, name, contract)
        return dg.AssetCheckResult(passed=not differences, metadata={"differences": differences or ["none"]})

    return as_contracted


def contract_differences(
    connection: duckdb.DuckDBPyConnection, layer: Layer, name: str, contract: ComponentContract | ProductContract
) -> list[str]:
    """Every way in which the table differs from its contract, in words; empty where it keeps it."""
    table = f"{layer.database}.{layer.name}.{name}"
    built = {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}
    promised = {column.name: column.logical_type for column in contract.columns}
    differences = [f"column {column} is missing" for column in promised if column not in built]
    differences += [f"column {column} is not in the contract" for column in built if column not in promised]
    differences += [
        f"column {column} is {built[column].lower()}, promised {kind}"
        for column, kind in promised.items()
        if column in built and not built[column].startswith(TYPES_OF[kind])
    ]
    if not differences and list(built) != list(promised):
        differences.append("the columns stand in another order")
    if not differences:
        grain = ", ".join(contract.grain)
        (doubled,) = connection.execute(
            f"select count(*) from (select 1 from {table} group by {grain} having count(*) > 1)"
        ).fetchone() or (0,)
        if doubled:
            differences.append(f"{doubled} values of the grain ({grain}) stand in more than one row")
    return differences
