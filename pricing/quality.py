"""The quality coefficient Q(Z) = (Zᵀβ)²: from counts to rates, from rates to Z, from Z and β to Q.

Sources: white paper, quality of components; dimensions of GB/T 36344-2018; models §1.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pricing.domain import non_negative, positive, within_unit

Dimension = Literal["normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]
Severity = Literal["critical", "warning", "info"]

DIMENSIONS: tuple[Dimension, ...] = (
    "normativity",
    "completeness",
    "accuracy",
    "consistency",
    "timeliness",
    "accessibility",
)
SEVERITY_WEIGHTS: Mapping[Severity, float] = {"critical": 1.0, "warning": 0.6, "info": 0.2}
"""5 : 3 : 1, models §1.2."""
BETA_FLOOR = 0.05
CONSISTENCY_RATIO_LIMIT = 0.10
RANDOM_INDEX: Mapping[int, float] = {1: 0.0, 2: 0.0, 3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24}
"""Saaty's mean consistency index of random judgements by their number."""
LEAST_COMPONENTS_FOR_ENTROPY = 10
WHOLE_TABLE: Mapping[str | None, float] = {None: 1.0}
"""The fields of vector mode: one, for which all evidence counts."""


@dataclass(frozen=True)
class Evidence:
    """One evaluated rule: the dimension it speaks for and its rate, None where there was nothing to evaluate.

    fields: the columns it is about; empty where it is about the table, which counts for every field.
    """

    dimension: Dimension
    rate: float | None
    severity: Severity = "warning"
    weight: float = 1.0
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"dimension must be one of {', '.join(DIMENSIONS)}, not {self.dimension!r}")
        if self.severity not in SEVERITY_WEIGHTS:
            raise ValueError(f"severity must be one of {', '.join(SEVERITY_WEIGHTS)}, not {self.severity!r}")
        if self.rate is not None:
            within_unit("rate", self.rate)
        positive("weight", self.weight)

    def mass(self, severity_weights: Mapping[Severity, float] = SEVERITY_WEIGHTS) -> float:
        """s_e · w_e, the severity's weight times its own. Raises ValueError for a severity without a weight above 0."""
        if self.severity not in severity_weights:
            raise ValueError(f"severity {self.severity} has no weight")
        return positive(f"weight of severity {self.severity}", severity_weights[self.severity]) * self.weight

    def speaks_of(self, field: str) -> bool:
        """Whether it counts for a field: it names it, or it is about the whole table."""
        return not self.fields or field in self.fields


def row_rate(element_count: int, unexpected_count: int, missing_count: int = 0) -> float | None:
    """r = 1 - unexpected / (elements - missing); None where no element had a value: that is no evidence.

    Counts are rows, 0 or more. Raises ValueError where they contradict each other. Source: models §1.2.
    """
    if min(element_count, unexpected_count, missing_count) < 0:
        raise ValueError("counts must be 0 or more")
    evaluated = element_count - missing_count
    if evaluated <= 0:
        return None
    if unexpected_count > evaluated:
        raise ValueError(f"unexpected_count {unexpected_count} is above the {evaluated} evaluated")
    return 1.0 - unexpected_count / evaluated


def query_rate(bad_rows: int, table_rows: int) -> float | None:
    """r = max(0, 1 - bad rows / rows of the table); None for an empty table.

    A query may return a row more than once, so more bad rows than rows mean 0. Raises ValueError below 0.
    Source: models §1.2.
    """
    if min(bad_rows, table_rows) < 0:
        raise ValueError("row counts must be 0 or more")
    return max(0.0, 1.0 - bad_rows / table_rows) if table_rows else None


def share_rate(observed: float, least: float | None = None) -> float:
    """r = observed share, or min(1, observed / least) where a least share is asked for (0 < least <= 1).

    For shares of non-null and of unique values. Raises ValueError outside [0, 1]. Source: models §1.2.
    """
    within_unit("observed", observed)
    if least is None:
        return observed
    within_unit("least", least)
    return min(1.0, observed / least) if least > 0 else 1.0


