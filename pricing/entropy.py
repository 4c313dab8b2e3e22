"""Shannon entropy of a table of counts, in bits: exact for the table at hand, estimated where it is a sample.

A count is how many rows hold one value; which value it is, is never needed. No rows hold 0 bits.
Source: models §2.4.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pricing.domain import within_unit

Basis = Literal["population", "sample"]
"""population: the table is what is sold; sample: it stands for a larger one."""
Estimator = Literal["plug_in", "miller_madow", "chao_shen", "grassberger"]

BASES: tuple[Basis, ...] = ("population", "sample")
ESTIMATORS: tuple[Estimator, ...] = ("plug_in", "miller_madow", "chao_shen", "grassberger")
COVERAGE_FOR_MILLER_MADOW = 0.9
COVERAGE_UNDERSAMPLED = 0.5

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class EntropyEstimate:
    """An entropy and how it came about.

    bits; standard_error_bits; estimator used; coverage: share of the whole that the sample's values make up;
    undersampled: too little of it to rely on; capped: the estimate was above the most the whole can hold.
    """

    bits: float
    standard_error_bits: float
    estimator: Estimator
    coverage: float
    undersampled: bool
    capped: bool


def plug_in(counts: Iterable[int]) -> float:
    """H = -Σ p log2 p with p = count / n, in bits: exact for the table itself.

    counts: 0 or more rows each. Raises ValueError for a count that is negative or no whole number. Source: models §2.4.
    """
    return _plug_in(_checked(counts))


def miller_madow(counts: Iterable[int]) -> float:
    """H + (K - 1) / (2 n ln 2), in bits, over the K values seen: the first-order correction of plug-in.

    Domain and errors as `plug_in`. Source: models §2.4.
    """
    seen = _checked(counts)
    return _plug_in(seen) + _miller_madow_correction(len(seen), float(seen.sum()))


def chao_shen(counts: Iterable[int]) -> float:
    """-Σ Ĉp log2(Ĉp) / (1 - (1 - Ĉp)^n), in bits: values not seen are reckoned in by the coverage Ĉ.

    With singletons only Ĉ would be 0 and the sum empty, so one of them counts as seen twice: Ĉ = 1/n.
    Domain and errors as `plug_in`. Source: models §2.4 (Chao and Shen 2003, as in the R package `entropy`).
    """
    seen = _checked(counts)
    if not len(seen):
        return 0.0
    rows = float(seen.sum())
    singletons = min(_singletons(seen), rows - 1.0)
    shares = (1.0 - singletons / rows) * seen / rows
    with np.errstate(divide="ignore"):  # a share of 1 was certainly seen: log1p(-1) = -inf, and expm1 of it is -1
        seen_at_all = -np.expm1(rows * np.log1p(-shares))
    return abs(float((shares * np.log2(shares) / seen_at_all).sum()))


def grassberger(counts: Iterable[int]) -> float:
    """(ln n - Σ count · G(count) / n) / ln 2, in bits, with G(c) = ψ(⌊c/2⌋ + 1/2) + ln 2.

    Domain and errors as `plug_in`. Source: models §2.4 (Grassberger 2003).
    """
    seen = _checked(counts)
    if not len(seen):
        return 0.0
    rows = float(seen.sum())
    terms = _digamma(np.floor(seen / 2.0) + 0.5) + math.log(2.0)
    return max(0.0, (math.log(rows) - float((seen * terms).sum()) / rows) / math.log(2.0))


def good_turing_coverage(counts: Iterable[int]) -> float:
    """Ĉ = 1 - f1 / n in [0, 1], f1 the number of values seen once; 0 for no rows.

    Domain and errors as `plug_in`. Source: models §2.4.
    """
    seen = _checked(counts)
    return 1.0 - _singletons(seen) / float(seen.sum()) if len(seen) else 0.0


def standard_error(counts: Iterable[int]) -> float:
    """SE = sqrt((Σ p log2²p - H²) / n), in bits. Domain and errors as `plug_in`. Source: models §2.4."""
    seen = _checked(counts)
    if not len(seen):
        return 0.0
    rows = float(seen.sum())
    surprises = np.log2(rows / seen)
    mean = float((seen * surprises).sum()) / rows
    # centred, which is the same and loses no digits where all values are about as frequent
    return math.sqrt(float((seen * (surprises - mean) ** 2).sum()) / rows / rows)


def with_nulls(observed_bits: float, null_rate: float) -> float:
    """(1 - ρ) · H of the non-null rows, in bits: a masked row tells nothing.

    NULL is no symbol of its own, else masking would raise the entropy. observed_bits: 0 or more; ρ in [0, 1].
    Raises ValueError else. Source: models §2.1.
    """
    if not (math.isfinite(observed_bits) and observed_bits >= 0):
        raise ValueError(f"observed_bits must be finite and 0 or more, not {observed_bits}")
    return (1.0 - within_unit("null_rate", null_rate)) * observed_bits


def estimate_by(estimator: Estimator, counts: Iterable[int]) -> float:
    """The entropy in bits by a named estimator. Raises ValueError for another name. Source: models §2.4."""
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")
    formula = {
        "plug_in": plug_in,
        "miller_madow": miller_madow,
        "chao_shen": chao_shen,
        "grassberger": grassberger,
    }[estimator]
    return formula(counts)


def chosen_estimator(counts: Sequence[int], basis: Basis) -> Estimator:
    """Plug-in for a population; for a sample Miller-Madow where coverage is 0.9 or more, else Chao-Shen.

    Raises ValueError for another basis. Source: models §2.4.
    """
    if basis not in BASES:
        raise ValueError(f"basis must be one of {', '.join(BASES)}, not {basis!r}")
    if basis == "population":
        return "plug_in"
    return "miller_madow" if good_turing_coverage(counts) >= COVERAGE_FOR_MILLER_MADOW else "chao_shen"


def estimated_entropy(
    counts: Sequence[int], basis: Basis = "population", full_rows: int | None = None
) -> EntropyEstimate:
    """The entropy of what the counts stand for, with its standard error and how far to trust it.

    counts: rows per value; full_rows N: rows of the whole where the counts are a sample of it, at least as many as
    theirs; a sample's estimate is at most log2 N. Raises ValueError for another basis, counts outside their domain, a
    sample without full_rows, or full_rows below the sample's. Source: models §2.4.
    """
    estimator = chosen_estimator(counts, basis)
    bits, most = estimate_by(estimator, counts), math.inf
    coverage = 1.0 if basis == "population" else good_turing_coverage(counts)
    if basis == "sample":
        rows = sum(counts)
        if full_rows is None or full_rows < rows:
            raise ValueError(f"a sample of {rows} rows needs full_rows of at least that many, not {full_rows}")
        most = math.log2(full_rows) if full_rows else 0.0
    return EntropyEstimate(
        bits=min(bits, most),
        standard_error_bits=standard_error(counts),
        estimator=estimator,
        coverage=coverage,
        undersampled=coverage < COVERAGE_UNDERSAMPLED,
        capped=bits > most,
    )


def mutual_information(contingency: Sequence[Sequence[int]], estimator: Estimator = "plug_in") -> float:
    """I = max(0, H_row + H_column - H_joint), in bits, of a table of counts by value of one and of the other column.

    contingency: rows of equal length, counts 0 or more. Raises ValueError for another shape, count or estimator.
    Sources: models §2.1, §2.2.
    """
    return max(0.0, corrected_information(contingency, estimator))


def corrected_information(contingency: Sequence[Sequence[int]], estimator: Estimator = "miller_madow") -> float:
    """H_row + H_column - H_joint by the estimator, in bits, below 0 where its correction exceeds what is there.

    Domain and errors as `mutual_information`. Source: models §2.2.
    """
    if len({len(line) for line in contingency}) > 1:
        raise ValueError("the rows of a contingency table must be equally long")
    by_row = [sum(line) for line in contingency]
    by_column = [sum(column) for column in zip(*contingency, strict=True)]
    joint = [count for line in contingency for count in line]
    return estimate_by(estimator, by_row) + estimate_by(estimator, by_column) - estimate_by(estimator, joint)


def _checked(counts: Iterable[int]) -> Counts:
    """The counts above 0. Raises ValueError for one that is negative or no whole number."""
    table = np.asarray(counts if isinstance(counts, np.ndarray) else list(counts), dtype=np.float64)
    if table.ndim != 1:
        raise ValueError("counts must be one row of numbers")
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError("counts must be whole numbers, 0 or more")
    return table[table > 0]


def _plug_in(seen: Counts) -> float:
    if not len(seen):
        return 0.0
    rows = seen.sum()
    return float((seen * np.log2(rows / seen)).sum() / rows)


def _miller_madow_correction(values: int, rows: float) -> float:
    return (values - 1) / (2.0 * rows * math.log(2.0)) if values else 0.0


def _singletons(seen: Counts) -> float:
    return float((seen == 1).sum())


def _digamma(points: Counts) -> Counts:
    """ψ of points above 0: by recurrence up to 10, from there by its asymptotic series (error below 1e-14)."""
    shifted, below = points.copy(), np.zeros_like(points)
    while (shifted < 10).any():
        small = shifted < 10
        below[small] -= 1.0 / shifted[small]
        shifted[small] += 1.0
    inverse = 1.0 / shifted**2
    tail = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse * (1 / 132)))))
    return below + np.log(shifted) - 0.5 / shifted - tail
