"""Who contributes what to a component's figures, as its contract says, and the noise that it claims."""

from collections.abc import Mapping

from orchestration.dbt_assets import Models
from orchestration.security.queries import ContractQuery, contract_query
from orchestration.subjects import sources_below
from review.model.under_review import NoiseClaim
from vault.contract import ComponentContract
from vault.disclosure.draws import MECHANISM

CATEGORY_OF_UNIT: Mapping[str, str] = {"person": "personal", "enterprise": "enterprise"}
"""The category of the sources that speak of a unit of privacy."""


def contribution_queries(models: Models, name: str, contract: ComponentContract) -> dict[str, ContractQuery]:
    """The queries of contributions by figure."""
    return {
        figure: contract_query(models, name, each.query, own_rows=False)
        for figure, each in contract.contributions.items()
    }


def noise_claim(models: Models, name: str, contract: ComponentContract) -> NoiseClaim | None:
    """What a contract claims of its noise, for the review of the model; None where it claims none."""
    claim = contract.differential_privacy
    if claim is None:
        return None
    queries = contribution_queries(models, name, contract)
    return NoiseClaim(
        MECHANISM,
        float(claim.epsilon),
        float(claim.delta),
        claim.unit,
        contract_query(models, name, claim.cells, own_rows=False).statement,
        {figure: query.statement for figure, query in queries.items()},
        frozenset(figure for figure, each in contract.contributions.items() if each.aggregate == "count"),
    )


def sources_of_unit(models: Models, name: str, unit: str) -> tuple[str, ...]:
    """The sources below a component that speak of a unit of privacy: their budgets it spends."""
    sources = models.known.sources
    return tuple(each for each in sources_below(models, name) if sources[each].category == CATEGORY_OF_UNIT[unit])