def verdict_rate(success: bool) -> float:
    """r = 1 where an aggregate holds, else 0. Source: models §1.2."""
    return 1.0 if success else 0.0


def graded_rate(distance: float, tolerance: float) -> float:
    """r = max(0, 1 - distance / tolerance), for an aggregate that may miss its bounds by less or more.

    distance: how far the figure lies outside its bounds, 0 or more; tolerance: above 0, in the same unit. Raises
    ValueError else. Source: models §1.2.
    """
    return max(0.0, 1.0 - non_negative("distance", distance) / positive("tolerance", tolerance))


def timeliness_rate(refreshes_in_period: int, refreshes_due: int) -> float | None:
    """r = refreshes within their period / refreshes due, of the last 90 days; None where none was due.

    Raises ValueError for a negative count or more kept than due. Source: models §1.1.
    """
    return _kept_share("refreshes_in_period", refreshes_in_period, refreshes_due)


def accessibility_rate(
    reads_succeeded: int, reads_attempted: int, metadata_filled: int, metadata_required: int
) -> float | None:
    """r = (successful reads / attempts, of the last 30 days) · (metadata fields filled / required).

    None where nothing was attempted or required: that is no evidence. Raises ValueError for a negative count or more
    kept than asked for. Source: models §1.1.
    """
    reads = _kept_share("reads_succeeded", reads_succeeded, reads_attempted)
    metadata = _kept_share("metadata_filled", metadata_filled, metadata_required)
    return None if reads is None or metadata is None else reads * metadata


def critical_gate_passes(verdicts: Iterable[tuple[Severity, bool]]) -> bool:
    """Whether no critical expectation failed: what fails one is not listable, whatever its Q.

    verdicts: severity and success of each. Kept apart from the score, so that Q stays continuous. Source: models §1.2.
    """
    return all(success for severity, success in verdicts if severity == "critical")


def pooled_scores(
    evidence: Collection[Evidence], severity_weights: Mapping[Severity, float] = SEVERITY_WEIGHTS
) -> dict[Dimension, float]:
    """Z in vector mode: Z_d = Σ s w r / Σ s w over the evidence of d; 0 where there is none.

    No evidence earns no credit: leaving a dimension unmeasured must never pay. Raises ValueError for a severity
    without a weight above 0. Source: models §1.2, §1.3.
    """
    return _scores(evidence, WHOLE_TABLE, severity_weights)


def matrix_scores(
    evidence: Collection[Evidence],
    entropies: Mapping[str, float],
    severity_weights: Mapping[Severity, float] = SEVERITY_WEIGHTS,
) -> dict[Dimension, float]:
    """Z in matrix mode (指标矩阵): Z_d = Σ_f w_f Z_fd with w_f = H_f / ΣH, each field's share of entropy in bits.

    Evidence about the table counts for every field; an unmeasured (field, dimension) scores 0. Entropies are 0 or
    more. Raises ValueError where one is not, or where no field has any. Source: models §1.2.
    """
    return _scores(evidence, _field_weights(entropies), severity_weights)


def renormalised(beta_quality: Mapping[Dimension, float], waived: Collection[str] = ()) -> dict[Dimension, float]:
    """β over the dimensions that are not waived as `not_applicable`, summing to 1 again.

    Raises ValueError where β is no weighting, a waiver names no dimension of it, or everything is waived.
    Source: models §1.3.
    """
    check_weights(list(beta_quality.values()))
    unknown = sorted(set(waived) - set(beta_quality))
    if unknown:
        raise ValueError(f"waived, but no dimension of beta_quality: {', '.join(unknown)}")
    kept = {dimension: weight for dimension, weight in beta_quality.items() if dimension not in waived}
    total = math.fsum(kept.values())
    if total <= 0:
        raise ValueError("every dimension is waived, so nothing is left to judge by")
    return {dimension: weight / total for dimension, weight in kept.items()}


