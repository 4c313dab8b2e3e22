"""One component valued: its facts gathered, its prices computed, and all of it put on record."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from expectations.history import latest, open_history
from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS
from orchestration.valuation.facts import Age, SourceTable, age_of, factors_of, scope_of, scores_of, sources_of
from orchestration.valuation.listing import findings_about
from orchestration.valuation.rates import Rates
from pricing.comparables import Factors
from pricing.component_price import FieldCost, PricedFacts, Trading, priced
from pricing.derivation import grain_of
from pricing.overrides import SET_BY_REGULATOR
from pricing.params import plain
from pricing.price_record import document_of
from pricing.value import ComponentMeasures
from vault.contract import ComponentContract
from vault.costing import CostStatement
from vault.epochs import Beta, Epoch
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.measures import TableMeasures, measure
from vault.snapshot import snapshot_hash
from vault.valuations import Valuation, latest_valuations, record


@dataclass(frozen=True)
class Build:
    """The build of a component that is valued: its contract's and its model's hash, and when it was made."""

    component_hash: str
    built_at: datetime


def value_component(
    storage: dg.DagsterInstance, vault: Vault, models: Models, name: str, rates: Rates, run_id: str, now: datetime
) -> Valuation:
    """Measure, price and record a component as it was last built. The record says whether the price is published.

    Raises JinkuError `price_refused`, which names what is outside its domain, where no price can be had.
    """
    contract = models.known.components[name]
    build = build_of(storage, name)
    with connect(vault, read=(COMPONENTS.database,)) as connection:
        table = ibis_table(connection, COMPONENTS.database, COMPONENTS.name, name)
        measures = measure(table, contract.columns, seed=rates.epoch.name, grain=contract.grain)
        snapshot = snapshot_hash(table)
        age = age_of(connection, COMPONENTS, name, contract, build.built_at, now, rates.epoch.parameters.guide)
    evaluation = latest(open_history(vault.home.quality), f"{COMPONENTS.name}/{name}")
    z, waived = scores_of(evaluation)
    sources = sources_of(storage, models, name)
    others = [scope_of(models, other) for other in models.known.components if other != name]
    records = sum(source.rows for source in sources)
    try:
        measured = ComponentMeasures(
            grain=grain_of(contract.subject),
            records=records,
            z=z,
            entropy_bits=measures.entropy.bits,
            waived=waived,
            component_hash=build.component_hash,
            snapshot_hash=snapshot,
        )
        factors = factors_of(
            scope_of(models, name), others, measures, records, z.get("completeness", 0.0), contract, age
        )
        facts = _facts(name, contract, measured, factors, rates)
        price = priced(facts, rates.epoch.parameters)
    except ValueError as refused:
        raise JinkuError(
            "price_refused",
            f"{name} has no price: {refused}",
            f"components/{name}",
            "Correct the contract, the epoch's parameters or the data that it names, and run again.",
        ) from None
    statement = rates.costs.get(name)
    beta = rates.epoch.beta_of(name, contract.application_field)
    document = {
        **document_of(facts, rates.epoch.parameters, price),
        "measures": _told(measures, contract),
        "sources": [asdict(source) for source in sources],
        "age": {**asdict(age), "newest": age.newest.isoformat()},
        "population_share": contract.population_share,
        "completeness": z.get("completeness", 0.0),
        "epoch": {
            "name": rates.epoch.name,
            "content_hash": rates.epoch.content_hash,
            "approved_by": rates.epoch.approved_by,
            "is_carried_over": rates.epoch.is_carried_over,
            "beta_market": plain(beta),
        },
        "flags": [
            *flags_of(contract, measures, sources, age, z, statement, rates.epoch),
            *flags_of_beta(beta),
        ],
    }
    known = latest_valuations(vault.home.pricing)
    document["lint"] = [asdict(each) for each in findings_about(models, name, price, known)]
    return record(vault.home.pricing, Valuation(name, run_id, now, rates.epoch.name, document))


def build_of(storage: dg.DagsterInstance, name: str) -> Build:
    """The last build of a component. Raises JinkuError `not_built`."""
    event = storage.get_latest_materialization_event(dg.AssetKey([COMPONENTS.name, name]))
    if event is None or event.asset_materialization is None:
        raise JinkuError("not_built", f"{name} was never built", f"components/{name}", "Run `make run` first.")
    metadata = event.asset_materialization.metadata
    told = [str(metadata[key].value) if key in metadata else "" for key in ("contract_hash", "model_hash")]
    return Build(
        hashlib.sha256(":".join(told).encode()).hexdigest(), datetime.fromtimestamp(event.timestamp).astimezone()
    )


def flags_of(
    contract: ComponentContract,
    measures: TableMeasures,
    sources: Sequence[SourceTable],
    age: Age,
    z: Mapping[str, float],
    statement: CostStatement | None,
    epoch: Epoch,
) -> tuple[str, ...]:
    """What to know before the price is relied on; a price is never left out for it."""
    told = list(measures.flags)
    if not z:
        told.append("no quality is on record: every dimension counts as 0")
    if not any(source.rows for source in sources):
        told.append("no source record is known: N is 0")
    if age.is_future:
        told.append(f"the newest event lies in the future ({age.newest}): its age counts as 0")
    if contract.population_share is None:
        told.append("the contract does not say what share of the population is covered: W is 0")
    if statement is None:
        told.append("no cost is on record: P' is 0 and there is no guide price")
    elif statement.unresolved:
        told.append(f"the cost lacks what is above {', '.join(statement.unresolved)}: its lineage is not known")
    if epoch.is_carried_over:
        told.append(f"the parameters are those of {epoch.name}: no newer set has been approved")
    return tuple(told)


def flags_of_beta(beta: Beta) -> tuple[str, ...]:
    """That the regulator set β, by which record and why; nothing where the formula gave it."""
    if beta.record is None:
        return ()
    reason = f": {beta.reason}" if beta.reason else ""
    return (f"β is {float(beta.value):g} {SET_BY_REGULATOR} (record {beta.record}){reason}",)


def _facts(
    name: str,
    contract: ComponentContract,
    measured: ComponentMeasures,
    factors: Factors,
    rates: Rates,
) -> PricedFacts:
    statement = rates.costs.get(name)
    lines = statement.lines if statement is not None else ()
    beta = rates.epoch.beta_of(name, contract.application_field)
    return PricedFacts(
        measures=measured,
        domain=contract.application_field,
        ecosystem=contract.pricing.ecosystem or contract.application_field,
        regime=contract.pricing.regime,
        field_costs=tuple(
            FieldCost(line.field, {str(activity): fen for activity, fen in line.by_activity.items()}) for line in lines
        ),
        model_cost_fen=statement.model_cost_fen if statement is not None else 0,
        factors=factors,
        expected_licences=contract.cost.expected_licences,
        ceiling_fen=contract.pricing.ceiling_fen,
        trading=Trading(tuple(rates.trades.comparables(name, rates.epoch.from_day)), beta.value),
    )


def _told(measures: TableMeasures, contract: ComponentContract) -> dict[str, Any]:
    """The measures as plain values, with the name of the target that was asked about."""
    told: dict[str, Any] = plain(measures)
    if measures.target is not None:
        target = next(column.name for column in contract.columns if column.role == "target")
        told["target"] = {"name": target, **told["target"]}
    return told
