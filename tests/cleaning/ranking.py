"""Whether Q puts tables in the order of their true share of right cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

SAME = 12
"""Digits to which two figures count as equal: sums of rates may differ in their last bits."""


@dataclass(frozen=True)
class Point:
    """One table, spoilt in one way: the share of its cells that are right, and its Q."""

    right_share: float
    quality: float


def rank_correlation(points: Sequence[Point]) -> float | None:
    """Spearman's rank correlation of Q with the share of right cells; equal values share their mean rank.

    None where one of the two never varies, so that there is no order to compare.
    """
    measured = {
        "right_share": np.array([point.right_share for point in points]),
        "quality": np.array([point.quality for point in points]),
    }
    with duckdb.connect() as engine:
        engine.register("measured", measured)
        (found,) = engine.execute(
            f"""
            with rounded as (
                select round(right_share, {SAME}) as right_share, round(quality, {SAME}) as quality from measured
            ),
            ranked as (
                select
                    rank() over (order by right_share) + count(*) over (partition by right_share) / 2 as right_rank,
                    rank() over (order by quality) + count(*) over (partition by quality) / 2 as quality_rank
                from rounded
            )
            select corr(right_rank, quality_rank) from ranked
            """
        ).fetchone() or (None,)
    return None if found is None or np.isnan(found) else float(found)
