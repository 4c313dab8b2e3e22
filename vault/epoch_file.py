"""The file of one epoch's market parameters, as people review it: complete, approved, and a reason for every value.

A file that does not fit is refused with its line; nothing is priced with it. Source: models §9 (constants are frozen
and versioned).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from pricing.cost import ADJUSTMENTS
from pricing.exact import within
from pricing.overrides import BetaOverride, require_bounds
from pricing.parameter_mapping import parameter_set_from
from pricing.params import ParameterSet
from vault.contract import ContractPart, Text
from vault.errors import JinkuError
from vault.marked_yaml import MarkedYaml, YamlFault, read_marked
from vault.quarters import first_day, quarter_of
from vault.tariffs import Tariffs, tariffs_from

Part = TypeVar("Part")

BETA_MARKET = "beta_market"
NAMED = ("profile", "version")
PARTS = ("price", "guide")
STATED: tuple[str, ...] = (
    "reference_records",
    "half_value_bits",
    "price.value_fen",
    "price.uplift",
    "price.margin",
    "price.adjustments",
    "price.subsidised",
    "price.band_tolerance",
    "guide.exponent_scarcity",
    "guide.exponent_timeliness",
    "guide.exponent_records",
    "guide.exponent_coverage",
    "guide.reference_scarcity",
    "guide.reference_timeliness",
    "guide.reference_coverage",
    "guide.least_ratio",
    "guide.most_ratio",
    "guide.least_adjustment",
    "guide.most_adjustment",
    "guide.kappa",
    "guide.margin",
    "guide.eta",
    "guide.least_beta",
    "guide.most_beta",
    "guide.most_step",
    "guide.comparable_half_life_days",
    "guide.half_lives_days",
)
"""What every file states: the constants of the market. Left to the code, they would move with it within an epoch."""


Fault = tuple[Sequence[str | int], str]
"""A place in the document, and what is wrong there."""


def _number(value: Any) -> Fraction:
    try:
        if isinstance(value, bool):
            raise ValueError
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise PydanticCustomError("number", "must be a finite number such as 1.02 or 51/50") from None


class _Part(ContractPart):
    """Keys as the parameters are named, not in camel case."""

    model_config = ConfigDict(alias_generator=None)


class Approval(_Part):
    """Who approved the set, and on which day."""

    by: Text
    on: date


class SetFactor(_Part):
    """β_market of one component or one application field, as the regulator set it by a signed record."""

    component: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] | None = None
    field: Text | None = None
    value: Annotated[Fraction, BeforeValidator(_number)]
    regulator_record: Text
    reason: Text

    def override(self, epoch: str) -> BetaOverride:
        """The same as pricing knows it, of this epoch. Raises ValueError as that does."""
        return BetaOverride(
            self.regulator_record, self.value, self.reason, epoch, epoch, component=self.component, domain=self.field
        )


class MarketFactor(_Part):
    """β_market of the epoch; the id of the signed record where the regulator set it for all; and those of single
    components and fields."""

    value: Annotated[Fraction, BeforeValidator(_number)]
    regulator_record: Text | None = None
    overrides: tuple[SetFactor, ...] = ()


class EpochDocument(_Part):
    """What stands in the file; `reasons` by place, such as price.margin, or one level deeper."""

    epoch: Annotated[str, Field(pattern=r"^[1-9]\d{3}q[1-4]$")]
    from_day: date = Field(alias="from")
    approved: Approval
    reasons: dict[str, Text]
    parameters: dict[str, Any]
    beta_market: MarketFactor
    tariffs: dict[str, Any]


@dataclass(frozen=True)
class EpochFile:
    """A file that fits: the document, its parameter set and tariffs, and where it stands."""

    path: Path
    marked: MarkedYaml
    document: EpochDocument
    parameters: ParameterSet
    tariffs: Tariffs

    def refusal(self, place: tuple[str, ...], message: str) -> JinkuError:
        """The error that names a place of this file."""
        return _refusal(self.path, YamlFault(self.marked.line(place), message))


def read_epoch_file(path: Path) -> EpochFile:
    """One epoch from its file. Raises JinkuError `parameters_invalid` with file, line, cause and the nearest key."""
    try:
        marked = read_marked(path)
        document = _document(marked)
        parameters = _part(marked, "parameters", parameter_set_from)
        tariffs = _part(marked, "tariffs", tariffs_from)
        faults = list(_faults(path, document, parameters))
        if faults:
            raise _as_one(marked, faults)
    except YamlFault as fault:
        raise _refusal(path, fault) from None
    return EpochFile(path, marked, document, parameters, tariffs)


def _as_one(marked: MarkedYaml, faults: Sequence[Fault]) -> YamlFault:
    """All that is wrong, each with its line, at the line of the first."""
    told = sorted((marked.line(place), message) for place, message in faults)
    return YamlFault(told[0][0], "; ".join(f"line {line}: {message}" for line, message in told))


def _refusal(path: Path, fault: YamlFault) -> JinkuError:
    action = "Correct the file; nothing is priced until then."
    return JinkuError("parameters_invalid", str(fault), f"{path}:{fault.line}", action)


def _document(marked: MarkedYaml) -> EpochDocument:
    try:
        return EpochDocument.model_validate(marked.value)
    except ValidationError as error:
        lines = error.errors(include_url=False, include_input=False)
        faults = [(line["loc"], f"{'.'.join(map(str, line['loc'])) or 'file'}: {line['msg']}") for line in lines]
        raise _as_one(marked, faults) from None


def _part(marked: MarkedYaml, name: str, read: Callable[[Mapping[str, Any]], Part]) -> Part:
    """A part of the file as those who define it read it; what they refuse has its line."""
    try:
        return read(marked.value[name])
    except ValueError as error:
        raise YamlFault(marked.line_told(str(error), [name]), f"{name}: {error}") from None


def _faults(path: Path, document: EpochDocument, parameters: ParameterSet) -> Iterator[Fault]:
    """What is wrong with a document whose parts are well-formed, with the place of it."""
    if path.name != f"{document.epoch}.yaml":
        yield ("epoch",), f"the set of {document.epoch} must stand in {document.epoch}.yaml"
    if quarter_of(document.from_day) != document.epoch:
        begins = first_day(document.epoch)
        yield ("from",), f"{document.from_day} is no day of {document.epoch}, which begins on {begins}"
    version = f"{parameters.profile}-{document.epoch}"
    if parameters.version != version:
        yield ("parameters", "version"), f"version must be {version}, so that a valuation names this file"
    values = stated_values(document.parameters)
    for name in STATED:
        if name not in values:
            yield ("parameters",), f"{name} is missing: an epoch states every constant of the market"
    yield from _faults_of_fields(parameters.price.value_fen)
    yield from _faults_of_reasons(document.reasons, values)
    yield from _faults_of_beta(document.beta_market, parameters)
    yield from _faults_of_overrides(document, parameters)


def _faults_of_fields(value_fen: Mapping[str, Any]) -> Iterator[Fault]:
    """A_k is of each application field and of nothing else."""
    place, known = ("parameters", "price", "value_fen"), [str(domain) for domain in ADJUSTMENTS]
    for domain in value_fen:
        if domain not in known:
            yield (*place, domain), f"'{domain}' is no application field{_nearest(domain, known)}"
    for domain in known:
        if domain not in value_fen:
            yield place, f"value_fen (A_k) of {domain} is missing"


def stated_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a mapping states, by place, those of `price` and `guide` one by one; without its names."""
    found = {}
    for name, value in parameters.items():
        if name in PARTS:
            found.update({f"{name}.{each}": part for each, part in value.items()})
        elif name not in NAMED:
            found[name] = value
    return found


