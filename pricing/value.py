"""The value index I = V(N) · Q(Z) · D(X) of a data component, with everything it was made of.

I ranks components; it is not money. Sources: white paper, value of data components; models §1 to §3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pricing.density import density
from pricing.domain import non_negative, within_unit
from pricing.params import Grain, ParameterSet
from pricing.quality import quality_score, without_waived
from pricing.volume import volume


@dataclass(frozen=True)
class ComponentMeasures:
    """What is measured of one component.

    records N: source records read after filters, in the set's volume unit; z: each dimension in [0, 1], one that was
    not measured left out; entropy_bits E: of the set's kind, or of a target; waived: dimensions with a signed
    `not_applicable`; the hashes name exactly what was measured.
    """

    grain: Grain
    records: float
    z: Mapping[str, float]
    entropy_bits: float
    waived: Collection[str] = ()
    component_hash: str = ""
    snapshot_hash: str = ""


@dataclass(frozen=True)
class ValuationRecord:
    """One valuation, reproducible from its own fields and the parameter set it names; nothing in it is rounded."""

    component_hash: str
    snapshot_hash: str
    profile: str
    parameter_version: str
    parameter_hash: str
    grain: Grain
    records: float
    scale_records: float
    z: tuple[tuple[str, float], ...]
    waived: tuple[str, ...]
    beta_quality: tuple[tuple[str, float], ...]
    score: float
    entropy_bits: float
    half_value_bits: float
    volume: float
    quality: float
    density: float
    value_index: float


def value_index(volume_coefficient: float, quality_coefficient: float, density_coefficient: float) -> float:
    """I = V · Q · D, without unit. V, Q in [0, 1], D 0 or more. Raises ValueError else.

    In [0, 1) where D is bounded, as in the standard profile. Sources: white paper; models §3.
    """
    return (
        within_unit("volume_coefficient", volume_coefficient)
        * within_unit("quality_coefficient", quality_coefficient)
        * non_negative("density_coefficient", density_coefficient)
    )


def valuation(measures: ComponentMeasures, parameters: ParameterSet) -> ValuationRecord:
    """The value index of a component under a parameter set, with every step on the way to it.

    A dimension that z lacks scores 0 unless it is waived. Raises ValueError where a measure is outside its domain.
    Sources: white paper; models §1 to §3.
    """
    scale = parameters.scale_records(measures.grain)
    beta = without_waived(parameters.beta_quality, measures.waived, parameters.beta_floor)
    score = quality_score(measures.z, parameters.beta_quality, measures.waived, parameters.beta_floor)
    of_volume = volume(measures.records, scale, parameters.volume_variant)
    of_density = density(measures.entropy_bits, parameters.transform, parameters.half_value_bits)
    return ValuationRecord(
        component_hash=measures.component_hash,
        snapshot_hash=measures.snapshot_hash,
        profile=parameters.profile,
        parameter_version=parameters.version,
        parameter_hash=parameters.content_hash,
        grain=measures.grain,
        records=measures.records,
        scale_records=scale,
        z=tuple((dimension, measures.z.get(dimension, 0.0)) for dimension in parameters.beta_quality),
        waived=tuple(dimension for dimension in parameters.beta_quality if dimension in measures.waived),
        beta_quality=tuple(beta.items()),
        score=score,
        entropy_bits=measures.entropy_bits,
        half_value_bits=parameters.half_value_bits,
        volume=of_volume,
        quality=score**2,
        density=of_density,
        value_index=value_index(of_volume, score**2, of_density),
    )
