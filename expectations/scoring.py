"""From the results of a table and what the platform measured to Z and Q.

The formulas are those of `pricing.quality`; here the results are put in its words.
"""

from collections.abc import Mapping, Sequence

from expectations.results import ExpectationResult
from expectations.vector import Gain, PlatformMetrics, QualityVector
from expectations.waivers import Waiver
from expectations.weights import BetaSet
from pricing import quality as model
from pricing.quality import DIMENSIONS, Evidence
from vault.contract import Dimension


def quality_vector(
    results: Sequence[ExpectationResult],
    platform: PlatformMetrics,
    weights: BetaSet,
    waivers: Sequence[Waiver] = (),
    entropies: Mapping[str, float] | None = None,
) -> QualityVector:
    """Z and Q of one table.

    waivers: those that count today; entropies: the entropy of each field, which asks for matrix mode. An unmeasured
    dimension scores 0 unless it is waived. Raises ValueError where every dimension is waived or no field has entropy.
    """
    waived = frozenset(waiver.dimension for waiver in waivers)
    scores = _scores(_evidence(results, platform), entropies)
    return QualityVector(
        mode="vector" if entropies is None else "matrix",
        beta_set=weights.name,
        scores={dimension: None if dimension in waived else scores[dimension] for dimension in DIMENSIONS},
        quality=model.quality_coefficient(scores, weights.beta, waived),
        waivers=tuple(waivers),
        platform=platform,
    )


def gains_of_expectations(
    results: Sequence[ExpectationResult],
    platform: PlatformMetrics,
    weights: BetaSet,
    waivers: Sequence[Waiver] = (),
    entropies: Mapping[str, float] | None = None,
) -> tuple[Gain, ...]:
    """What each expectation below its best costs of Q, the dearest first; named by its `expectation_id`."""
    faulty: dict[str, set[int]] = {}
    for position in _faulty(results):
        faulty.setdefault(results[position].expectation_id, set()).add(position)
    return _gains(faulty, results, platform, weights, waivers, entropies)


def gains_of_columns(
    results: Sequence[ExpectationResult],
    platform: PlatformMetrics,
    weights: BetaSet,
    waivers: Sequence[Waiver] = (),
    entropies: Mapping[str, float] | None = None,
) -> tuple[Gain, ...]:
    """What the faults of each column cost of Q together, the dearest first: 'fixing this raises Q from .81 to .90'."""
    faulty: dict[str, set[int]] = {}
    for position in _faulty(results):
        for column in results[position].columns:
            faulty.setdefault(column, set()).add(position)
    return _gains(faulty, results, platform, weights, waivers, entropies)


def _faulty(results: Sequence[ExpectationResult]) -> list[int]:
    return [position for position, result in enumerate(results) if result.rate is not None and result.rate < 1]


def _gains(
    faulty: Mapping[str, set[int]],
    results: Sequence[ExpectationResult],
    platform: PlatformMetrics,
    weights: BetaSet,
    waivers: Sequence[Waiver],
    entropies: Mapping[str, float] | None,
) -> tuple[Gain, ...]:
    evidence = _evidence(results, platform)
    waived = frozenset(waiver.dimension for waiver in waivers)
    now = model.quality_coefficient(_scores(evidence, entropies), weights.beta, waived)
    gains = []
    for name, positions in faulty.items():
        right = model.made_right(evidence, positions)
        gains.append(Gain(name, now, model.quality_coefficient(_scores(right, entropies), weights.beta, waived)))
    return tuple(sorted(gains, key=lambda gain: (-gain.difference, gain.name)))


def _scores(evidence: Sequence[Evidence], entropies: Mapping[str, float] | None) -> dict[Dimension, float]:
    found = model.quality_vector(evidence) if entropies is None else model.matrix_scores(evidence, entropies)
    return {dimension: found[dimension] for dimension in DIMENSIONS}


def _evidence(results: Sequence[ExpectationResult], platform: PlatformMetrics) -> list[Evidence]:
    """The results in their order, then what the platform measured: one critical rule on the whole table each."""
    of_results = [
        Evidence(result.dimension, result.severity, result.rate, result.weight, result.columns) for result in results
    ]
    return of_results + [Evidence(dimension, "critical", rate) for dimension, rate in platform.rates.items()]
