"""A price explained: every step from what was measured to what is asked, with its formula, its figures and in words.

The steps are those of the signed datasheet; they are computed again first, and where they disagree nothing is explained
but that. Sources: white paper; models §1 to §6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from market_api.catalogue.effects import Effect, effects
from market_api.catalogue.price_steps import decimal_text, price_steps
from market_api.catalogue.prices import AllowedPrices
from market_api.catalogue.recomputation import disagreements
from market_api.problems import Problem
from market_api.rates.receivers import Receiver
from market_api.rates.splitting import split
from market_api.rates.tables import SaleRates
from pricing.clearance import Clearance
from pricing.money import format_fen
from vault.releases.datasheet import Document

REGIMES: Mapping[str, str] = {
    "market": "Traded: P², or what is negotiated around P¹, or bid from P² on; never below the cost.",
    "public_guided": "Public data with a guided price: from its cost up to a ceiling, which no way of sale passes.",
    "public_free": "Public data for the public good: it is given free.",
}
RECOMPUTED = (
    "Every step that follows from others was computed again and agrees. The costs of single fields and other buyers' "
    "trades stay in the vault, so what rests on them stands as it was signed."
)


def explained(document: Document, allowed: AllowedPrices, price_fen: int | None) -> dict[str, Any]:
    """How the price of a release comes about. price_fen: the posted one, None where it is on request.

    Raises Problem `not_cleared` where the steps do not follow from each other.
    """
    require_agreement(document)
    price, steps = document["price"], document["price"]["steps"]
    moved = effects(steps)
    return {
        "component": document["component"],
        "release": document["release"],
        "currency": "CNY",
        "regime": allowed.regime,
        "regime_in_words": REGIMES[allowed.regime],
        "prices": {
            "posted_fen": price_fen,
            "cost_fen": allowed.cost_fen,
            "negotiated_fen": allowed.negotiated_fen,
            "guide_fen": allowed.guide_fen,
            "ceiling_fen": allowed.ceiling_fen,
        },
        "negotiation": _negotiation(allowed),
        "auction": {"reserve_fen": max(allowed.guide_fen, allowed.cost_fen), "words": "Bids begin at P², the reserve."},
        "steps": [asdict(step) for step in price_steps(document)],
        "effects": [asdict(effect) for effect in moved],
        "moves_most": _moves_most(moved),
        "parameters": {key: steps["valuation"][key] for key in ("profile", "parameter_version", "parameter_hash")},
        "epoch": price["epoch"],
        "valued_at": price["valued_at"],
        "flags": list(price["flags"]),
        "record_hash": price["record_hash"],
        "recomputed": RECOMPUTED,
    }


def require_agreement(document: Document) -> None:
    """Raises Problem `not_cleared` where a datasheet's price does not follow from its own steps."""
    if wrong := disagreements(document["price"]):
        raise Problem(
            "not_cleared",
            f"The price of {document['release']} does not follow from its own steps: {', '.join(wrong)}.",
            "release",
            steps=list(wrong),
        )


def sale_explained(price_fen: int, rates: SaleRates, receivers: Sequence[Receiver]) -> dict[str, Any]:
    """Who would get what of a sale at a price: tax, fee, seller and all providers together, in fen."""
    found = split(price_fen, rates, receivers, Clearance(safe=True, gate_open=True))
    of_seller = sum((each.share for each in receivers if each.role == "seller"), Fraction(0))
    words = [line for line in found.explanation if not any(each.receiver in line for each in receivers)]
    return {
        "price_fen": price_fen,
        "vat_fen": found.of_kind("tax"),
        "vat_rate": decimal_text(rates.vat.rate),
        "fee_fen": found.of_kind("fee"),
        "fee_rate": decimal_text(rates.fee.rate),
        "seller_fen": found.of_kind("seller"),
        "seller_share": decimal_text(of_seller),
        "providers_fen": found.of_kind("provider"),
        "providers_share": decimal_text(1 - of_seller),
        "words": words,
    }


def _negotiation(allowed: AllowedPrices) -> dict[str, Any] | None:
    band = allowed.band
    if band is None or allowed.regime == "public_free":
        return None
    words = (
        f"Offers lie within {format_fen(band.lowest_fen)} and {format_fen(band.highest_fen)}: around P¹, not below P'"
        + ("" if allowed.ceiling_fen is None else " and not above the ceiling")
        + "."
    )
    return {"lowest_fen": band.lowest_fen, "highest_fen": band.highest_fen, "words": words}


def _moves_most(moved: Sequence[Effect]) -> dict[str, Any]:
    """The one thing that each price hangs on most, in words."""
    told = {}
    for price, key in (("P¹", "negotiated_fen"), ("P²", "guide_fen")):
        found = [(getattr(each, key), each) for each in moved if getattr(each, key) is not None]
        if found:
            fen, most = max(found, key=lambda pair: abs(pair[0]))
            told[key.removesuffix("_fen")] = {
                "symbol": most.symbol,
                "effect_fen": fen,
                "words": f"{price} hangs most on {most.symbol}, its {most.name}: a tenth less of it would make "
                f"{price} {format_fen(abs(fen))} {'lower' if fen > 0 else 'higher'}.",
            }
    return told
