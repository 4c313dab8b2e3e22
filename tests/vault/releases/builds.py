"""A component that was built, reviewed, judged, valued and granted in a vault of its own, ready to be released."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pricing.params import plain
from pricing.value import ComponentMeasures
from review.findings import Finding
from review.records import Content, Review, record_review
from tests.builders import column, fresh_vault
from tests.pricing.prices import FULL_QUALITY, document
from vault.black_box.recording import recording
from vault.contract import ComponentContract
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.measures import measure
from vault.releases.evidence import CheckOutcome, Evidence, QualityEvidence, ReviewEvidence, SourceBatch
from vault.releases.publishing import publish
from vault.releases.register import Release
from vault.rights.confirmations import Application, apply, grant, rights_on_record
from vault.rights.standard_contracts import Confirmation
from vault.snapshot import snapshot_hash
from vault.valuations import Valuation, record

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MORNING = NOON - timedelta(hours=3)
NAME, SOURCE = "zone_hours", "taxi_trips"
MODEL_HASH, CONTRACT_HASH, POLICY_HASH, BUILD_HASH = "a" * 64, "b" * 64, "c" * 64, "d" * 64
ROWS = """
select 'zone:' || zone as zone_id, day_type, hour::integer as pickup_hour,
    (11 + (zone * hour) % 37)::bigint as trips, round(1 + zone * 0.37 + hour * 0.05, 2) as distance_km_mean,
    case when zone = 7 then null else date '2026-11-01' + zone::integer end as first_day,
    timestamp '2026-11-01 00:00:00' + interval (zone) minute as newest, zone % 2 = 0 as is_busy
