"""Signed releases whose copies can be marked, reviewed again and pulled, in a folder as the vault writes it."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from review.result.review import CHECKS as RESULT_CHECKS
from tests.builders import column
from tests.vault.releases.builds import CHECKS, NAME, NOON, build, contract, evidence, release, vault_with_component
from vault.contract import ComponentContract

ALL_CHECKS = (
    *(each for each in CHECKS if each[1] != "result"),
    *((check, "result", "It was looked at.") for check in RESULT_CHECKS),
)


def rows(zones: int = 30, more: int = 0) -> str:
    """A query of 48 rows for each zone, with a value of every type. more: added to every measure."""
    return f"""
select 'zone:' || zone as zone_id, day_type, hour::integer as pickup_hour,
    (11 + (zone * hour) % 37 + {more})::bigint as trips,
    round(1 + zone * 0.37 + hour * 0.05 + {more}, 2)::double as distance_km_mean,
    (zone * 0.01 + hour)::decimal(9, 2) as load_index,
    case when zone = 7 then null else date '2026-11-01' + (zone % 30)::integer end as first_day,
    timestamp '2026-11-01 00:00:00' + interval (zone) minute as newest, zone % 2 = 0 as is_busy
from range(1, {zones} + 1) zones (zone), range(24) hours (hour), (values ('workday'), ('weekend')) days (day_type)
"""


def pulled_contract() -> ComponentContract:
    """Its distance carries marks: a tenth of a kilometre matters to nobody."""
    return contract(
        countColumns=["trips"],
        columns=[
            column("zone_id", description="Place key of the taxi zone"),
            column("day_type", description="workday or weekend"),
            column("pickup_hour", logicalType="integer", unit="h", description="Hour of the day (local)"),
            column("trips", logicalType="integer", role="measure", unit="trip", description="Trips in all"),
            column(
                "distance_km_mean",
                logicalType="number",
                role="measure",
                unit="km",
                decisionResolution=0.1,
                description="Mean distance",
            ),
            column("load_index", logicalType="number", role="measure", description="Load beside the mean"),
            column("first_day", logicalType="date", description="First day on which a trip was seen"),
            column("newest", logicalType="timestamp", role="timestamp", description="When the newest trip began"),
            column("is_busy", logicalType="boolean", description="Whether it is among the busier half of the zones"),
        ],
    )


def released(home: Path, queries: Sequence[str]) -> Path:
    """A folder with the releases of one component, one for each query, and the public key that signed them."""
    vault = vault_with_component(home, queries[0])
    for number, query in enumerate(queries):
        build(vault, query)
        given = evidence(vault, contract=pulled_contract(), checks=ALL_CHECKS)
        release(vault, given, NOON + timedelta(hours=number))
    return home


def copied_releases(home: Path, folder: Path) -> None:
    """The releases of a home as a market finds them: the folder and the public key, and nothing else."""
    shutil.copytree(home / "releases", folder / "releases")
    shutil.copytree(home / "public", folder / "public")


__all__ = ["NAME", "copied_releases", "pulled_contract", "released", "rows"]
