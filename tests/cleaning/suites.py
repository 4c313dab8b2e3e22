"""A source and what is expected of it, as one file: the suites that are judged against a truth."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from expectations.catalogue import columns_named
from expectations.documents import read_document
from vault.contract import ContractPart, Expectation, Name, SourceContract

FOLDER = Path(__file__).parent
PAIRS = ("hospital", "beers")


class Rule(ContractPart):
    """An expectation, and the columns whose cells it calls wrong where it fails.

    blames: the dependent columns where the expectation names none in its arguments, as a query does.
    """

    expectation: Expectation
    blames: tuple[Name, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose cells are called wrong."""
        return self.blames or columns_named(self.expectation)


class Suite(ContractPart):
    """The contract of a source and its rules; `version` rises when a rule changes after figures were seen."""

    version: Annotated[int, Field(ge=1)]
    source: SourceContract
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @property
    def expectations(self) -> Sequence[Expectation]:
        """The expectations alone, in their order."""
        return [rule.expectation for rule in self.rules]


def load_suite(name: str) -> Suite:
    """One suite of this folder. Raises JinkuError where it does not fit."""
    return read_document(_path(name), Suite, "suite_invalid")


def fingerprint(name: str) -> str:
    """Identifies the text of a suite: shows whether it is still the one that figures were taken with."""
    return hashlib.sha256(_path(name).read_bytes()).hexdigest()[:12]


def _path(name: str) -> Path:
    return FOLDER / f"{name}.yaml"
