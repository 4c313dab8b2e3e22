"""The steps of a price, as an app developer reads them: symbol, value, formula, and what it means in words.

From the price of a signed datasheet, whose steps follow from each other. Exact numbers are told as decimals of fifteen
digits. Sources: white paper; models §1 to §5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from market_api.catalogue.recomputation import number
from pricing.money import Amount, exact, format_fen, round_half_up
from pricing.overrides import SET_BY_REGULATOR
from vault.releases.datasheet import Document

DIGITS = 15


@dataclass(frozen=True)
class Step:
    """One step. value: an exact number as a decimal, None where there is none; unit: 'fen', 'bit', 'record' or '1'."""

    symbol: str
    name: str
    value: str | None
    unit: str
    formula: str
    words: str


def price_steps(document: Document) -> Iterator[Step]:
    """All steps of a datasheet's price, in the order in which they follow."""
    steps = document["price"]["steps"]
    yield from _volume_steps(steps["valuation"])
    yield from _quality_steps(steps["valuation"])
    yield from _density_steps(steps["valuation"], " × ".join(document["contract"]["grain"]))
    yield from _cost_steps(steps)
    yield from _guide_steps(steps, document["price"]["flags"])


def decimal_text(amount: Amount) -> str:
    """A number as a decimal without an exponent, exact where fifteen digits are enough."""
    value = exact(amount)
    with localcontext(prec=DIGITS):
        rounded = Decimal(value.numerator) / Decimal(value.denominator)
    text = format(rounded.normalize(), "f")
    return str(value.numerator) if value.denominator == 1 else text


def _volume_steps(step: Document) -> Iterator[Step]:
    records, volume = step["records"], step["volume"]
    yield _step("N", "source records", records, "record", "", f"{_count(records)} source records were read to make it.")
    yield _step(
        "V",
        "volume coefficient",
        volume,
        "1",
        "V = 1 / (1 + e^(-N / C))" if volume >= 0.5 else "V = tanh(N / 2C)",
        f"{_count(records)} records, with C = {_count(step['scale_records'])} for this kind, give {_figure(volume)}. "
        "It never passes 1, so more rows alone make nothing dear.",
    )


def _quality_steps(step: Document) -> Iterator[Step]:
    scores = ", ".join(f"{name} {_figure(value)}" for name, value in step["z"] if name not in step["waived"])
    weights = ", ".join(f"{name} {_figure(value)}" for name, value in step["beta_quality"])
    yield _step(
        "Z·β",
        "quality score",
        step["score"],
        "1",
        "Zᵀβ",
        f"Measured: {scores}. Weights: {weights}. What was not measured counts 0.",
    )
    yield _step(
        "Q",
        "quality coefficient",
        step["quality"],
        "1",
        "Q = (Zᵀβ)²",
        f"The score squared is {_figure(step['quality'])}: the last faults cost most.",
    )


def _density_steps(step: Document, grain: str) -> Iterator[Step]:
    bits, half, density, index = (step[name] for name in ("entropy_bits", "half_value_bits", "density", "value_index"))
    is_usual = density == bits / (bits + half)
    yield _step(
        "E",
        "information of a record",
        bits,
        "bit",
        "entropy of the columns, what they share counted once",
        f"One record, one for each {grain}, tells {_figure(bits)} bits.",
    )
    yield _step(
        "D",
        "density of information",
        density,
        "1",
        "D = E / (E + E₀)" if is_usual else "D = h(E)",
        f"With E₀ = {_figure(half)} bits, at which it is one half, that is {_figure(density)}."
        if is_usual
        else f"By the h of its parameter set that is {_figure(density)}.",
    )
    factors = " · ".join(_figure(step[name]) for name in ("volume", "quality", "density"))
    yield _step(
        "I",
        "information value",
        index,
        "1",
        "I = V · Q · D",
        f"{factors} = {_figure(index)}; it ranks components and is no money yet.",
    )


