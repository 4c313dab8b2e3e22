"""What the result review rests on: a component's rows, its contract, and what is known of the sources behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import ibis.expr.types as ir

from review.findings import Finding, Outcome
from vault.contract import ComponentContract
from vault.disclosure.budgets import Spend
from vault.disclosure.draws import Draw
from vault.disclosure.entities import Comparison

Rows = Literal["persons", "organisations", "cells", "things"]
"""What a row stands for: someone, an enterprise, a group of either or of anything else, or a thing."""


@dataclass(frozen=True)
class PublishedTable:
    """A table that is published already. name: of its release; by: the columns that tell its cells apart."""

    name: str
    table: ir.Table
    by: tuple[str, ...]


@dataclass(frozen=True)
class HeldColumn:
    """A sensitive column of a source as the vault holds it of the people behind the rows.

    name: of the table and column that have it; values: every `value` that there is of a `key`, the component's own
    pseudonym of somebody, each once; None where rows cannot be linked with it, and then `cause` says why. is_filled:
    whether it has any value of anybody; is_quantity and resolution: whether whole numbers are amounts, and the smallest
    difference that matters, as the source's contract says.
    """

    name: str
    values: ir.Table | None
    cause: str = ""
    is_filled: bool = False
    is_quantity: bool = False
    resolution: float | None = None


@dataclass(frozen=True)
class Held:
    """What the vault holds of the people behind the rows in sensitive columns of the sources that these are made from.

    key: the component's column that is its own pseudonym of somebody, and people: all `key`s that the vault can make;
    both missing where there is nothing to be linked.
    """

    columns: tuple[HeldColumn, ...] = ()
    key: str = ""
    people: ir.Table | None = None


@dataclass(frozen=True)
class ResultFacts:
    """What is known of one component.

    source_categories: of all sources that its lineage reaches, as their contracts say; table: its rows; population: the
    table that the contract names as `population`; held: the sensitive columns that the vault holds of the same people,
    None where nobody looked; contributions: for a cell measure the table of who contributed what
    (`measure_dominance`), and unreliable: for one whose contributions cannot be relied on, why;
    related_releases: ids of those that publish totals over the same counts, or the cells of these totals, None where
    nobody looked (`vault.disclosure.ledger.related_sets`), and published: their tables; comparison: the entities behind
    the rows beside those of earlier releases, named as entity_kind says, None where nobody looked; common: the same by
    the kinds of subjects that lineage shows behind them; uncompared: by release the kind of its entities where these
    can be held against none of them; draw: the noise on record that gave exactly these rows, None where none did;
    noise_sources: those that speak of the unit of privacy; spends: what the queries that made the rows took from
    privacy budgets, and spent_in_year: epsilon and delta of each (source, unit, year) of these.
    """

    component: str
    contract: ComponentContract
    source_categories: frozenset[str]
    table: ir.Table
    population: ir.Table | None = None
    held: Held | None = None
    contributions: Mapping[str, ir.Table] = field(default_factory=dict)
    unreliable: Mapping[str, str] = field(default_factory=dict)
    related_releases: Sequence[str] | None = None
    published: Sequence[PublishedTable] = ()
    comparison: Comparison | None = None
    entity_kind: str = ""
    common: Mapping[str, Comparison] = field(default_factory=dict)
    uncompared: Mapping[str, str] = field(default_factory=dict)
    draw: Draw | None = None
    noise_sources: Sequence[str] = ()
    spends: Sequence[Spend] = ()
    spent_in_year: Mapping[tuple[str, str, int], tuple[Decimal, Decimal]] = field(default_factory=dict)

    def columns(self, *roles: str) -> tuple[str, ...]:
        """The declared columns of these roles, in their order."""
        return tuple(column.name for column in self.contract.columns if column.role in roles)

    @property
    def of_persons(self) -> bool:
        """Whether persons stand behind the rows: by the subject, or by a source that is personal."""
        return self.contract.subject == "person" or "personal" in self.source_categories

    @property
    def of_organisations(self) -> bool:
        """Whether enterprises stand behind the rows: by the subject, or by a source of theirs."""
        return self.contract.subject == "enterprise" or "enterprise" in self.source_categories

    @property
    def is_noisy(self) -> bool:
        """Whether noise is declared and was drawn for exactly these rows: what hides each subject does so whatever
        their number and whatever else is released. Whether it is enough and paid for is asked by itself."""
        return self.contract.differential_privacy is not None and self.draw is not None

    @property
    def rows(self) -> Rows:
        """What a row stands for. Rows of events and objects are someone's where a person stands behind them, and where
        the contract declares a quasi-identifier: it would be none if nobody could be found by it."""
        if self.contract.subject == "aggregate":
            return "cells"
        if self.contract.subject == "enterprise":
            return "organisations"
        if self.of_persons or self.columns("quasi_identifier"):
            return "persons"
        return "organisations" if self.of_organisations else "things"


NOISY = "it does not apply: noise was drawn for every figure of these rows, and R10_privacy_budget judges that"


def found(check: str, outcome: Outcome, reason: str, **evidence: object) -> Finding:
    """A finding of this part."""
    return Finding(check, "result", outcome, reason, evidence)


def judged(check: str, passed: bool, reason: str, **evidence: object) -> Finding:
    """A finding that passes or fails."""
    return found(check, "pass" if passed else "fail", reason, **evidence)


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and the noun that fits it."""
    return f"{number} {one if number == 1 else many or one + 's'}"