def score(z: Mapping[Dimension, float], beta_quality: Mapping[Dimension, float], waived: Collection[str] = ()) -> float:
    """Zᵀβ in [0, 1]; waived dimensions are left out and β renormalised over the others.

    A dimension that Z lacks scores 0. Raises ValueError where a value of Z or β is outside its domain, or Z has a
    dimension that β lacks. Source: white paper, Q(Z) = (Zᵀβ)².
    """
    for dimension, value in z.items():
        within_unit(f"Z of {dimension}", value)
        if dimension not in beta_quality:
            raise ValueError(f"Z has {dimension}, which has no weight in beta_quality")
    weights = renormalised(beta_quality, waived)
    return min(1.0, math.fsum(weight * z.get(dimension, 0.0) for dimension, weight in weights.items()))


def quality(
    z: Mapping[Dimension, float], beta_quality: Mapping[Dimension, float], waived: Collection[str] = ()
) -> float:
    """Q(Z) = (Zᵀβ)² in [0, 1]. Raises ValueError as `score` does. Source: white paper; models §1."""
    return score(z, beta_quality, waived) ** 2


def made_right(evidence: Sequence[Evidence], chosen: Collection[int]) -> tuple[Evidence, ...]:
    """The evidence as it would be if the chosen rules (by position) held for every row: their rate is 1."""
    return tuple(
        replace(item, rate=1.0) if position in chosen and item.rate is not None else item
        for position, item in enumerate(evidence)
    )


def quality_if_right(
    evidence: Sequence[Evidence],
    beta_quality: Mapping[Dimension, float],
    waived: Collection[str] = (),
    entropies: Mapping[str, float] | None = None,
    severity_weights: Mapping[Severity, float] = SEVERITY_WEIGHTS,
) -> tuple[float, ...]:
    """What Q would be if the rate of one piece of evidence were 1, for each in its order: what costs most of Q.

    Q_e = (Zᵀβ + β_d Σ_f w_f m_e (1 - r_e) / Σ m)², Σ m over the evidence of the same field and dimension; vector mode
    has one field of weight 1. Without a rate it stays Q. entropies: bits per field, which asks for matrix mode. Raises
    ValueError as `score` and `matrix_scores` do. Source: models §1.
    """
    weights = WHOLE_TABLE if entropies is None else _field_weights(entropies)
    scores = _scores(evidence, weights, severity_weights)
    beta = renormalised(beta_quality, waived)
    now = score(scores, beta_quality, waived)
    masses = _masses(evidence, weights, severity_weights)
    found = []
    for item in evidence:
        missed = item.mass(severity_weights) * (1.0 - item.rate) if item.rate is not None else 0.0
        gained = math.fsum(
            weight * missed / masses[field, item.dimension]
            for field, weight in weights.items()
            if missed > 0 and (field is None or item.speaks_of(field))
        )
        found.append(min(1.0, now + beta.get(item.dimension, 0.0) * gained) ** 2)
    return tuple(found)


def check_weights(weights: Sequence[float], floor: float = 0.0) -> None:
    """Refuse what is no weighting: each weight in [floor, 1], summing to 1 within 1e-9.

    Raises ValueError that says which rule is broken. Source: models §1.4.
    """
    for weight in weights:
        if not (math.isfinite(weight) and floor - 1e-12 <= weight <= 1):
            raise ValueError(f"a weight must lie in [{floor}, 1], not be {weight}")
    total = math.fsum(weights)
    if abs(total - 1) > 1e-9:
        raise ValueError(f"weights must sum to 1, not {total}")


@dataclass(frozen=True)
class PairwiseWeights:
    """Weights that follow from pairwise judgements, and how far these agree with each other.

    lambda_max: the principal eigenvalue, n where they agree fully; consistency_index: (λ_max - n) / (n - 1);
    consistency_ratio: that over the random index, which is the index that judgements made at random have.
    """

    weights: tuple[float, ...]
    lambda_max: float
    consistency_index: float
    consistency_ratio: float

    @property
    def accepted(self) -> bool:
        """Whether the consistency ratio is below 0.10."""
        return self.consistency_ratio < CONSISTENCY_RATIO_LIMIT


