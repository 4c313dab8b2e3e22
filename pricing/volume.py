"""The volume coefficient V(N) = 1/(1 + e^(-N/C)) of the source records that went into a component.

Sources: white paper, data volume; models §3.
"""

import math
from typing import Literal

from pricing.domain import non_negative, positive

VolumeVariant = Literal["paper", "normalised"]
"""paper: as printed, from 1/2 at no record; normalised: 2V - 1, from 0."""
VOLUME_VARIANTS: tuple[VolumeVariant, ...] = ("paper", "normalised")
VOLUME_AT_REFERENCE = 0.9


def volume(records: float, scale_records: float, variant: VolumeVariant = "paper") -> float:
    """V(N) = 1/(1 + e^(-N/C)), in [1/2, 1]; `normalised`: 2V - 1 = tanh(N/2C), in [0, 1].

    records N: source records read after filters, 0 or more; scale_records C: above 0, in the same unit, be it rows,
    cells or bytes. Non-decreasing in N; reaches 1.0 in double precision beyond N/C of about 37. Raises ValueError
    outside the domain or for another variant. Sources: white paper; models §3.
    """
    ratio = non_negative("records", records) / positive("scale_records", scale_records)
    if variant == "paper":
        return 1.0 / (1.0 + math.exp(-ratio))
    if variant == "normalised":
        return math.tanh(ratio / 2.0)
    raise ValueError(f"variant must be one of {', '.join(VOLUME_VARIANTS)}, not {variant!r}")


def scale_of(reference_records: float) -> float:
    """C = N_ref / ln 9, so that V(N_ref) = 0.9; records, above 0. Raises ValueError else. Source: models §3."""
    return positive("reference_records", reference_records) / math.log(9.0)