from range(1, 31) zones (zone), range(24) hours (hour), (values ('workday'), ('weekend')) days (day_type)
"""
CHECKS = (
    ("O1_legal_basis", "origin", "The legal basis of taxi_trips, Ordinance 7, holds until 2030-12-31."),
    ("O4_rights", "origin", "Holding and processing rights are on record and in force."),
    ("M3_lineage", "model", "Every column is an aggregation, or of a place or a calendar; no identifier is in it."),
    ("M6_grain", "model", "Rows of fewer than 11 trips are left out by the model itself."),
    ("R7_group_minimum", "result", "The smallest group behind a row has 11 trips, where 11 are asked."),
    ("R9_differencing", "result", "It is the first release of this source at this grain."),
)  # fmt: skip


def contract(**changes: Any) -> ComponentContract:
    attributes = {
        "title": {"en": "Hourly mobility by zone", "zh": "分区小时出行"},
        "description": "How many trips start in a zone in each hour of a workday or weekend day, and how far they go.",
        "applicationField": "governance",
        "form": "standard",
        "subject": "aggregate",
        "grain": ["zone_id", "day_type", "pickup_hour"],
        "columns": [
            column("zone_id", description="Place key of the taxi zone"),
            column("day_type", description="workday or weekend"),
            column("pickup_hour", logicalType="integer", unit="h", description="Hour of the day (local)"),
            column("trips", logicalType="integer", role="measure", unit="trip", description="Trips in all"),
            column("distance_km_mean", logicalType="number", role="measure", unit="km", description="Mean distance"),
            column("first_day", logicalType="date", description="First day on which a trip was seen"),
            column("newest", logicalType="timestamp", role="timestamp", description="When the newest trip began"),
            column("is_busy", logicalType="boolean", description="Whether it is among the busier half of the zones"),
        ],
        "purpose": "Planning of traffic, stands and public transport",
        "permittedUses": ["urban_management", "transport_planning", "model_training"],
        "refreshPeriod": "monthly",
        "owner": "team:mobility",
        "provider": "City data vault",
        "rights": {"holding": "Taxi and Limousine Commission", "processing": "City data vault"},
        "cost": {"developmentFen": 1_800_000, "runCostFen": 2000},
        "pricing": {"regime": "market", "ecosystem": "governance"},
    }
    return ComponentContract.model_validate({**attributes, **changes})


def vault_with_component(root: Path, rows: str = ROWS, name: str = NAME) -> Vault:
    """A vault with rights on record and one component built from a query."""
    vault = fresh_vault(root, {})
    grant_rights(vault, name)
    build(vault, rows, name)
    return vault


def build(vault: Vault, rows: str = ROWS, name: str = NAME) -> None:
    """Build the component, in the place of what was there."""
    with connect(vault, write="components") as connection:
        connection.execute("create schema if not exists components.components")
        connection.execute(f"create or replace table components.components.{name} as {rows}")


def grant_rights(vault: Vault, name: str = NAME, until: date = date(2030, 12, 31)) -> None:
    with recording(vault, MORNING) as on_record:
        for asked in (
            right("holding", "Taxi and Limousine Commission", SOURCE, "statutory: Ordinance 7", until),
            right("processing", "City data vault", name, "agreement of 2026", until),
        ):
            number = apply(on_record, asked, "team:mobility", MORNING)
            grant(on_record, number, "by declaration", "jinku", MORNING)


def right(confirmation: Confirmation, holder: str, subject: str, basis: str, until: date) -> Application:
    return Application(confirmation, holder, subject, (SOURCE,), ("urban_management",), basis, date(2026, 1, 1), until)


def reviewed(
    vault: Vault,
    data_hash: str,
    name: str = NAME,
    outcomes: Mapping[str, str] | None = None,
    checks: Sequence[tuple[str, str, str]] = CHECKS,
) -> ReviewEvidence:
    """A review on record as the review room keeps it, and what a release is told of it. checks: id, part and reason."""
    findings = tuple(
        Finding(check, part, (outcomes or {}).get(check, "pass"), reason)  # type: ignore[arg-type]
        for check, part, reason in checks
    )
    content = Content(data_hash, MODEL_HASH, CONTRACT_HASH, POLICY_HASH)
    blocking = frozenset(check for check, _, _ in checks)
    with recording(vault, MORNING) as on_record:
        review = record_review(on_record, Review(name, content, "key", findings, blocking, "run", MORNING))
    return ReviewEvidence(
        review.review_id,
        review.security,
        data_hash,
        MODEL_HASH,
        CONTRACT_HASH,
        POLICY_HASH,
        blocking,
        tuple(CheckOutcome(each.check, each.part, each.outcome, each.reason) for each in findings),
        MORNING,
        smallest_group=11,
    )


def valued(
    vault: Vault, table: Any, data_hash: str, name: str = NAME, of: ComponentContract | None = None
) -> Valuation:
    measures = measure(table, (of or contract()).columns, seed="2026q4")
    measured = ComponentMeasures(
        "aggregate",
        1e6,
        FULL_QUALITY | {"timeliness": 0.9, "accuracy": 0.97},
        measures.entropy.bits,
        component_hash=BUILD_HASH,
        snapshot_hash=data_hash,
    )
    told = {**document(("no sale is on record yet",), measures=measured), "measures": plain(measures)}
    return record(vault.home.pricing, Valuation(name, "run", MORNING, "2026q4", told))


def evidence(vault: Vault, name: str = NAME, outcomes: Mapping[str, str] | None = None, **changes: Any) -> Evidence:
    """All that a release of the component as it is built now rests on, put on record as it is gathered."""
    own, checks = changes.pop("contract", contract()), changes.pop("checks", CHECKS)
    with connect(vault, read=("components",)) as connection:
        table = ibis_table(connection, "components", "components", name)
        data_hash = snapshot_hash(table)
        valuation = valued(vault, table, data_hash, name, own)
    with recording(vault, MORNING) as on_record:
        rights = rights_on_record(on_record.connection)
    gathered = Evidence(
        component=name,
        contract=own,
        model_hash=MODEL_HASH,
        contract_hash=CONTRACT_HASH,
        component_hash=BUILD_HASH,
        run_id="run-1",
        review=reviewed(vault, data_hash, name, outcomes, checks),
        quality=QualityEvidence(
            {
                "normativity": 1.0,
                "completeness": 0.998,
                "accuracy": 0.97,
                "consistency": 1.0,
                "timeliness": 0.9,
                "accessibility": None,
            },
            0.954,
            "standard-2026q4",
            13,
            12,
            False,
            MORNING,
        ),
        valuation=valuation,
        rights=rights,
        batches=(SourceBatch(SOURCE, "e" * 64, 120_345, MORNING), SourceBatch(SOURCE, "f" * 64, 98_765, NOON)),
    )
    return replace(gathered, **changes)


def release(vault: Vault, given: Evidence | None = None, at: datetime = NOON) -> Release:
    """Publish what is built, on the evidence or on what is gathered for it."""
    given = given or evidence(vault)
    with connect(vault, read=("components",)) as connection:
        return publish(vault, given, ibis_table(connection, "components", "components", given.component), at)