def pairwise_weights(judgements: Sequence[Sequence[float]], random_index: float | None = None) -> PairwiseWeights:
    """Weights from pairwise judgements (AHP): principal eigenvector, λ_max, CI = (λ_max - n)/(n - 1), CR = CI / RI.

    judgements: n x n, n of 2 or more, positive, a_ij · a_ji = 1; random_index RI: 0 or more, by default that of n,
    which is known up to 6. Where RI is 0 (n = 2, always consistent) CR is 0. Raises ValueError where the matrix is not
    so. CR of 0.10 or more is not refused here; see `consistent_weights`. Source: models §1.4 (Saaty).
    """
    matrix = _judgement_matrix(judgements)
    size = len(matrix)
    if random_index is None and size not in RANDOM_INDEX:
        raise ValueError(f"no random index is known for {size} judgements, so it has to be given")
    random_index = non_negative("random_index", RANDOM_INDEX[size] if random_index is None else random_index)
    values, vectors = np.linalg.eig(matrix)
    principal = int(np.argmax(values.real))
    vector = np.abs(vectors[:, principal].real)
    lambda_max = float(values[principal].real)
    index = max(0.0, (lambda_max - size) / (size - 1))
    ratio = index / random_index if random_index > 0 else 0.0
    return PairwiseWeights(tuple(float(weight) for weight in vector / vector.sum()), lambda_max, index, ratio)


def ahp_weights(
    judgements: Sequence[Sequence[float]], random_index: float | None = None
) -> tuple[tuple[float, ...], float]:
    """The weights and the consistency ratio of `pairwise_weights`, whose domain and errors it has."""
    found = pairwise_weights(judgements, random_index)
    return found.weights, found.consistency_ratio


def consistent_weights(judgements: Sequence[Sequence[float]], random_index: float | None = None) -> tuple[float, ...]:
    """AHP weights of judgements that agree with each other; domain as `pairwise_weights`.

    Raises ValueError where the consistency ratio is 0.10 or more. Source: models §1.4.
    """
    found = pairwise_weights(judgements, random_index)
    if not found.accepted:
        raise ValueError(
            f"the judgements contradict each other: consistency ratio {found.consistency_ratio:.3f} is 0.10 or more"
        )
    return found.weights


