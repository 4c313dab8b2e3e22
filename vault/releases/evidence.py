"""What a release rests on, as frozen values: who reviewed, measured, priced and granted what, and for which content.

They hold figures, hashes, names of columns and of organisations; a value of the data or a person's name has no place
in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vault.contract import ComponentContract, Dimension
from vault.rights.confirmations import Right
from vault.valuations import Valuation

Outcome = Literal["pass", "fail", "pending", "error"]
Part = Literal["origin", "model", "result"]


@dataclass(frozen=True)
class CheckOutcome:
    """What one check of the review came to, and why."""

    check: str
    part: Part
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class ReviewEvidence:
    """One review on record: S(X), the checks behind it, and the content that was reviewed, by hash.

    data_hash: of the rows (`vault.snapshot.snapshot_hash`); contract_hash: of all contracts that were looked at;
    blocking: ids of the checks that the policy asks for; smallest_group: fewest subjects behind one row, None where
    that was not measured.
    """

    review_id: int
    security: int
    data_hash: str
    model_hash: str
    contract_hash: str
    policy_hash: str
    blocking: frozenset[str]
    checks: tuple[CheckOutcome, ...]
    reviewed_at: datetime
    smallest_group: int | None = None


@dataclass(frozen=True)
class QualityEvidence:
    """The last quality evaluation: Z (None: waived), Q, its set of weights, and how many expectations held."""

    scores: Mapping[Dimension, float | None]
    quality: float
    weights: str
    expectations: int
    expectations_held: int
    gate_closed: bool
    evaluated_at: datetime


@dataclass(frozen=True)
class SourceBatch:
    """One received batch that the rows were made from. sha256: of its bytes; rows: loaded from it."""

    source: str
    sha256: str
    rows: int
    received_at: datetime


@dataclass(frozen=True)
class Evidence:
    """All that is known of one build of a component when it is to be released. None and () stand for no evidence.

    model_hash, contract_hash: of this build, made as the review makes them; component_hash: the name by which its
    valuation knows this build; rights: the holding right of every source and the processing right of the component;
    radar: the chart of Z for the page, SVG of our own making, or ''.
    """

    component: str
    contract: ComponentContract
    model_hash: str
    contract_hash: str
    component_hash: str
    run_id: str
    review: ReviewEvidence | None
    quality: QualityEvidence | None
    valuation: Valuation | None
    rights: tuple[Right, ...]
    batches: tuple[SourceBatch, ...]
    radar: str = ""