def _cost_steps(steps: Document) -> Iterator[Step]:
    step, index = steps["negotiated"], steps["valuation"]["value_index"]
    fields, model, cost = (number(step[name]) for name in ("fields_fen", "model_fen", "cost_price_fen"))
    adjusted, value, joint = (number(step[name]) for name in ("adjusted_cost_fen", "value_fen", "joint_fen"))
    adjustment, margin, per_unit = (number(step[name]) for name in ("adjustment", "margin", "value_per_unit_fen"))
    licences = (exact(fields) + exact(model)) / exact(cost) if cost else Fraction(1)
    shared = f", spread over {_count(licences)} licences" if licences != 1 else ""
    yield _step(
        "ΣC_x",
        "cost of the fields",
        fields,
        "fen",
        "Σ C_x[i]",
        f"What it cost the vault in the period to collect, keep and govern the fields that it reads: {_money(fields)}.",
    )
    yield _step(
        "C_xm",
        "cost of the model",
        model,
        "fen",
        "development, spread over its useful life, and running it",
        f"What it cost in the period to make and run the component: {_money(model)}.",
    )
    yield _step(
        "P'",
        "cost price",
        cost,
        "fen",
        "P' = (Σ C_x[i] + C_xm) / L",
        f"Both together{shared}: {_money(cost)}. Nothing is sold below it but what is free.",
    )
    yield _step(
        "C_y",
        "adjusted cost",
        adjusted,
        "fen",
        "C_y = k_y · P'",
        f"k_y = {_figure(adjustment)} for the ecosystem that it serves makes it {_money(adjusted)}.",
    )
    yield _step(
        "A_k·I",
        "price of the value",
        value,
        "fen",
        "A_k · I",
        f"A unit of information value is worth {_money(per_unit)} in this field this quarter, and it has "
        f"{_figure(index)} of one: {_money(value)}.",
    )
    yield _step(
        "g",
        "joint price of cost and value",
        joint,
        "fen",
        "g(I, C_y) = C_y + A_k · I" if exact(joint) == exact(adjusted) + exact(value) else "g(I, C_y)",
        f"Cost and value together: {_money(joint)}.",
    )
    yield _step(
        "P¹",
        "negotiated price",
        step["price_fen"],
        "fen",
        "P¹ = (1 + γ) · g(I, C_y)",
        f"With a margin γ of {_percent(margin)}: {_money(step['price_fen'])}{_regulated(step)}",
    )


def _guide_steps(steps: Document, flags: Sequence[str]) -> Iterator[Step]:
    step = steps["guided"]
    if step is None:
        yield Step(
            "P²", "guide price", None, "fen", "P² = β · P''", "Nothing was spent on it, so no guide price follows."
        )
        return
    base, anchor, assessed = (number(step[name]) for name in ("base_fen", "anchor_fen", "assessed_fen"))
    adjustment, beta = number(step["adjustment"]), number(step["beta_market"])
    yield _step(
        "P_b", "base of cost", base, "fen", "P_b = (1 + m) · P'", f"The cost with its surcharge: {_money(base)}."
    )
    yield _history(step)
    yield _step(
        "anchor",
        "anchor",
        anchor,
        "fen",
        "C₀^θ · P_b^(1 - θ)",
        f"Between history and cost, by θ = {_figure(number(step['theta']))}: {_money(anchor)}.",
    )
    yield from _factors(step)
    floor = " That lies below the base of cost, which stands instead." if step["floor_binds"] else ""
    yield _step(
        "Φ",
        "adjustment by the factors",
        adjustment,
        "1",
        "Φ = Π (x / x_ref)^a over S, T, N, W, each and all of them within limits",
        f"Against what is usual, its scarcity, timeliness, volume and coverage make it {_figure(adjustment)} times as "
        "dear.",
    )
    yield _step(
        "P''",
        "assessed price",
        assessed,
        "fen",
        "P'' = max(P_b, anchor · Φ)",
        f"Anchor times adjustment: {_money(assessed)}.{floor}",
    )
    is_set = any(SET_BY_REGULATOR in flag for flag in flags)
    origin = SET_BY_REGULATOR if is_set else "demand against supply"
    yield _step(
        "P²",
        "guide price",
        step["price_fen"],
        "fen",
        "P² = β · P''",
        f"With the market factor β = {_figure(beta)} of the epoch, {origin}: "
        f"{_money(step['price_fen'])}{_regulated(step)}",
    )


def _history(step: Document) -> Step:
    formula = "C₀ = weighted median of comparable sales"
    if step["comparable_fen"] is None:
        return Step("C₀", "what others sold for", None, "fen", formula, "There are no comparable sales yet.")
    found = number(step["comparable_fen"])
    words = f"{_count(step['trades'])} comparable sales at arm's length have their weighted median at {_money(found)}."
    return _step("C₀", "what others sold for", found, "fen", formula, words)


def _factors(step: Document) -> Iterator[Step]:
    given, usual = step["factors"], step["reference"]
    for symbol, name, key, words in (
        ("S", "scarcity", "scarcity", "1 where nothing on offer by others could replace it"),
        ("T", "timeliness", "timeliness", "1 while it is refreshed as promised"),
        ("W", "coverage", "coverage", "completeness times the share of the population that it covers"),
    ):
        value = number(given[key])
        yield _step(symbol, name, value, "1", "", f"{_figure(value)}, against {_figure(number(usual[key]))}: {words}.")


def _step(symbol: str, name: str, value: Amount, unit: str, formula: str, words: str) -> Step:
    return Step(symbol, name, decimal_text(value), unit, formula, words)


def _regulated(step: Document) -> str:
    if step["listed_fen"] == step["price_fen"]:
        return "."
    return f", of which the regime leaves {_money(step['listed_fen'])}."


def _money(amount_fen: Amount) -> str:
    return format_fen(round_half_up(amount_fen))


def _figure(value: Amount) -> str:
    return f"{float(exact(value)):.6g}"


def _count(value: Amount) -> str:
    return f"{round_half_up(value):,}"


def _percent(share: Amount) -> str:
    return f"{float(exact(share) * 100):.10g} %"