def dimension_entropies(scores: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """e_j = -Σ p ln p / ln m of each dimension over m components, in [0, 1]; 1 where all components score alike.

    scores: m x n, 0 or more, p_ij = z_ij / Σ_i z_ij. Raises ValueError for fewer than two components, a score outside
    the domain, or a dimension of zeros. Source: models §1.4.
    """
    table = np.array(scores, dtype=float)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 1:
        raise ValueError("scores must be a table of two or more components")
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("scores must be finite and 0 or more")
    sums = table.sum(axis=0)
    if (sums <= 0).any():
        raise ValueError("a dimension scores 0 for every component")
    shares = table / sums
    logs = np.log(np.where(shares > 0, shares, 1.0))
    entropies = -(shares * logs).sum(axis=0) / math.log(table.shape[0])
    return tuple(float(entropy) for entropy in np.clip(entropies, 0.0, 1.0))


def entropy_weights(scores: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Entropy weights (EWM) of n dimensions over m components: w_j = (1 - e_j) / Σ(1 - e), e of `dimension_entropies`.

    They tell how much a dimension differs between components, not how much it matters, so they are only ever combined
    with judgements: see `catalogue_weights`. Raises ValueError as `dimension_entropies` does, and where the dimensions
    do not differ at all. Source: models §1.4.
    """
    divergences = [1.0 - entropy for entropy in dimension_entropies(scores)]
    total = math.fsum(divergences)
    if total <= 1e-15:
        raise ValueError("no dimension differs between the components")
    return tuple(divergence / total for divergence in divergences)


def catalogue_weights(
    judgements: Sequence[Sequence[float]],
    scores: Sequence[Sequence[float]],
    alpha: float = 0.7,
    floor: float = BETA_FLOOR,
) -> tuple[float, ...]:
    """β of judgements and of a catalogue of 10 or more components: `combined_weights` of their AHP and entropy weights.

    Raises ValueError for fewer components, judgements that contradict each other, and as the two methods do.
    Source: models §1.4.
    """
    if len(scores) < LEAST_COMPONENTS_FOR_ENTROPY:
        raise ValueError(f"entropy weights need {LEAST_COMPONENTS_FOR_ENTROPY} components or more, not {len(scores)}")
    return combined_weights(consistent_weights(judgements), entropy_weights(scores), alpha, floor)


def combined_weights(
    judged: Sequence[float], measured: Sequence[float], alpha: float = 0.7, floor: float = BETA_FLOOR
) -> tuple[float, ...]:
    """β = floor + (1 - n·floor)·(α·AHP + (1 - α)·EWM), on the simplex with every weight at least the floor.

    alpha in [0, 1]; 0 <= n·floor <= 1. Raises ValueError where the inputs are no weightings or differ in length.
    Source: models §1.4.
    """
    within_unit("alpha", alpha)
    if len(judged) != len(measured):
        raise ValueError(f"{len(judged)} judged weights beside {len(measured)} measured ones")
    if not (math.isfinite(floor) and floor >= 0 and len(judged) * floor <= 1):
        raise ValueError(f"floor {floor} leaves no room for {len(judged)} weights")
    check_weights(judged)
    check_weights(measured)
    room = 1.0 - len(judged) * floor
    return tuple(floor + room * (alpha * a + (1 - alpha) * e) for a, e in zip(judged, measured, strict=True))


def _scores(
    evidence: Collection[Evidence],
    field_weights: Mapping[str | None, float],
    severity_weights: Mapping[Severity, float],
) -> dict[Dimension, float]:
    """Z_d = Σ_f w_f Z_fd, where the field None stands for the whole table."""
    masses = _masses(evidence, field_weights, severity_weights)
    earned = _masses(evidence, field_weights, severity_weights, earned=True)
    return {
        dimension: min(
            1.0,
            math.fsum(
                weight * min(1.0, earned[field, dimension] / masses[field, dimension])
                for field, weight in field_weights.items()
                if masses[field, dimension] > 0
            ),
        )
        for dimension in DIMENSIONS
    }


def _masses(
    evidence: Collection[Evidence],
    fields: Collection[str | None],
    severity_weights: Mapping[Severity, float],
    earned: bool = False,
) -> dict[tuple[str | None, Dimension], float]:
    """Σ s w, or Σ s w r where earned, of the rated evidence by field and dimension."""
    terms: dict[tuple[str | None, Dimension], list[float]] = {
        (field, dimension): [] for field in fields for dimension in DIMENSIONS
    }
    for item in evidence:
        if item.rate is None:
            continue
        term = item.mass(severity_weights) * (item.rate if earned else 1.0)
        for field in fields:
            if field is None or item.speaks_of(field):
                terms[field, item.dimension].append(term)
    return {place: math.fsum(found) for place, found in terms.items()}


def _field_weights(entropies: Mapping[str, float]) -> dict[str | None, float]:
    for field, bits in entropies.items():
        non_negative(f"entropy of {field}", bits)
    total = math.fsum(entropies.values())
    if total <= 0:
        raise ValueError("no field has entropy, so none can weigh in matrix mode")
    return {field: bits / total for field, bits in entropies.items()}


def _kept_share(name: str, kept: int, promised: int) -> float | None:
    if not 0 <= kept <= promised:
        raise ValueError(f"{name} must lie between 0 and the {promised} asked for, not be {kept}")
    return kept / promised if promised else None


def _judgement_matrix(judgements: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    size = len(judgements)
    if size < 2 or any(len(row) != size for row in judgements):
        raise ValueError("judgements must be a square of two rows or more")
    matrix = np.array(judgements, dtype=np.float64)
    if not (np.isfinite(matrix).all() and (matrix > 0).all()):
        raise ValueError("judgements must be finite and above 0")
    if not np.allclose(matrix * matrix.T, 1.0, rtol=0, atol=1e-9):
        raise ValueError("a judgement and the one that mirrors it must multiply to 1")
    return matrix
