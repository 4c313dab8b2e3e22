"""Parameter sets: everything that values and prices depend on beside the component, frozen, versioned and checked.

A constant that follows from the catalogue (N_ref, E0, A_k, x_ref, β) is fixed for a quarter and named by the version of
the set, else one seller's listing would move the price of another. Sources: white paper; models §1 to §5, §9.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

from pricing.comparables import Factors
from pricing.cost import ADJUSTMENTS, USEFUL_LIFE_MONTHS, Ecosystem, checked_adjustment
from pricing.density import BOOTSTRAP_HALF_VALUE_BITS, TRANSFORMS, Transform
from pricing.domain import positive
from pricing.entropy import BASES, Basis
from pricing.exact import above_zero, within
from pricing.guide import GuideParameters, bootstrap_reference
from pricing.money import Amount
from pricing.negotiated import MARGIN, MOST_MARGIN, UPLIFT, Form, Joint
from pricing.negotiation import TOLERANCE
from pricing.quality import BETA_FLOOR, DIMENSIONS, SEVERITY_WEIGHTS, check_beta
from pricing.volume import VOLUME_VARIANTS, VolumeVariant, scale_of

Profile = Literal["paper", "standard"]
Grain = Literal["person", "event", "aggregate", "object"]
VolumeUnit = Literal["rows", "cells", "bytes"]
QualityMode = Literal["vector", "matrix"]
EntropyKind = Literal["joint", "chow_liu", "marginal_sum"]

PROFILES: tuple[Profile, ...] = ("paper", "standard")
GRAINS: tuple[Grain, ...] = ("person", "event", "aggregate", "object")
VOLUME_UNITS: tuple[VolumeUnit, ...] = ("rows", "cells", "bytes")
QUALITY_MODES: tuple[QualityMode, ...] = ("vector", "matrix")
ENTROPY_KINDS: tuple[EntropyKind, ...] = ("joint", "chow_liu", "marginal_sum")
LITERAL: Mapping[str, str] = MappingProxyType(
    {"volume_variant": "paper", "entropy_kind": "joint", "entropy_basis": "population", "transform": "identity"}
)
"""What the white paper prints, which a set of the paper's profile may not change."""

