"""Quality as asset checks: one op per table, one check per expectation, between this layer and the next."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from expectations.catalogue import columns_named, default_dimension
from expectations.results import ExpectationResult
from expectations.suites import check_names
from orchestration.city import City, rules_in_force, run_of
from orchestration.dbt_assets import Models
from orchestration.failures import RETRY_TRANSIENT, TRANSIENT_CODES, clear_failures
from orchestration.freshness import EXPECTATION
from orchestration.judged_tables import contract_of, suite_of
from orchestration.layers import Layer
from orchestration.raw_assets import POOL
from vault.contract import Expectation
from vault.errors import JinkuError
from vault.home import report_link
from vault.layers import Vault, connect
from vault.ledger import collection_times

if TYPE_CHECKING:
    from expectations.judging import Judgement

ROW_REFERENCES_SHOWN = 5
ALL_EVALUATED = "all_evaluated"


def quality_checks(layer: Layer, name: str, models: Models) -> dg.AssetChecksDefinition:
    """The checks of one table: one for each expectation, and one that all of them could be evaluated.

    What is critical and fails stops the next layer, and so does anything that could not be evaluated. Only these block:
    automation counts a blocking check that warns as one that has not passed.
    """
    suite = suite_of(contract_of(models, layer, name))
    names = check_names(suite)
    key = dg.AssetKey([layer.name, name])

    @dg.multi_asset_check(
        name=f"quality_of_{name}",
        specs=[
            *(_spec(key, check, expectation) for check, expectation in zip(names, suite, strict=True)),
            dg.AssetCheckSpec(
                ALL_EVALUATED,
                asset=key,
                blocking=True,
                description="every expectation could be evaluated",
                metadata={EXPECTATION: _hash(*suite)},
            ),
        ],
        pool=POOL,
        retry_policy=RETRY_TRANSIENT,
        description=f"Great Expectations on {layer.name}/{name}, where it lies",
    )
    def judge_table(context: dg.AssetCheckExecutionContext, city: City) -> Iterator[dg.AssetCheckResult]:
        with clear_failures():
            judgement = _judgement(context, city, layer, name, models)
        if judgement.problem:
            context.log.warning(judgement.problem)
        of_table = _metadata_of_table(judgement, city.vault())
        for check, expectation, result in zip(names, suite, judgement.results, strict=True):
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=check,
                passed=result.holds,
                severity=dg.AssetCheckSeverity.ERROR if result.closes_gate else dg.AssetCheckSeverity.WARN,
                metadata={EXPECTATION: _hash(expectation), **_metadata(result), **of_table},
            )
        yield _all_evaluated(key, names, suite, judgement)

    return judge_table


def _spec(key: dg.AssetKey, check: str, expectation: Expectation) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check,
        asset=key,
        blocking=expectation.severity == "critical",
        description=f"{expectation.reason} ({expectation.severity}, {default_dimension(expectation)})",
        metadata={
            EXPECTATION: _hash(expectation),
            "type": expectation.type,
            "columns": list(columns_named(expectation)),
        },
    )


def _all_evaluated(
    key: dg.AssetKey, names: Sequence[str], suite: Sequence[Expectation], judgement: "Judgement"
) -> dg.AssetCheckResult:
    """No evidence is a refusal: passed only where there are results, and none of them is an error."""
    errors = [name for name, result in zip(names, judgement.results, strict=True) if result.status == "error"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=ALL_EVALUATED,
        passed=bool(judgement.results) and not errors,
        metadata={EXPECTATION: _hash(*suite), "expectations": len(names), "not_evaluated": errors or ["none"]},
    )


def _judgement(
    context: dg.AssetCheckExecutionContext, city: City, layer: Layer, name: str, models: Models
) -> "Judgement":
    from expectations import history  # not before a table is judged: definitions must load quickly
    from expectations.judging import judge, results_of, results_of_unreadable
    from orchestration.subjects import measured_by_the_platform, subject_of

    now, vault = datetime.now(UTC), city.vault()
    run = run_of(context.instance, context.run.run_id)
    subject = subject_of(context.instance, models, layer, name)
    engine = history.open_history(vault.home.quality)
    try:
        with connect(vault, read=("raw",)) as connection:
            collected = collection_times(connection)
        with connect(vault, read=(layer.database,)) as connection:
            results = results_of(connection, subject, run.run_id)
    except JinkuError as error:
        if error.code in TRANSIENT_CODES and context.retry_number < RETRY_TRANSIENT.max_retries:
            raise
        collected, results = {}, results_of_unreadable(subject, f"{error.code}: {error.what}", run.run_id)
    is_readable = any(result.table_rows is not None for result in results)
    platform = measured_by_the_platform(engine, models, layer, name, collected, is_readable, now)
    judgement = judge(engine, vault.home.reports, subject, results, platform, rules_in_force(), run, now)
    city.remember(judgement)
    return judgement


def _hash(*expectations: Expectation) -> str:
    """Changes with anything that is said of an expectation but its reason, and with what stands beside it."""
    told = "".join(expectation.model_dump_json(exclude={"reason"}) for expectation in expectations)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _metadata(result: ExpectationResult) -> dict[str, Any]:
    """Counts, rate, cause and places of failing rows; never a value of the data."""
    found: dict[str, Any] = {"status": result.status, "dimension": result.dimension, "severity": result.severity}
    counts = {
        "evaluated": result.element_count,
        "missing": result.missing_count,
        "unexpected": result.unexpected_count,
        "rate": None if result.rate is None else round(result.rate, 6),
        "cause": result.cause,
        "observed": result.observed,
    }
    found |= {name: value for name, value in counts.items() if value is not None}
    if result.row_references:
        shown = result.row_references[:ROW_REFERENCES_SHOWN]
        found["failing_rows"] = [f"{each.batch} row {each.row}" for each in shown]
    return found


def _metadata_of_table(judgement: "Judgement", vault: Vault) -> dict[str, Any]:
    """What every check of a table tells alike: Q, and where its pages are."""
    found: dict[str, Any] = {"quality": round(judgement.vector.quality, 6)}
    if judgement.page is not None:
        found["report"] = dg.MetadataValue.url(report_link(vault.home, vault.settings, judgement.page))
    found["data_docs"] = dg.MetadataValue.url(report_link(vault.home, vault.settings, judgement.data_docs))
    if judgement.problem:
        found["report_problem"] = judgement.problem
    return found
