"""What would raise the value most: the price of the same component if one thing about it were better.

Each is priced anew from the record's own facts and parameters, by the formulas that priced it; costs stay what they
are. Prices are those before the regime. Sources: white paper; models §1 to §5.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestration.valuation.entropy_tree import column_shares
from orchestration.valuation.figures import bits, figure
from orchestration.valuation.reading import Reading, read
from pricing.component_price import ComponentPrice, PricedFacts, priced
from pricing.density import PairEntropy, RecordEntropy, chow_liu
from pricing.guide import coverage
from vault.valuations import Valuation

COLUMNS_TRIED = 8
"""Of the columns that repeat most; each takes a search for the best tree."""
LEAST_BITS = 0.05
"""What less is shared than this is chance as likely as not."""


@dataclass(frozen=True)
class Improvement:
    """One thing made better: what it would be worth then, and by how much more. guide_*: None without a guide price.

    symbol: what it moves first: Z, N, T, W or E.
    """

    symbol: str
    words: str
    value_index: float
    value_index_gain: float
    negotiated_fen: int
    negotiated_gain_fen: int
    guide_fen: int | None
    guide_gain_fen: int | None

    @property
    def has_effect(self) -> bool:
        """Whether it would change anything."""
        return bool(self.value_index_gain or self.negotiated_gain_fen or self.guide_gain_fen)


def improvements(valuation: Valuation) -> tuple[Improvement, ...]:
    """Everything that could be better, what raises P¹ most first, then P²; what would change nothing comes last."""
    reading = read(valuation)
    now = priced(reading.facts, reading.parameters)
    found = [
        _improvement(symbol, words, now, priced(facts, reading.parameters))
        for symbol, words, facts in _better_facts(reading)
    ]
    return tuple(sorted(found, key=_order))


def independent(entropy: RecordEntropy, column: str) -> float:
    """E in bits if a column told nothing that the others tell, with as many bits of its own. Source: models §2.1."""
    pairs = [_parted(pair) if column in (pair.first, pair.second) else pair for pair in entropy.pairs]
    return chow_liu(entropy.columns, pairs).bits


def _parted(pair: PairEntropy) -> PairEntropy:
    return replace(pair, joint_bits=pair.first_bits + pair.second_bits)


def _better_facts(reading: Reading) -> Iterator[tuple[str, str, PricedFacts]]:
    facts, measures, factors = reading.facts, reading.facts.measures, reading.facts.factors
    for dimension in reading.parameters.beta_quality:
        score = measures.z.get(dimension, 0.0)
        if dimension not in measures.waived and score < 1:
            better = replace(facts, measures=replace(measures, z={**measures.z, dimension: 1.0}))
            if dimension == "completeness" and reading.population_share is not None:  # it is a part of W too
                covered = coverage(1, reading.population_share)
                better = replace(better, factors=replace(factors, coverage=covered))
            yield "Z", f"{dimension} 1 instead of {figure(score)}", better
    if measures.records:
        doubled = replace(measures, records=measures.records * 2)
        twice = replace(factors, records=measures.records * 2)
        words = f"twice the source records: {figure(doubled.records)} instead of {figure(measures.records)}"
        yield "N", words, replace(facts, measures=doubled, factors=twice)
    if factors.timeliness < 1:
        words = f"refreshed today: timeliness 1 instead of {figure(factors.timeliness)}"
        yield "T", words, replace(facts, factors=replace(factors, timeliness=1))
    if factors.coverage < 1:
        words = f"whole population, complete: W 1 instead of {figure(factors.coverage)}"
        yield "W", words, replace(facts, factors=replace(factors, coverage=1))
    yield from _with_independent_columns(reading)


def _with_independent_columns(reading: Reading) -> Iterator[tuple[str, str, PricedFacts]]:
    """A column that repeats another replaced by one of as many bits that does not; none where E is another entropy.

    Of two columns that repeat each other one is tried: replacing either brings the same.
    """
    measures, entropy = reading.facts.measures, reading.entropy
    if reading.parameters.entropy_kind != "chow_liu":
        return
    shares = column_shares(entropy)
    # of each column the most that one below it in the tree repeats: of equal names the last stands
    repeated_bits = {share.repeats: share.shared_bits for share in sorted(shares, key=lambda each: each.shared_bits)}
    repeating = [each for each in shares if each.shared_bits >= max(LEAST_BITS, repeated_bits.get(each.name, 0.0))]
    repeating.sort(key=lambda share: (-share.shared_bits, share.name))
    for share in repeating[:COLUMNS_TRIED]:
        gained_bits = max(0.0, independent(entropy, share.name) - entropy.bits)
        words = f"something new instead of {share.name}, which repeats {share.repeats}: {bits(gained_bits)} more"
        better = replace(measures, entropy_bits=measures.entropy_bits + gained_bits)
        yield "E", words, replace(reading.facts, measures=better)


def _improvement(symbol: str, words: str, now: ComponentPrice, better: ComponentPrice) -> Improvement:
    guide_fen = better.guided.price_fen if better.guided else None
    guide_gain_fen = better.guided.price_fen - now.guided.price_fen if better.guided and now.guided else None
    return Improvement(
        symbol=symbol,
        words=words,
        value_index=better.valuation.value_index,
        value_index_gain=better.valuation.value_index - now.valuation.value_index,
        negotiated_fen=better.negotiated.price_fen,
        negotiated_gain_fen=better.negotiated.price_fen - now.negotiated.price_fen,
        guide_fen=guide_fen,
        guide_gain_fen=guide_gain_fen,
    )


def _order(improvement: Improvement) -> tuple[int, int, float, str]:
    guide_gain_fen = improvement.guide_gain_fen or 0
    return (-improvement.negotiated_gain_fen, -guide_gain_fen, -improvement.value_index_gain, improvement.words)