EXPERT_BETA: Mapping[str, float] = MappingProxyType(
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
class PriceParameters:
    """Constants of P¹ and its band; money in fen.

    form, uplift λ, rho: of g; value_fen: A_k by domain; margin γ; adjustments: k_y by ecosystem, below 1 only for those
    that are subsidised; band_tolerance δ. Raises ValueError that names the constant outside its domain.
    """

    form: Form = "additive"
    value_fen: Mapping[str, Amount] = field(default_factory=lambda: MappingProxyType({}))
    uplift: Amount = UPLIFT
    rho: Amount = 2
    margin: Amount = MARGIN
    adjustments: Mapping[Ecosystem, Amount] = field(default_factory=lambda: ADJUSTMENTS)
    subsidised: tuple[Ecosystem, ...] = ("governance", "livelihood")
    useful_life_months: Amount = USEFUL_LIFE_MONTHS
    band_tolerance: Amount = TOLERANCE

    def __post_init__(self) -> None:
        Joint(self.form, 0, self.uplift, self.rho)
        for domain, value in self.value_fen.items():
            within(f"value_fen of {domain}", value)
        within("margin", self.margin, 0, MOST_MARGIN)
        _check_keys("adjustments", self.adjustments, tuple(ADJUSTMENTS))
        if not set(self.subsidised) <= set(ADJUSTMENTS):
            raise ValueError(f"subsidised must be some of {', '.join(ADJUSTMENTS)}, not {', '.join(self.subsidised)}")
        for ecosystem, adjustment in self.adjustments.items():
            checked_adjustment(f"adjustments of {ecosystem}", adjustment, ecosystem in self.subsidised)
        above_zero("useful_life_months", self.useful_life_months)
        within("band_tolerance", self.band_tolerance, 0, 1)
        _freeze(self, "value_fen", "adjustments")

    def joint(self, domain: str) -> Joint:
        """g of a domain. Raises ValueError for one without A_k: it has to be derived first. Source: models §4.1."""
        if domain not in self.value_fen:
            known = ", ".join(sorted(self.value_fen)) or "none"
            raise ValueError(f"no value_fen (A_k) is set for the domain {domain!r}, only for: {known}")
        return Joint(self.form, self.value_fen[domain], self.uplift, self.rho)


@dataclass(frozen=True)
class ParameterSet:
    """Everything that the value and the prices of a component depend on beside the component itself.

    price: constants of P¹, guide: of P². Raises ValueError that names the parameter outside its domain, and where a set
    of the profile `paper` is not literal: logistic V, joint plug-in entropy, h = identity.
    """

    profile: Profile
    version: str
    volume_variant: VolumeVariant = "paper"
    volume_unit: VolumeUnit = "rows"
    reference_records: Mapping[Grain, float] = field(default_factory=lambda: BOOTSTRAP_REFERENCE_RECORDS)
    quality_mode: QualityMode = "vector"
    beta_quality: Mapping[str, float] = field(default_factory=lambda: EXPERT_BETA)
    beta_floor: float = BETA_FLOOR
    severity_weights: Mapping[str, float] = field(default_factory=lambda: SEVERITY_WEIGHTS)
    entropy_kind: EntropyKind = "chow_liu"
    entropy_basis: Basis = "population"
    transform: Transform = "michaelis"
    half_value_bits: float = BOOTSTRAP_HALF_VALUE_BITS
    price: PriceParameters = field(default_factory=PriceParameters)
    guide: GuideParameters = field(default_factory=GuideParameters)

    def __post_init__(self) -> None:
        if not self.version.strip():
            raise ValueError("version must not be empty: a valuation names the set it was made with")
        self._check_choices()
        self._check_numbers()
        _freeze(self, "reference_records", "beta_quality", "severity_weights")
        # in one order whatever file it was read from: a sum of floats depends on it in its last digit
        in_order = {dimension: self.beta_quality[dimension] for dimension in DIMENSIONS}
        object.__setattr__(self, "beta_quality", MappingProxyType(in_order))

    def scale_records(self, grain: Grain) -> float:
        """C of a grain, records: V is 0.9 at its N_ref. Raises ValueError for another grain. Source: models §3."""
        self._check_grain(grain)
        return scale_of(self.reference_records[grain])

    def reference_factors(self, grain: Grain) -> Factors:
        """x_ref of a grain before it has comparables. Raises ValueError for another grain. Source: models §5."""
        self._check_grain(grain)
        return bootstrap_reference(self.reference_records[grain], self.guide)

    @property
    def content_hash(self) -> str:
        """SHA-256 of every parameter: two sets of one version that differ are told apart by it."""
        return hashlib.sha256(json.dumps(plain(self), sort_keys=True).encode()).hexdigest()

    def _check_grain(self, grain: str) -> None:
        if grain not in self.reference_records:
            raise ValueError(f"grain must be one of {', '.join(GRAINS)}, not {grain!r}")

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
        for name, printed in LITERAL.items() if self.profile == "paper" else ():
            if getattr(self, name) != printed:
                raise ValueError(
                    f"{name} of the profile paper must be {printed}, as printed, not {getattr(self, name)}"
                )

    def _check_numbers(self) -> None:
        positive("half_value_bits", self.half_value_bits)
        _check_keys("reference_records", self.reference_records, GRAINS)
        _check_keys("beta_quality", self.beta_quality, DIMENSIONS)
        _check_keys("severity_weights", self.severity_weights, tuple(SEVERITY_WEIGHTS))
        for grain, records in self.reference_records.items():
            positive(f"reference_records of {grain}", records)
        for severity, weight in self.severity_weights.items():
            positive(f"severity_weights of {severity}", weight)
        check_beta(self.beta_quality, self.beta_floor)


def parameter_set(profile: Profile = "standard") -> ParameterSet:
    """The set of a profile as it is published. Raises ValueError for another profile. Source: models, introduction."""
    for known in (PAPER, STANDARD):
        if known.profile == profile:
            return known
    raise ValueError(f"profile must be one of {', '.join(PROFILES)}, not {profile!r}")


def plain(value: Any) -> Any:
    """A parameter or a whole set as plain mappings, lists, numbers and words, as JSON or YAML hold them.

    An exact number that is not whole becomes a word such as "3/20", so that none of its digits is lost. The way back is
    `parameter_mapping.parameter_set_from`. Source: models §9.
    """
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Fraction | Decimal):
        exact = Fraction(value)
        return exact.numerator if exact.denominator == 1 else str(exact)
    return value


def _check_keys(name: str, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    if set(given) != set(known):
        raise ValueError(f"{name} must be given for {', '.join(known)} and for nothing else")


def _freeze(owner: object, *names: str) -> None:
    """Copies of the mappings a caller gave, which it could still change."""
    for name in names:
        object.__setattr__(owner, name, MappingProxyType(dict(getattr(owner, name))))


PAPER = ParameterSet("paper", "paper-2021", entropy_kind="joint", transform="identity")
STANDARD = ParameterSet("standard", "standard-2026q4")
