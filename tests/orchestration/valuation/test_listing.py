"""The listing lint over a small catalogue: what can be had for less is reported, what cannot be compared is not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from orchestration.dbt_assets import Models
from orchestration.declarations import declarations
from orchestration.valuation.listing import findings_about
from pricing.component_price import priced
from tests.pricing.prices import facts, parameters
from tests.vault.test_valuations import valuation
from vault.contract import ComponentContract
from vault.valuations import Valuation

Regime = Literal["market", "public_guided", "public_free"]


def component(*columns: str, regime: Regime = "market") -> ComponentContract:
    like = declarations().components["zone_hourly_mobility"]
    declared = tuple(like.columns[0].model_copy(update={"name": name}) for name in ("zone_id", *columns))
    pricing = like.pricing.model_copy(update={"regime": regime})
    return like.model_copy(update={"columns": declared, "grain": ("zone_id",), "pricing": pricing})


def catalogue(components: dict[str, ComponentContract], read: dict[str, str] | None = None) -> Models:
    nodes: dict[str, Any] = {"model.jinku.trip": {"fqn": ["jinku", "resource", "trip"]}}
    nodes["model.jinku.visit"] = {"fqn": ["jinku", "resource", "visit"]}
    for name in components:
        above = f"model.jinku.{(read or {}).get(name, 'trip')}"
        nodes[f"model.jinku.{name}"] = {"fqn": ["jinku", "components", name], "depends_on": {"nodes": [above]}}
    known = SimpleNamespace(components=components)
    return Models(Path("manifest.json"), {"nodes": nodes}, {}, known)  # type: ignore[arg-type]


def at(price_fen: int, name: str = "part") -> Valuation:
    """A valuation whose listed price is given by what it cost; nothing else of it is compared."""
    found = valuation(name)
    document: Any = {**found.document, "price": {**found.price, "negotiated": {"listed_fen": price_fen}}}
    return replace(found, document=document)


PRICE = priced(facts(), parameters())
LISTED_FEN = PRICE.negotiated.listed_fen


def test_a_superset_that_is_cheaper_is_reported_from_either_side() -> None:
    models = catalogue({"whole": component("a", "b"), "part": component("a")})
    (found,) = findings_about(models, "whole", PRICE, {"part": at(LISTED_FEN + 1)})
    assert (found.kind, found.dearer_id, found.cheaper_ids) == ("superset_cheaper", "part", ("whole",))
    assert findings_about(models, "part", PRICE, {"whole": at(LISTED_FEN - 1, "whole")})
    assert findings_about(models, "whole", PRICE, {"part": at(LISTED_FEN - 1)}) == ()


def test_a_bundle_dearer_than_its_parts_is_reported() -> None:
    models = catalogue({"whole": component("a", "b"), "left": component("a"), "right": component("b")})
    cheap = {"left": at(LISTED_FEN // 3, "left"), "right": at(LISTED_FEN // 3, "right")}
    (found,) = findings_about(models, "whole", PRICE, cheap)
    assert (found.kind, found.dearer_id, found.cheaper_ids) == ("bundle_dearer", "whole", ("left", "right"))


@pytest.mark.parametrize(
    "models",
    [
        catalogue({"whole": component("a", "b"), "part": component("a")}, {"part": "visit"}),
        catalogue({"whole": component("a", "b"), "part": component("a", regime="public_guided")}),
        catalogue({"whole": component("a", "b")}),
    ],
    ids=["of other rows", "priced by a rule", "no longer declared"],
)
def test_what_cannot_be_compared_is_not(models: Models) -> None:
    assert findings_about(models, "whole", PRICE, {"part": at(LISTED_FEN + 1)}) == ()
