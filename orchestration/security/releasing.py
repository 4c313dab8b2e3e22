"""One reviewed component released, or refused with its causes on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from expectations import history
from expectations.charts import radar
from expectations.history import Evaluation
from orchestration.dbt_assets import Models
from orchestration.layers import COMPONENTS
from orchestration.security.reviewing import Reviewed
from orchestration.valuation.valuing import build_of
from review.records import Review
from review.result.groups import GROUP_MINIMUM
from review.result.persons import K_ANONYMITY
from vault.black_box.recording import Record
from vault.disclosure.entities import keep_entities
from vault.disclosure.ledger import DisclosedSet, record_release
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.ledger import batches
from vault.registry.database import open_registry
from vault.releases.evidence import CheckOutcome, Evidence, QualityEvidence, ReviewEvidence, SourceBatch
from vault.releases.publishing import Disclose, publish, refuse
from vault.releases.register import Release, latest_refusals
from vault.rights.confirmations import rights_on_record
from vault.valuations import latest_valuations

REFUSED = "release_refused"


@dataclass(frozen=True)
class Outcome:
    """What came of a component: its release, or the causes why there is none."""

    release: Release | None
    causes: tuple[str, ...]


def release_component(
    storage: dg.DagsterInstance, vault: Vault, models: Models, name: str, reviewed: Reviewed, run_id: str, now: datetime
) -> Outcome:
    """Release a component whose review let it out; put the refusal of every other one on record, with its causes.

    Raises JinkuError as `vault.releases.publishing.publish` does, but for a refusal, which is an outcome.
    """
    review = reviewed.review
    if not review.security:
        causes = tuple(f"{each.check}: {each.outcome}: {each.reason}" for each in review.obstacles)
        refuse(vault, name, causes, now, run_id)
        return Outcome(None, causes)
    try:
        with connect(vault, read=(COMPONENTS.database,)) as connection:
            table = ibis_table(connection, COMPONENTS.database, COMPONENTS.name, name)
            evidence = _evidence(storage, vault, models, name, reviewed, run_id)
            release = publish(vault, evidence, table, now, _disclosing(vault, name, reviewed, now))
    except JinkuError as error:
        if error.code != REFUSED:
            raise
        with open_registry(vault.home).begin() as registry:
            return Outcome(None, latest_refusals(registry)[name].causes)
    return Outcome(release, ())


def _evidence(
    storage: dg.DagsterInstance, vault: Vault, models: Models, name: str, reviewed: Reviewed, run_id: str
) -> Evidence:
    evaluation = history.latest(history.open_history(vault.home.quality), f"{COMPONENTS.name}/{name}")
    review, sources = reviewed.review, reviewed.sources
    with open_registry(vault.home).begin() as registry:
        rights = rights_on_record(registry, [name, *sources])
    with connect(vault, read=("raw",)) as connection:
        received = tuple(
            SourceBatch(source, batch.sha256, batch.loaded, batch.collected_at.replace(tzinfo=UTC))
            for source in sources
            for batch in batches(connection, source)
            if batch.status == "loaded"
        )
    return Evidence(
        component=name,
        contract=models.known.components[name],
        model_hash=review.content.model_hash,
        contract_hash=review.content.contract_hash,
        component_hash=build_of(storage, name).component_hash,
        run_id=run_id,
        review=_review_evidence(review),
        quality=_quality_evidence(evaluation),
        valuation=latest_valuations(vault.home.pricing).get(name),
        rights=rights,
        batches=received,
        radar="" if evaluation is None or evaluation.vector is None else radar(evaluation.vector.scores),
    )


def _review_evidence(review: Review) -> ReviewEvidence:
    return ReviewEvidence(
        review.review_id,
        review.security,
        review.content.data_hash,
        review.content.model_hash,
        review.content.contract_hash,
        review.content.policy_hash,
        review.blocking,
        tuple(CheckOutcome(each.check, each.part, each.outcome, each.reason) for each in review.findings),
        review.reviewed_at,
        _smallest_group(review),
    )


def _smallest_group(review: Review) -> int | None:
    """The fewest subjects behind one row, where a check measured it: alike in a class, or counted in a cell."""
    told = {each.check: each.evidence for each in review.findings}
    alike = told.get(K_ANONYMITY, {}).get("k")
    counted = told.get(GROUP_MINIMUM, {}).get("smallest")
    numbers = [alike, *(counted.values() if isinstance(counted, Mapping) else ())]
    return min((int(each) for each in numbers if each is not None), default=None)


def _quality_evidence(evaluation: Evaluation | None) -> QualityEvidence | None:
    if evaluation is None or evaluation.vector is None:
        return None
    vector = evaluation.vector
    held = sum(each.holds for each in evaluation.results)
    return QualityEvidence(
        vector.scores,
        vector.quality,
        vector.beta_set,
        len(evaluation.results),
        held,
        evaluation.gate_closed,
        evaluation.evaluated_at,
    )


def _disclosing(vault: Vault, name: str, reviewed: Reviewed, now: datetime) -> Disclose:
    """What a new release puts on record beside itself, in the same transaction: whose data it discloses, under the kind
    that its contract names and under every common one."""

    def disclose(record: Record, release_id: str) -> None:
        for each in reviewed.entities:
            kept = keep_entities(vault, release_id, each.scope, each.query)
            disclosed = DisclosedSet(release_id, each.scope, name, kept, each.query.lineage)
            record_release(record.connection, disclosed, reviewed.sources, reviewed.compared_with, now)

    return disclose
