"""Valuation as assets: one for each component, after its quality has been judged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.city import City
from orchestration.dbt_assets import Models
from orchestration.failures import RETRY_TRANSIENT, clear_failures
from orchestration.layers import VALUATION
from orchestration.raw_assets import POOL
from orchestration.translation import BUILD_AFTER_CHECKS
from vault.epochs import Epoch
from vault.home import report_link

if TYPE_CHECKING:
    from vault.valuations import Valuation

NO_ARBITRAGE = "no_arbitrage"
FEN_PER_YUAN = 100


def valuation_asset(name: str, models: Models, epoch: Epoch) -> dg.AssetsDefinition:
    """The valuation of one component: value index, both prices and their record.

    A blocking check that fails on the component stops it, so a price stands on data that passed its gate. Its version
    is the epoch's content: other parameters ask for another price.
    """
    contract = models.known.components[name]
    key = dg.AssetKey([VALUATION, name])

    @dg.multi_asset(
        name=f"value_{name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey(["components", name])],
                group_name=VALUATION,
                kinds={"python", "duckdb"},
                owners=[contract.owner],
                code_version=epoch.content_hash[:12],
                description=f"What {contract.title.en} ({contract.title.zh}) is worth: I = V·Q·D, P¹ and P².",
                tags={"field": contract.application_field, "regime": contract.pricing.regime},
                automation_condition=BUILD_AFTER_CHECKS,
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                NO_ARBITRAGE, asset=key, description="no superset is cheaper than it, and no parts cost less together"
            )
        ],
        pool=POOL,
        retry_policy=RETRY_TRANSIENT,
    )
    def value_component_asset(context: dg.AssetExecutionContext, city: City) -> Iterator[dg.MaterializeResult]:
        with clear_failures():
            from orchestration.valuation.valuing import value_component  # what measures is imported when it is needed

            vault, now = city.vault(), datetime.now(UTC)
            rates, run_id = city.rates(now), context.run.run_id
            valuation = value_component(context.instance, vault, models, name, rates, run_id, now)
        city.remember_valuation(valuation)
        for flag in valuation.flags:
            context.log.info(f"{name}: {flag}")
        page = report_link(vault.home, vault.settings, vault.home.reports / VALUATION / f"{name}.html")
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={**_figures(valuation), "report": dg.MetadataValue.url(page)},
            check_results=[_lint(key, valuation)],
        )

    return value_component_asset


def _figures(valuation: "Valuation") -> dict[str, Any]:
    """Numbers, so that Dagster plots them over time, and the breakdown as a table."""
    from orchestration.valuation.explanation import explained

    value, negotiated, guided = (valuation.price[part] for part in ("valuation", "negotiated", "guided"))
    found: dict[str, Any] = {
        "value_index": value["value_index"],
        "volume": value["volume"],
        "quality": value["quality"],
        "density": value["density"],
        "entropy_bits": value["entropy_bits"],
        "negotiated_price_yuan": negotiated["listed_fen"] / FEN_PER_YUAN,
        "epoch": valuation.epoch,
        "breakdown": dg.MetadataValue.table(
            [
                dg.TableRecord({"step": line.symbol, "what": line.words, "value": line.value, "how": line.formula})
                for line in explained(valuation)
            ]
        ),
    }
    if guided is not None:
        found["guide_price_yuan"] = guided["listed_fen"] / FEN_PER_YUAN
    if valuation.flags:
        found["flags"] = list(valuation.flags)
    return found


def _lint(key: dg.AssetKey, valuation: "Valuation") -> dg.AssetCheckResult:
    findings = valuation.document["lint"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NO_ARBITRAGE,
        passed=not findings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"findings": dg.MetadataValue.json(json.loads(json.dumps(findings)))},
    )
