"""Releases as assets: one for each component, after its quality was judged and its price is on record.

The op reviews the component, S(X) = f(O, M, R), and releases it where S is 1. Where S is 0 it leaves a refusal with its
causes and no table: the run goes on, and the check `security` says why.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.city import City
from orchestration.dbt_assets import Models
from orchestration.failures import RETRY_TRANSIENT, clear_failures
from orchestration.layers import RELEASES, VALUATION
from orchestration.raw_assets import POOL
from orchestration.translation import BUILD_AFTER_CHECKS
from vault.home import report_link, settings_from

if TYPE_CHECKING:
    from orchestration.security.releasing import Outcome
    from review.records import Review
    from vault.releases.register import Release

SECURITY = "security"


def release_asset(name: str, models: Models) -> dg.AssetsDefinition:
    """The review and the release of one component. It is materialized only where a release stands."""
    contract = models.known.components[name]
    key = dg.AssetKey([RELEASES, name])

    @dg.multi_asset(
        name=f"release_{name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey(["components", name]), dg.AssetKey([VALUATION, name])],
                group_name=RELEASES,
                kinds={"python", "deltalake"},
                owners=[contract.owner],
                description=f"{contract.title.en} ({contract.title.zh}) as it may leave the vault: rows and datasheet.",
                tags={"tier": contract.release_tier},
                automation_condition=BUILD_AFTER_CHECKS,
                skippable=True,
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(SECURITY, asset=key, description="S(X) = f(O, M, R) = 1: origin, model and result passed")
        ],
        pool=POOL,
        retry_policy=RETRY_TRANSIENT,
    )
    def release_component_asset(context: dg.AssetExecutionContext, city: City) -> Iterator[Any]:
        with clear_failures():
            from orchestration.security.releasing import release_component  # what measures is imported when needed
            from orchestration.security.reviewing import review_component

            vault, now, run_id = city.vault(), datetime.now(UTC), context.run.run_id
            city.confirm_rights(now)
            reviewed = review_component(
                context.instance, vault, models, name, city.policy(), city.source_facts, run_id, now
            )
            outcome = release_component(context.instance, vault, models, name, reviewed, run_id, now)
        yield _check(key, reviewed.review, outcome)
        if outcome.release is not None:
            yield dg.MaterializeResult(asset_key=key, metadata=_metadata(city, outcome.release))
        else:
            context.log.info(f"{name} is not released: {'; '.join(outcome.causes)}")

    return release_component_asset


def _check(key: dg.AssetKey, review: "Review", outcome: "Outcome") -> dg.AssetCheckResult:
    """Passed where it was released. A refusal warns: to refuse is what the gate is for, and the run did well."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=SECURITY,
        passed=outcome.release is not None,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "S": review.security,
            "causes": list(outcome.causes) or ["none"],
            "findings": dg.MetadataValue.table(
                [
                    dg.TableRecord(
                        {
                            "part": each.part,
                            "check": each.check,
                            "outcome": each.outcome,
                            "blocks": each.check in review.blocking,
                            "reason": each.reason,
                        }
                    )
                    for each in review.findings
                ]
            ),
            "review": review.review_id,
        },
    )


def _metadata(city: City, release: "Release") -> dict[str, Any]:
    from orchestration.security.pages import write_datasheet_page

    settings = settings_from(os.environ)
    page = write_datasheet_page(city.home, release)
    return {
        "release": release.release_id,
        "dagster/row_count": release.rows,
        "tier": release.tier,
        "content_hash": release.content_hash,
        "published_at": release.published_at.isoformat(),
        "datasheet": dg.MetadataValue.url(report_link(city.home, settings, page)),
    }
