"""The contract of a component (数据元件): what it promises to its buyers."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from vault.contract.expectations import Expectation
from vault.contract.parts import Column, ContractPart, Title, check_grain, nearest
from vault.contract.protection import (
    Anonymisation,
    Contributions,
    DifferentialPrivacy,
    Entities,
    Fingerprint,
    Generalisation,
)
from vault.contract.words import ApplicationField, Name, RefreshPeriod, Subject, Text


class ComponentCost(ContractPart):
    """What the component's model cost to make, and costs to run in each period, in fen."""

    development_fen: int = Field(ge=0)
    useful_life_months: int = Field(36, ge=1)
    run_cost_fen: int = Field(0, ge=0, description="support and supervision; storage and compute are metered")
    expected_licences: int = Field(1, ge=1, description="licences over which the cost is recovered")


class Pricing(ContractPart):
    """How the price is formed: the regime and the ecosystem the component serves."""

    regime: Literal["market", "public_guided", "public_free"] = "market"
    ecosystem: ApplicationField | None = None
    ceiling_fen: int | None = Field(None, ge=0, description="highest price of public_guided; the cost where left out")


class Rights(ContractPart):
    """The confirmations of rights (确权) that the component rests on.

    holding: the providers whose holding rights it rests on, set apart by semicolons; processing: who may make it;
    resources: the sources that it may be made from; expires: its last day, where that is before the sources' own.
    """

    holding: Text
    processing: Text
    resources: tuple[Name, ...] = ()
    expires: date | None = None

    @property
    def holders(self) -> frozenset[str]:
        """The providers by name."""
        return frozenset(name.strip() for name in self.holding.split(";") if name.strip())


class ComponentContract(ContractPart):
    """What a data component (数据元件) promises to its buyers."""

    title: Title
    description: Text
    application_field: ApplicationField
    form: Literal["standard", "custom"]
    subject: Subject
    grain: Annotated[tuple[Name, ...], Field(min_length=1)]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    purpose: Text
    permitted_uses: Annotated[tuple[Text, ...], Field(min_length=1)]
    release_tier: Literal["sandbox", "market", "public"] = "market"
    minimum_group: int = Field(11, ge=1, description="fewest subjects behind one row")
    count_columns: tuple[Name, ...] = Field((), description="columns that count the subjects behind a row")
    entities: Entities | None = None
    population: Annotated[str, Field(pattern=r"^[a-z]+/[a-z][a-z0-9_]*$")] | None = Field(
        None, description="'layer/table' of all people, generalised alike, of whom the rows are some"
    )
    membership_is_sensitive: bool = Field(False, description="whether it harms someone to be known to be in the table")
    contributions: dict[Name, Contributions] = Field(
        default_factory=dict, description="by figure, who contributes what to it"
    )
    differential_privacy: DifferentialPrivacy | None = None
    fingerprint: Fingerprint | None = None
    population_share: float | None = Field(
        None, ge=0, le=1, description="share of the target population that the rows cover; nothing said, no credit"
    )
    refresh_period: RefreshPeriod
    cost: ComponentCost
    pricing: Pricing
    expectations: tuple[Expectation, ...] = ()
    owner: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9_-]*$")]
    provider: Text
    rights: Rights
    authors: tuple[Annotated[str, Field(pattern=r"^person:[a-z][a-z0-9._-]*$")], ...] = Field(
        (), description="who made it; none of them may sign it off"
    )
    cross_border: bool = Field(False, description="whether it may be delivered abroad")
    anonymise: Anonymisation | None = None

    @property
    def noise_claim(self) -> str | None:
        """All that is said of noise, as one text that changes with any of it; None where none is claimed."""
        if self.differential_privacy is None:
            return None
        told = {
            "claim": self.differential_privacy.model_dump(mode="json"),
            "contributions": {name: each.model_dump(mode="json") for name, each in self.contributions.items()},
        }
        return json.dumps(told, sort_keys=True, ensure_ascii=False)

    @model_validator(mode="after")
    def _grain_is_among_columns(self) -> "ComponentContract":
        check_grain(self.grain, self.columns)
        return self

    @model_validator(mode="after")
    def _counts_are_whole_numbers(self) -> "ComponentContract":
        types = {column.name: column.logical_type for column in self.columns}
        for name in self.count_columns:
            if types.get(name) != "integer":
                raise PydanticCustomError(
                    "contract",
                    "countColumns names no integer column: {message}",
                    {"message": f"'{name}'{nearest(name, sorted(types))}"},
                )
        return self

    @model_validator(mode="after")
    def _contributions_are_to_figures(self) -> "ComponentContract":
        types = {column.name: column.logical_type for column in self.columns if column.name not in self.grain}
        for name in self.contributions:
            if types.get(name) not in ("integer", "number"):
                raise PydanticCustomError(
                    "contract",
                    "contributions names no figure: {message}",
                    {"message": f"'{name}'{nearest(name, sorted(types))}"},
                )
        return self

    @model_validator(mode="after")
    def _marks_are_on_measures(self) -> "ComponentContract":
        tolerance = (self.fingerprint and self.fingerprint.tolerance) or {}
        fit = [column.name for column in self.columns if _may_be_marked(column, self.grain, self.count_columns)]
        for name in tolerance:
            if name not in fit:
                raise PydanticCustomError(
                    "contract",
                    "fingerprint.tolerance names no measure that may differ: {message}",
                    {"message": f"'{name}'{nearest(name, fit)}"},
                )
        return self

    @model_validator(mode="after")
    def _noise_can_be_drawn(self) -> "ComponentContract":
        if self.differential_privacy is not None:
            _check_noise(self)
        return self

    @model_validator(mode="after")
    def _generalised_columns_are_fit(self) -> "ComponentContract":
        if self.anonymise is not None:
            _check_generalised(self.anonymise.generalise, self.columns)
        return self


