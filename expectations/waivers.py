"""Waivers: a signed statement that a quality dimension does not apply to an asset, until a day."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from expectations.documents import read_document
from vault.contract import ContractPart, Dimension, Text

STANDARD_FILE = Path(__file__).parent / "waivers.yaml"


class Waiver(ContractPart):
    """One waiver: for one asset ('layer/name') and dimension; it counts up to and including the day `until`."""

    asset: Annotated[str, Field(pattern=r"^[a-z_]+/[a-z][a-z0-9_]*$")]
    dimension: Dimension
    reason: Text
    who: Text
    until: date


class _WaiverFile(ContractPart):
    waivers: tuple[Waiver, ...]

    @model_validator(mode="after")
    def _each_once(self) -> "_WaiverFile":
        named = [(waiver.asset, waiver.dimension) for waiver in self.waivers]
        for asset, dimension in named:
            if named.count((asset, dimension)) > 1:
                message = f"{dimension} of {asset} is waived twice"
                raise PydanticCustomError("waiver", "{message}", {"message": message})
        return self


def load_waivers(path: Path = STANDARD_FILE) -> tuple[Waiver, ...]:
    """The waivers of a YAML file. Raises JinkuError `waivers_invalid` where it does not fit."""
    return read_document(path, _WaiverFile, "waivers_invalid").waivers


def waivers_of(waivers: Iterable[Waiver], asset: str, today: date) -> tuple[Waiver, ...]:
    """Those that count for an asset today; one that has run out does not."""
    return tuple(waiver for waiver in waivers if waiver.asset == asset and today <= waiver.until)
