"""β, how much each dimension of quality weighs: agreed by experts, from pairwise judgements, from a catalogue.

Every β lies on the simplex: no weight below a floor, all of them together 1. Source: models §1.4.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from pricing.dimensions import DIMENSIONS
from pricing.domain import non_negative, within_unit

Method = Literal["expert", "ahp", "combined"]
Name = TypeVar("Name", bound=str)

BETA_FLOOR = 0.05
TOLERANCE = 1e-9
ALPHA = 0.7
CONSISTENCY_RATIO_LIMIT = 0.10
RANDOM_INDEX: Mapping[int, float] = MappingProxyType({1: 0.0, 2: 0.0, 3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24})
"""Saaty's mean consistency index of random judgements by their number."""
LEAST_COMPONENTS = 10
"""From which entropy weights of a catalogue count."""


@dataclass(frozen=True)
class BetaSet:
    """Weights by dimension and how they came about. Raises ValueError off the simplex or below the floor."""

    weights: Mapping[str, float]
    method: Method = "expert"
    floor: float = BETA_FLOOR
    consistency_ratio: float | None = None

    def __post_init__(self) -> None:
        check_beta(self.weights, self.floor)
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))  # the caller's may still change


@dataclass(frozen=True)
class AhpResult:
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


def check_weights(weights: Sequence[float], floor: float = 0.0) -> None:
    """Refuse what is no weighting: each weight in [floor, 1], summing to 1, all within 1e-9.

    Raises ValueError that says which rule is broken. Source: models §1.4.
    """
    _check_simplex([(f"weight {place}", weight) for place, weight in enumerate(weights, start=1)], floor)


def check_beta(beta: Mapping[Name, float], floor: float = BETA_FLOOR) -> None:
    """Refuse a β off the simplex: each weight in [floor, 1], summing to 1, all within 1e-9.

    Raises ValueError that names the dimension. Source: models §1.4.
    """
    _check_simplex([(f"beta of {dimension}", weight) for dimension, weight in beta.items()], floor)


def without_waived(beta: Mapping[Name, float], waived: Collection[str], floor: float = BETA_FLOOR) -> dict[Name, float]:
    """β over the dimensions that are not waived as `not_applicable`, summing to 1 again: β_d / Σ β.

    Only a signed waiver does this; leaving a dimension unmeasured never does. Raises ValueError where β is off the
    simplex or below the floor, a waiver names no dimension of it, or everything is waived. Source: models §1.3.
    """
    check_beta(beta, floor)
    unknown = sorted(set(waived) - set(beta))
    if unknown:
        raise ValueError(f"waived, but no dimension of beta: {', '.join(unknown)}")
    kept = {dimension: weight for dimension, weight in beta.items() if dimension not in waived}
    total = math.fsum(kept.values())
    if total <= 0:
        raise ValueError("every dimension is waived, so nothing is left to judge by")
    return {dimension: weight / total for dimension, weight in kept.items()}


def expert_beta(weights: Mapping[Name, float], floor: float = BETA_FLOOR) -> BetaSet:
    """β as experts agreed on it. Raises ValueError off the simplex or below the floor. Source: models §1.4."""
    return BetaSet({str(dimension): weight for dimension, weight in weights.items()}, "expert", floor)


def ahp_weights(matrix: Sequence[Sequence[float]], random_index: float | None = None) -> AhpResult:
    """Weights from pairwise judgements (AHP): principal eigenvector, λ_max, CI = (λ_max - n)/(n - 1), CR = CI / RI.

    matrix: n x n, n of 2 or more, positive, a_ij · a_ji = 1; random_index RI: 0 or more, by default that of n, which is
    known up to 6. Where RI is 0 (n = 2, always consistent) CR is 0. Raises ValueError where the matrix is not so. CR of
    0.10 or more is not refused here; see `ahp_beta`. Source: models §1.4 (Saaty).
    """
    judgements = _judgements(matrix)
    size = len(judgements)
    if random_index is None and size not in RANDOM_INDEX:
        raise ValueError(f"no random index is known for {size} judgements, so it has to be given")
    expected = non_negative("random_index", RANDOM_INDEX[size] if random_index is None else random_index)
    values, vectors = np.linalg.eig(judgements)
    principal = int(np.argmax(values.real))
    vector = np.abs(vectors[:, principal].real)
    lambda_max = float(values[principal].real)
    index = max(0.0, (lambda_max - size) / (size - 1))
    ratio = index / expected if expected > 0 else 0.0
    return AhpResult(tuple(float(weight) for weight in vector / vector.sum()), lambda_max, index, ratio)


def ahp_beta(
    matrix: Sequence[Sequence[float]],
    dimensions: Sequence[str] = DIMENSIONS,
    floor: float = BETA_FLOOR,
    random_index: float | None = None,
) -> BetaSet:
    """β = floor + (1 - n·floor) · AHP, by dimension in the order of the matrix; domain as `ahp_weights`.

    Raises ValueError where the judgements contradict each other (CR of 0.10 or more) and for another number of them
    than of dimensions. Source: models §1.4.
    """
    found = ahp_weights(matrix, random_index)
    if not found.accepted:
        raise ValueError(
            f"the judgements contradict each other: consistency ratio {found.consistency_ratio:.3f} is 0.10 or more"
        )
    if len(dimensions) != len(found.weights):
        raise ValueError(f"{len(found.weights)} judged weights for {len(dimensions)} dimensions")
    beta = combined_beta(found.weights, found.weights, 1.0, floor)
    return BetaSet(dict(zip(dimensions, beta, strict=True)), "ahp", floor, found.consistency_ratio)