def _faults_of_reasons(reasons: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[Fault]:
    """A value has a reason of its own, or each of its entries has."""
    entries = {
        name: [f"{name}.{entry}" for entry in value] for name, value in values.items() if isinstance(value, Mapping)
    }
    known = [BETA_MARKET, *values, *(entry for of_value in entries.values() for entry in of_value)]
    for place in reasons:
        if place not in known:
            yield ("reasons", place), f"there is no '{place}' to give a reason for{_nearest(place, known)}"
    for name in (*values, BETA_MARKET):
        if name not in reasons and not (entries.get(name) and set(entries[name]) <= set(reasons)):
            yield (BETA_MARKET,) if name == BETA_MARKET else ("parameters", *name.split(".")), f"{name} has no reason"


def _faults_of_beta(market: MarketFactor, parameters: ParameterSet) -> Iterator[Fault]:
    try:
        within(BETA_MARKET, market.value, parameters.guide.least_beta, parameters.guide.most_beta)
    except ValueError as error:
        yield (BETA_MARKET, "value"), str(error)


def _faults_of_overrides(document: EpochDocument, parameters: ParameterSet) -> Iterator[Fault]:
    """Each is of one component or field, which has one only, and within the bounds."""
    place, known = (BETA_MARKET, "overrides"), [str(domain) for domain in ADJUSTMENTS]
    seen = set()
    for number, each in enumerate(document.beta_market.overrides):
        if each.field is not None and each.field not in known:
            yield (*place, number), f"'{each.field}' is no application field{_nearest(each.field, known)}"
        if (each.component, each.field) in seen:
            yield (*place, number), f"{each.component or each.field} has two overrides of {BETA_MARKET}"
        seen.add((each.component, each.field))
        try:
            require_bounds(each.override(document.epoch), parameters.guide)
        except ValueError as error:
            yield (*place, number), str(error)


def _nearest(given: str, known: list[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""