def _may_be_marked(column: Column, grain: tuple[str, ...], counts: tuple[str, ...]) -> bool:
    is_figure = column.role == "measure" and column.logical_type in ("number", "integer")
    return is_figure and column.name not in grain and column.name not in counts


def _check_noise(contract: ComponentContract) -> None:
    figures = contract.contributions
    faults = []
    if contract.subject != "aggregate":
        faults.append("needs 'subject: aggregate'")
    if contract.entities is not None:
        faults.append("takes no 'entities': what is noisy is not compared with earlier releases")
    if not figures:
        faults.append("needs 'contributions', from which the figures and their noise are drawn")
    faults += [
        f"'{name}' is a mean: only counts and sums are drawn"
        for name, each in figures.items()
        if each.aggregate == "mean"
    ]
    faults += [
        f"'{name}' is a sum and needs 'bounds'"
        for name, each in figures.items()
        if each.aggregate == "sum" and each.bounds is None
    ]
    if faults:
        raise PydanticCustomError("contract", "differentialPrivacy: {message}", {"message": "; ".join(faults)})


def _check_generalised(rules: Mapping[str, Generalisation], columns: tuple[Column, ...]) -> None:
    by_name = {column.name: column for column in columns}
    faults = [f"'{name}' is no column{nearest(name, list(by_name))}" for name in rules if name not in by_name]
    for column in columns:
        rule, is_sensitive = rules.get(column.name), column.role in ("sensitive", "target")
        if rule is not None and (
            column.logical_type != "string" or not (is_sensitive or column.role == "quasi_identifier")
        ):
            faults.append(f"'{column.name}' is generalised: its type is string, its role quasi_identifier or sensitive")
        elif rule is not None and is_sensitive and not (rule.hierarchy or len(rule.bands) == 1):
            faults.append(f"'{column.name}' is sensitive: it is shown in bands or by a hierarchy, at one level")
        elif rule is None and is_sensitive and column.logical_type not in ("string", "boolean"):
            faults.append(f"'{column.name}' is sensitive: an exact {column.logical_type} needs a generalisation")
    for role, fewest, most in (("quasi_identifier", 1, len(columns)), ("identifier", 0, 1)):
        if not fewest <= sum(column.role == role for column in columns) <= most:
            faults.append(f"needs {fewest} to {most} columns of the role {role}")
    if faults:
        raise PydanticCustomError("contract", "anonymise: {message}", {"message": "; ".join(faults)})
