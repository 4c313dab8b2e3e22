"""How a component protects those behind its rows: generalisation, noise, marks, and who stands behind a row."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from vault.contract.parts import ContractPart
from vault.contract.words import Name, Text


class Generalisation(ContractPart):
    """By which rule the values of a column become coarser, level by level; after the last level stands `*` alone."""

    of: Name | None = Field(None, description="column of the resource table, when it is called otherwise")
    hierarchy: Text | None = Field(None, description="file beside the contract, one line a value: value;level 1;...")
    bands: tuple[tuple[int, ...], ...] = Field((), description="for each level where its bands begin")
    intervals: tuple[int, ...] = Field((), description="for each level how wide its intervals are, counted from 0")
    prefix: tuple[int, ...] = Field((), description="for each level how many characters are kept")
    hidden: bool = Field(False, description="nothing between the value itself and `*`")

    @model_validator(mode="after")
    def _one_rule_that_only_coarsens(self) -> "Generalisation":
        rules = (self.hierarchy, self.bands, self.intervals, self.prefix, self.hidden)
        if sum(map(bool, rules)) != 1:
            raise PydanticCustomError("contract", "give one of 'hierarchy', 'bands', 'intervals', 'prefix', 'hidden'")
        is_ascending = all(list(starts) == sorted(set(starts)) and starts for starts in self.bands)
        is_coarser = all(set(coarse) < set(fine) for fine, coarse in pairwise(self.bands))
        is_multiple = all(wide % width == 0 and wide > width for width, wide in pairwise((1, *self.intervals)))
        is_shorter = all(many > few > 0 for many, few in pairwise((10**6, *self.prefix)))
        if not (is_ascending and is_coarser and is_multiple and is_shorter):
            raise PydanticCustomError("contract", "each level must be coarser than the one before, and hold its bounds")
        return self


class Anonymisation(ContractPart):
    """What a component of persons is made from, for `jinku anonymise` to find how coarse it must be."""

    table: Name = Field(alias="from", description="resource table, one row a subject")
    subject: Name = Field(description="its column that tells the subjects apart")
    suppression_limit: float = Field(0.05, ge=0, lt=1, description="largest share of rows that may be left out")
    generalise: Annotated[dict[Name, Generalisation], Field(min_length=1)]


class Bounds(ContractPart):
    """What one contributor may add to one cell, for noise to hide it: brought into [low, high], rounded to steps."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    step: float = Field(1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _something_lies_between(self) -> "Bounds":
        if self.low >= self.high:
            raise PydanticCustomError("contract", "'low' must be below 'high'")
        return self


class Contributions(ContractPart):
    """Who contributes what to a figure: to see whether a few make up most of it, and to draw noise that hides each.

    aggregate: how the figure is made of them; query: a select over tables of the resource layer, written `{visit}`,
    with the columns of the grain, `contributor`, a pseudonym of the layer, and, but for a count, `value`. A count is
    that of different contributors.
    """

    aggregate: Literal["count", "sum", "mean"]
    query: Text
    bounds: Bounds | None = None


class DifferentialPrivacy(ContractPart):
    """That the component's figures are noisy, and what each making of them may tell of one unit.

    cells: a select over tables of the resource layer that rest on nobody, written `{place_district}`, of all the rows
    there are: the columns of the grain, and what else is said of a row that is no figure.
    """

    epsilon: Decimal = Field(Decimal(1), gt=0, allow_inf_nan=False)
    delta: Decimal = Field(Decimal(0), ge=0, lt=1)
    unit: Literal["person", "enterprise"] = Field("person", description="whose presence is hidden: the unit of privacy")
    cells: Text
    cells_per_unit: int = Field(1, ge=1, description="rows in which one unit counts at most")


class Fingerprint(ContractPart):
    """What may differ between two buyers' copies of the rows, so that a leaked copy tells whose it was.

    tolerance: for each measure that may carry marks, the most that a value may be changed, in its unit; without it the
    decision resolutions of the measures stand in. omit_rows: whether one row in two hundred may be missing from a copy.
    """

    tolerance: dict[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    omit_rows: bool = False


class Entities(ContractPart):
    """Who stands behind the rows, so that a release can be compared with every earlier one of the same sources.

    kind: how they are named, such as `person` for the pseudonyms of the resource layer; query: a select whose column
    `entity` names them and whose column `cell`, of an aggregate, the row they are counted in. `{visit}` stands for a
    table of the resource layer, `{rows}` for the component's own.
    """

    kind: Name
    query: Text
