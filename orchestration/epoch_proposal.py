"""The next quarter's parameters, proposed from the catalogue: by the command, and by a job before each quarter ends."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import dagster as dg

from orchestration.city import City
from orchestration.declarations import declarations
from orchestration.failures import clear_failures
from pricing.cost import Ecosystem
from pricing.derivation import CatalogueFact
from pricing.price_record import exact_word, facts_from
from vault.errors import JinkuError
from vault.home import Home
from vault.market_trades import market_records
from vault.proposals import propose_next
from vault.valuations import Valuation, latest_valuations


def propose_from_catalogue(home: Home, now: datetime) -> Path:
    """Write the proposal of the quarter after the present one, and say where it lies; a person approves it or does not.

    Raises JinkuError `nothing_valued`, `valuations_unusable`, and as `market_records` and `propose_next` do.
    """
    return propose_next(home, catalogue_facts(home), market_records(home, now), now.astimezone(UTC).date())


def catalogue_facts(home: Home) -> tuple[CatalogueFact, ...]:
    """What the last valuation of every declared component says; one that is no longer declared is not listed.

    Raises JinkuError `nothing_valued` where none was valued, and `valuations_unusable`.
    """
    declared = declarations().components
    found = [valuation for name, valuation in latest_valuations(home.pricing).items() if name in declared]
    if not found:
        where = str(home.pricing)
        raise JinkuError("nothing_valued", "no component has been valued here yet", where, "Run `make run` first.")
    return tuple(_fact(valuation) for valuation in found)


def _fact(valuation: Valuation) -> CatalogueFact:
    facts = facts_from(valuation.document["facts"])
    return CatalogueFact(
        component=valuation.component,
        domain=cast(Ecosystem, facts.domain),
        subject=facts.measures.grain,
        records=facts.measures.records,
        entropy_bits=facts.measures.entropy_bits,
        adjusted_cost_fen=exact_word(str(valuation.price["negotiated"]["adjusted_cost_fen"])),
    )


@dg.op(description="Derive the next quarter's market parameters from the catalogue, for a person to approve.")
def derive_next_epoch(context: dg.OpExecutionContext, city: City) -> None:
    """An approved set stands: then there is nothing to propose, which is no failure."""
    with clear_failures():
        try:
            path = propose_from_catalogue(city.home, datetime.now(UTC))
        except JinkuError as error:
            if error.code != "parameters_approved":
                raise
            context.log.info(str(error))
            return
    context.add_output_metadata({"proposal": dg.MetadataValue.path(str(path))})
    context.log.info(f"proposed {path.stem}: review it and approve it before the quarter begins")


@dg.job(
    description="Writes the next quarter's market parameters as a proposal; the present quarter's are never changed.",
    executor_def=dg.in_process_executor,
)
def propose_epoch() -> None:
    """One op; the city comes from the definitions."""
    derive_next_epoch()


quarterly_proposal = dg.ScheduleDefinition(
    name="quarterly_proposal",
    job=propose_epoch,
    cron_schedule="0 4 1 3,6,9,12 *",
    execution_timezone="UTC",
    description="A month before each quarter begins.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
