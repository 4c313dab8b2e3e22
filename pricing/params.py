"""Parameter sets of the value of a component: frozen, versioned, checked, and published with every valuation.

A constant that follows from the catalogue (N_ref, E0, β) is fixed for a quarter and named by the version of the set,
else one listing would move the value of another. Sources: white paper; models §1 to §3, §9.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pricing.density import BOOTSTRAP_HALF_VALUE_BITS, TRANSFORMS, Transform
from pricing.domain import positive
from pricing.entropy import BASES, Basis
from pricing.quality import BETA_FLOOR, DIMENSIONS, SEVERITY_WEIGHTS, Dimension, Severity, check_weights
from pricing.volume import VOLUME_VARIANTS, VolumeVariant, scale_of

Profile = Literal["paper", "standard"]
Grain = Literal["person", "event", "aggregate", "object"]
VolumeUnit = Literal["rows", "cells", "bytes"]
QualityMode = Literal["vector", "matrix"]
EntropyKind = Literal["joint", "chow_liu", "marginal_sum"]

GRAINS: tuple[Grain, ...] = ("person", "event", "aggregate", "object")
VOLUME_UNITS: tuple[VolumeUnit, ...] = ("rows", "cells", "bytes")
QUALITY_MODES: tuple[QualityMode, ...] = ("vector", "matrix")
ENTROPY_KINDS: tuple[EntropyKind, ...] = ("joint", "chow_liu", "marginal_sum")

EXPERT_BETA: Mapping[Dimension, float] = MappingProxyType(
    {
        "normativity": 0.15,
        "completeness": 0.20,
        "accuracy": 0.25,
        "consistency": 0.20,
        "timeliness": 0.10,
        "accessibility": 0.10,
    }
)
BOOTSTRAP_REFERENCE_RECORDS: Mapping[Grain, float] = MappingProxyType(
    {"person": 1e6, "event": 1e8, "aggregate": 1e6, "object": 1e4}
)
"""N_ref until the catalogue has a median per grain: persons and enterprises, events and time series, aggregates (their
input rows), objects such as images and recordings."""


@dataclass(frozen=True)
class ParameterSet:
    """Everything the value of a component depends on beside the component itself.

    Raises ValueError that names the parameter outside its domain. `paper` is literal: joint entropy, h = identity.
    """

    profile: Profile
    version: str
    volume_variant: VolumeVariant = "paper"
    volume_unit: VolumeUnit = "rows"
    reference_records: Mapping[Grain, float] = field(default_factory=lambda: BOOTSTRAP_REFERENCE_RECORDS)
    quality_mode: QualityMode = "vector"
    beta_quality: Mapping[Dimension, float] = field(default_factory=lambda: EXPERT_BETA)
    beta_floor: float = BETA_FLOOR
    severity_weights: Mapping[Severity, float] = field(default_factory=lambda: SEVERITY_WEIGHTS)
    entropy_kind: EntropyKind = "chow_liu"
    entropy_basis: Basis = "population"
    transform: Transform = "michaelis"
    half_value_bits: float = BOOTSTRAP_HALF_VALUE_BITS

    def __post_init__(self) -> None:
        if not self.version.strip():
            raise ValueError("version must not be empty: a valuation names the set it was made with")
        self._check_choices()
        self._check_numbers()
        for name in ("reference_records", "beta_quality", "severity_weights"):  # the caller's mapping may still change
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def scale_records(self, grain: Grain) -> float:
        """C of a grain, records: V is 0.9 at its N_ref. Raises ValueError for another grain. Source: models §3."""
        if grain not in self.reference_records:
            raise ValueError(f"grain must be one of {', '.join(GRAINS)}, not {grain!r}")
        return scale_of(self.reference_records[grain])

    @property
    def content_hash(self) -> str:
        """SHA-256 of every parameter: two sets of one version that differ are told apart by it."""
        return hashlib.sha256(json.dumps(self._plain(), sort_keys=True).encode()).hexdigest()

    def _plain(self) -> dict[str, Any]:
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}

    def _check_choices(self) -> None:
        for name, value, known in (
            ("profile", self.profile, PROFILES),
            ("volume_variant", self.volume_variant, VOLUME_VARIANTS),
            ("volume_unit", self.volume_unit, VOLUME_UNITS),
            ("quality_mode", self.quality_mode, QUALITY_MODES),
            ("entropy_kind", self.entropy_kind, ENTROPY_KINDS),
            ("entropy_basis", self.entropy_basis, BASES),
            ("transform", self.transform, TRANSFORMS),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")

    def _check_numbers(self) -> None:
        positive("half_value_bits", self.half_value_bits)
        for name, keys, known in (
            ("reference_records", self.reference_records, GRAINS),
            ("beta_quality", self.beta_quality, DIMENSIONS),
            ("severity_weights", self.severity_weights, tuple(SEVERITY_WEIGHTS)),
        ):
            if set(keys) != set(known):
                raise ValueError(f"{name} must be given for {', '.join(known)} and for nothing else")
        for grain, records in self.reference_records.items():
            positive(f"reference_records of {grain}", records)
        for severity, weight in self.severity_weights.items():
            positive(f"severity_weights of {severity}", weight)
        check_weights(list(self.beta_quality.values()), self.beta_floor)


PROFILES: tuple[Profile, ...] = ("paper", "standard")
PAPER = ParameterSet("paper", "paper-2021", entropy_kind="joint", transform="identity")
STANDARD = ParameterSet("standard", "standard-2026q4")


def parameter_set(profile: Profile = "standard") -> ParameterSet:
    """The set of a profile as it is published. Raises ValueError for another profile. Source: models, introduction."""
    for known in (PAPER, STANDARD):
        if known.profile == profile:
            return known
    raise ValueError(f"profile must be one of {', '.join(PROFILES)}, not {profile!r}")
