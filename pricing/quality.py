"""The quality coefficient Q(Z) = (Zᵀβ)²: from rated evidence to Z, from Z and β to Q.

Counts become rates in `pricing.rates`, β comes from `pricing.weights`; both are named here too, so that this module is
the one door to quality. Sources: white paper, quality of components; models §1.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pricing.dimensions import DIMENSIONS, SEVERITY_WEIGHTS
from pricing.domain import non_negative, positive, within_unit
from pricing.rates import (
    Measured,
    accessibility_rate,
    gate_is_open,
    graded_rate,
    query_rate,
    rate,
    row_rate,
    share_rate,
    timeliness_rate,
    verdict_rate,
)
from pricing.weights import (
    BETA_FLOOR,
    CONSISTENCY_RATIO_LIMIT,
    RANDOM_INDEX,
    AhpResult,
    BetaSet,
    ahp_beta,
    ahp_weights,
    catalogue_beta,
    check_beta,
    check_weights,
    combined_beta,
    dimension_entropies,
    entropy_weights,
    expert_beta,
    without_waived,
)

__all__ = [
    "BETA_FLOOR",
    "CONSISTENCY_RATIO_LIMIT",
    "DIMENSIONS",
    "RANDOM_INDEX",
    "SEVERITY_WEIGHTS",
    "AhpResult",
    "BetaSet",
    "Evidence",
    "Measured",
    "accessibility_rate",
    "ahp_beta",
    "ahp_weights",
    "catalogue_beta",
    "check_beta",
    "check_weights",
    "combined_beta",
    "dimension_entropies",
    "entropy_shares",
    "entropy_weights",
    "expert_beta",
    "gate_is_open",
    "graded_rate",
    "made_right",
    "matrix_scores",
    "quality_coefficient",
    "quality_if_right",
    "quality_matrix",
    "quality_score",
    "quality_vector",
    "query_rate",
    "rate",
    "row_rate",
    "share_rate",
    "timeliness_rate",
    "verdict_rate",
    "without_waived",
]

ZName = TypeVar("ZName", bound=str)
BetaName = TypeVar("BetaName", bound=str)
Place = tuple[str | None, str]
"""A field and a dimension; the field None stands for the whole table, the one field of vector mode."""


@dataclass(frozen=True)
class Evidence:
    """One rated result: the dimension it speaks for, how grave a failure is, its rate (None: nothing to evaluate).

    field: the column it is about, or several of them, for each of which it counts; None or () where it is about the
    table, which counts for every field. Raises ValueError outside the domain.
    """

    dimension: str
    severity: str
    rate: float | None
    weight: float = 1.0
    field: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"dimension must be one of {', '.join(DIMENSIONS)}, not {self.dimension!r}")
        if self.severity not in SEVERITY_WEIGHTS:
            raise ValueError(f"severity must be one of {', '.join(SEVERITY_WEIGHTS)}, not {self.severity!r}")
        if self.rate is not None:
            within_unit("rate", self.rate)
        positive("weight", self.weight)

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns it is about, none where it is about the table."""
        if self.field is None:
            return ()
        return (self.field,) if isinstance(self.field, str) else self.field

    def mass(self, severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS) -> float:
        """s_e · w_e, the severity's weight times its own. Raises ValueError for a severity without a weight above 0."""
        if self.severity not in severity_weights:
            raise ValueError(f"severity {self.severity} has no weight")
        return positive(f"weight of severity {self.severity}", severity_weights[self.severity]) * self.weight

    def counts_for(self, field: str | None) -> bool:
        """Whether it counts for a field, None being the whole table: it names it, or it is about the table."""
        return field is None or not self.fields or field in self.fields


def quality_vector(
    evidence: Iterable[Evidence], severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS
) -> dict[str, float]:
    """Z in vector mode: Z_d = Σ s w r / Σ s w over the rated evidence of d; 0 where there is none.

    No evidence earns no credit: leaving a dimension unmeasured must never pay. Raises ValueError for a severity
    without a weight above 0. Source: models §1.2, §1.3.
    """
    cells = _cells(tuple(evidence), (None,), severity_weights)
    return {dimension: cells.get((None, dimension), 0.0) for dimension in DIMENSIONS}


def quality_matrix(
    evidence: Iterable[Evidence],
    field_weights: Mapping[str, float],
    waived: frozenset[tuple[str, str]] = frozenset(),
    severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS,
) -> dict[str, float]:
    """Z in matrix mode (指标矩阵): Z_d = Σ_f w_f Z_fd, w_f = H_f / ΣH (`entropy_shares`), Z_fd pooled as a vector.

    Evidence about the table counts for every field, about a column without weight for none. An unmeasured (f, d)
    scores 0; a waived one leaves Z_d, which is then Σ w Z / Σ w over the others, 0 where all are waived. Raises
    ValueError where the weights do not sum to 1, or a waiver names no field or dimension. Source: models §1.2, §1.3.
    """
    check_weights(list(field_weights.values()))
    for field, dimension in sorted(waived):
        if field not in field_weights or dimension not in DIMENSIONS:
            raise ValueError(f"waived, but no field and dimension of the matrix: {field}, {dimension}")
    cells = _cells(tuple(evidence), tuple(field_weights), severity_weights)
    scores: dict[str, float] = {}
    for dimension in DIMENSIONS:
        kept = {field: weight for field, weight in field_weights.items() if (field, dimension) not in waived}
        earned = math.fsum(weight * cells.get((field, dimension), 0.0) for field, weight in kept.items())
        total = 1.0 if len(kept) == len(field_weights) else math.fsum(kept.values())
        scores[dimension] = min(1.0, earned / total) if total > 0 else 0.0
    return scores


