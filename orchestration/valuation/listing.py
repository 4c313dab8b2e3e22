"""The listing lint: prices by which a buyer would get more for less, over the components as they are priced now.

Source: models §4.3; `pricing.arbitrage` has the rules and says what they rest on.
"""

from collections.abc import Mapping

from orchestration.dbt_assets import Models
from orchestration.valuation.facts import scope_of
from pricing.arbitrage import Finding, Listing, arbitrage_findings
from pricing.component_price import ComponentPrice
from vault.valuations import Valuation


def findings_about(
    models: Models, name: str, price: ComponentPrice, known: Mapping[str, Valuation]
) -> tuple[Finding, ...]:
    """What the lint says of a component at this price, beside the last prices of all others.

    Only prices of the market are compared: a price that a rule sets follows no other.
    """
    listings = [_listing(models, name, price.negotiated.listed_fen)]
    for other, valuation in known.items():
        if other != name and other in models.known.components:
            listings.append(_listing(models, other, valuation.price["negotiated"]["listed_fen"]))
    of_market = [each for each in listings if models.known.components[each.component_id].pricing.regime == "market"]
    return tuple(each for each in arbitrage_findings(of_market) if name in (each.dearer_id, *each.cheaper_ids))


def _listing(models: Models, name: str, price_fen: int) -> Listing:
    scope = scope_of(models, name)
    return Listing(name, scope.concepts, scope.rows_id, price_fen)
