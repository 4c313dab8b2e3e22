"""Which prices a release may be posted at, as its signed datasheet and its regime leave it.

market: P², or any price of the negotiation's band around P¹; public_guided: from the cost price up to the ceiling;
public_free: 0. Nothing is sold below P'. Sources: models §4.2, §6; 发改价格〔2025〕65号.
"""

import math
from dataclasses import dataclass

from market_api.problems import Problem
from pricing.money import Amount, format_fen, round_half_up
from pricing.negotiated import Regime
from pricing.negotiation import Band, negotiation_band
from pricing.price_record import exact_word
from vault.releases.datasheet import Document


@dataclass(frozen=True)
class AllowedPrices:
    """What may be asked for a release, in whole fen.

    cost_fen: P', below which nothing is sold, 0 where it is free; negotiated_fen: P¹; guide_fen: P², the reserve of an
    auction, P¹ where nothing was spent and no P² follows; both as the regime leaves them; ceiling_fen: of a guided
    regime; band: of a negotiation, None where no price is left to negotiate.
    """

    regime: Regime
    cost_fen: int
    negotiated_fen: int
    guide_fen: int
    ceiling_fen: int | None
    band: Band | None

    def refusal(self, price_fen: int) -> str | None:
        """Why a price may not be posted; None where it may."""
        if self.regime == "public_free":
            return None if price_fen == 0 else "it is public data that is given free: the price is 0"
        if price_fen < self.cost_fen:
            return f"it lies below the cost price of {format_fen(self.cost_fen)}"
        if self.ceiling_fen is not None:
            above = price_fen > self.ceiling_fen
            return f"it lies above the ceiling of {format_fen(self.ceiling_fen)}" if above else None
        if price_fen == self.unasked_fen or (self.band is not None and self.band.holds(price_fen)):
            return None
        return f"it is neither P² = {format_fen(self.unasked_fen)} nor within {self._band_in_words()}"

    @property
    def unasked_fen(self) -> int:
        """What is posted where nothing is asked for: P², or the cost price where that is a part of a fen above it."""
        return max(self.guide_fen, self.cost_fen)

    def _band_in_words(self) -> str:
        if self.band is None:
            return "a band around P¹, which is empty"
        return f"the band around P¹, {format_fen(self.band.lowest_fen)} to {format_fen(self.band.highest_fen)}"


def allowed_prices(document: Document) -> AllowedPrices:
    """What a datasheet allows. Raises Problem `not_cleared` where its ceiling lies below its cost: no price is left."""
    regime, steps = document["price"]["regime"], document["price"]["steps"]
    negotiated, guided = steps["negotiated"], steps["guided"]
    negotiated_fen = negotiated["listed_fen"]
    guide_fen = negotiated_fen if guided is None else guided["listed_fen"]
    if regime == "public_free":
        return AllowedPrices(regime, 0, 0, 0, None, None)
    ceiling_fen = negotiated["ceiling_fen"] if regime == "public_guided" else None
    cost_fen = _least_fen(_exact(negotiated["cost_price_fen"]), ceiling_fen)
    band = _band(cost_fen, negotiated_fen, ceiling_fen)
    return AllowedPrices(regime, cost_fen, negotiated_fen, guide_fen, ceiling_fen, band)


def posted_price(allowed: AllowedPrices, asked_fen: int | None) -> int:
    """The price to post, P² as the regime leaves it where none is asked for. Raises Problem `invalid_request`."""
    price_fen = allowed.unasked_fen if asked_fen is None else asked_fen
    if (cause := allowed.refusal(price_fen)) is not None:
        raise Problem("invalid_request", f"{format_fen(price_fen)} cannot be posted: {cause}.", "price_fen")
    return price_fen


def _least_fen(cost_price_fen: Amount, ceiling_fen: int | None) -> int:
    """P' in whole fen, not rounded down; but to the ceiling where that is P' to the nearest fen, as public data is
    sold at cost."""
    least_fen = math.ceil(cost_price_fen)
    if ceiling_fen is None or ceiling_fen >= least_fen:
        return least_fen
    if ceiling_fen == round_half_up(cost_price_fen):
        return ceiling_fen
    raise Problem(
        "not_cleared",
        f"Its ceiling of {format_fen(ceiling_fen)} lies below its cost price of {format_fen(least_fen)}, so there is "
        "no price to sell it at.",
        "release",
    )


def _band(cost_fen: int, negotiated_fen: int, ceiling_fen: int | None) -> Band | None:
    try:
        return negotiation_band(cost_fen, negotiated_fen, ceiling_fen=ceiling_fen)
    except ValueError:
        return None


def _exact(recorded: int | str) -> Amount:
    return exact_word(recorded) if isinstance(recorded, str) else recorded