def entropy_shares(entropies: Mapping[str, float]) -> dict[str, float]:
    """w_f = H_f / ΣH, each field's share of the entropy, in [0, 1] and summing to 1.

    entropies: bits by field, 0 or more. Raises ValueError where one is not, or no field has any. Source: models §1.2.
    """
    for field, bits in entropies.items():
        non_negative(f"entropy of {field}", bits)
    total = math.fsum(entropies.values())
    if total <= 0:
        raise ValueError("no field has entropy, so none can weigh in matrix mode")
    return {field: bits / total for field, bits in entropies.items()}


def quality_score(
    z: Mapping[ZName, float],
    beta: Mapping[BetaName, float],
    waived: Collection[str] = (),
    floor: float = BETA_FLOOR,
) -> float:
    """Zᵀβ in [0, 1]; waived dimensions are left out and β renormalised over the others.

    A dimension that Z lacks scores 0. Raises ValueError where a value of Z lies outside [0, 1], Z has a dimension that
    β lacks, or β is off the simplex or below its floor. Sources: white paper, Q(Z) = (Zᵀβ)²; models §1.
    """
    scores = {str(dimension): within_unit(f"Z of {dimension}", value) for dimension, value in z.items()}
    unknown = sorted(set(scores) - set(beta))
    if unknown:
        raise ValueError(f"Z has {', '.join(unknown)}, which have no weight in beta")
    weights = without_waived(beta, waived, floor)
    return min(1.0, math.fsum(weight * scores.get(dimension, 0.0) for dimension, weight in weights.items()))


def quality_coefficient(
    z: Mapping[ZName, float],
    beta: Mapping[BetaName, float],
    waived: Collection[str] = (),
    floor: float = BETA_FLOOR,
) -> float:
    """Q(Z) = (Zᵀβ)² in [0, 1]. Raises ValueError as `quality_score` does. Sources: white paper; models §1."""
    return quality_score(z, beta, waived, floor) ** 2


def made_right(evidence: Sequence[Evidence], chosen: Collection[int]) -> tuple[Evidence, ...]:
    """The evidence as it would be if the chosen rules (by position) held for every row: their rate is 1.

    What had nothing to evaluate stays so. Source: models §1.
    """
    return tuple(
        replace(item, rate=1.0) if position in chosen and item.rate is not None else item
        for position, item in enumerate(evidence)
    )


def quality_if_right(
    evidence: Sequence[Evidence],
    beta: Mapping[BetaName, float],
    waived: Collection[str] = (),
    field_weights: Mapping[str, float] | None = None,
    severity_weights: Mapping[str, float] = SEVERITY_WEIGHTS,
) -> tuple[float, ...]:
    """What Q would be if the rate of one piece of evidence were 1, for each in its order: what costs most of Q.

    field_weights ask for matrix mode. Raises ValueError as `quality_score` and `quality_matrix` do. Source: models §1.
    """

    def quality_of(found: Sequence[Evidence]) -> float:
        if field_weights is None:
            return quality_coefficient(quality_vector(found, severity_weights), beta, waived)
        return quality_coefficient(quality_matrix(found, field_weights, frozenset(), severity_weights), beta, waived)

    now = quality_of(evidence)
    return tuple(
        now if item.rate is None or item.rate == 1 else quality_of(made_right(evidence, (position,)))
        for position, item in enumerate(evidence)
    )


def matrix_scores(evidence: Collection[Evidence], entropies: Mapping[str, float]) -> dict[str, float]:
    """`quality_matrix` with the weights of `entropy_shares`, for callers that have entropies in bits.

    Raises ValueError as these do. Source: models §1.2.
    """
    return quality_matrix(evidence, entropy_shares(entropies))


def _cells(
    evidence: Collection[Evidence], fields: Sequence[str | None], severity_weights: Mapping[str, float]
) -> dict[Place, float]:
    """Z_fd = Σ s w r / Σ s w of each field and dimension with rated evidence."""
    terms: dict[Place, list[tuple[float, float]]] = {}
    for item in evidence:
        if item.rate is None:
            continue
        mass = item.mass(severity_weights)
        for field in fields:
            if item.counts_for(field):
                terms.setdefault((field, item.dimension), []).append((mass, mass * item.rate))
    return {
        place: min(1.0, math.fsum(earned for _, earned in found) / math.fsum(mass for mass, _ in found))
        for place, found in terms.items()
    }