def dimension_entropies(matrix: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """e_j = -Σ p ln p / ln m of each dimension over m components, in [0, 1]; 1 where all components score alike.

    matrix: m components x n dimensions, 0 or more, p_ij = z_ij / Σ_i z_ij. Raises ValueError for fewer than two
    components, a score outside the domain, or a dimension of zeros. Source: models §1.4.
    """
    if len(matrix) < 2 or not len(matrix[0]) or any(len(row) != len(matrix[0]) for row in matrix):
        raise ValueError("scores must be a table of two or more components, each with the same dimensions")
    table = np.array(matrix, dtype=float)
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("scores must be finite and 0 or more")
    sums = table.sum(axis=0)
    if (sums <= 0).any():
        raise ValueError("a dimension scores 0 for every component")
    shares = table / sums
    logs = np.log(np.where(shares > 0, shares, 1.0))
    entropies = -(shares * logs).sum(axis=0) / math.log(table.shape[0])
    return tuple(float(entropy) for entropy in np.clip(entropies, 0.0, 1.0))


def entropy_weights(matrix: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Entropy weights (EWM) of n dimensions over m components: w_j = (1 - e_j) / Σ(1 - e), e of `dimension_entropies`.

    They tell how much a dimension differs between components, not how much it matters, so they are only ever combined
    with judgements: see `catalogue_beta`. Raises ValueError as `dimension_entropies` does, and where the dimensions
    do not differ at all. Source: models §1.4.
    """
    divergences = [1.0 - entropy for entropy in dimension_entropies(matrix)]
    total = math.fsum(divergences)
    if total <= 1e-15:
        raise ValueError("no dimension differs between the components")
    return tuple(divergence / total for divergence in divergences)


def combined_beta(
    ahp: Sequence[float], ewm: Sequence[float], alpha: float = ALPHA, floor: float = BETA_FLOOR
) -> tuple[float, ...]:
    """β = floor + (1 - n·floor)·(α·AHP + (1 - α)·EWM), on the simplex with every weight at least the floor.

    alpha in [0, 1]; 0 <= n·floor <= 1. Raises ValueError where the inputs are no weightings or differ in length.
    Source: models §1.4.
    """
    within_unit("alpha", alpha)
    if len(ahp) != len(ewm):
        raise ValueError(f"{len(ahp)} judged weights beside {len(ewm)} measured ones")
    if not (math.isfinite(floor) and floor >= 0 and len(ahp) * floor <= 1 + TOLERANCE):
        raise ValueError(f"floor {floor} leaves no room for {len(ahp)} weights")
    check_weights(ahp)
    check_weights(ewm)
    room = 1.0 - len(ahp) * floor
    return tuple(floor + room * (alpha * a + (1 - alpha) * e) for a, e in zip(ahp, ewm, strict=True))


def catalogue_beta(
    judgements: Sequence[Sequence[float]],
    scores: Sequence[Sequence[float]],
    alpha: float = ALPHA,
    floor: float = BETA_FLOOR,
    dimensions: Sequence[str] = DIMENSIONS,
) -> BetaSet:
    """β of judgements and of a catalogue of 10 or more components: `combined_beta` of their AHP and entropy weights.

    Raises ValueError for fewer components, judgements that contradict each other, and as the two methods do.
    Source: models §1.4.
    """
    if len(scores) < LEAST_COMPONENTS:
        raise ValueError(f"entropy weights need {LEAST_COMPONENTS} components or more, not {len(scores)}")
    judged = ahp_beta(judgements, dimensions, floor=0.0)
    beta = combined_beta(list(judged.weights.values()), entropy_weights(scores), alpha, floor)
    return BetaSet(dict(zip(dimensions, beta, strict=True)), "combined", floor, judged.consistency_ratio)


def _check_simplex(named: Sequence[tuple[str, float]], floor: float) -> None:
    non_negative("floor", floor)
    for name, weight in named:
        if not (math.isfinite(weight) and floor - TOLERANCE <= weight <= 1 + TOLERANCE):
            raise ValueError(f"{name} must lie in [{floor}, 1], not be {weight}")
    total = math.fsum(weight for _, weight in named)
    if abs(total - 1) > TOLERANCE:
        raise ValueError(f"weights must sum to 1, not {total}")


def _judgements(matrix: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    size = len(matrix)
    if size < 2 or any(len(row) != size for row in matrix):
        raise ValueError("judgements must be a square of two rows or more")
    judgements = np.array(matrix, dtype=np.float64)
    if not (np.isfinite(judgements).all() and (judgements > 0).all()):
        raise ValueError("judgements must be finite and above 0")
    if not np.allclose(judgements * judgements.T, 1.0, rtol=0, atol=TOLERANCE):
        raise ValueError("a judgement and the one that mirrors it must multiply to 1")
    return judgements
