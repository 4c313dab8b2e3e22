"""Beta sets: how much each dimension of quality weighs, versioned, each weight with its reason."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from expectations.documents import read_document
from pricing.quality import BETA_FLOOR, DIMENSIONS, ahp_weights, combined_beta
from vault.contract import ContractPart, Dimension, Text
from vault.errors import JinkuError

FOLDER = Path(__file__).parent / "beta_sets"
STANDARD = "standard-2026q4"
ROUNDING = 5e-7
"""How far a weight in the file may lie from the one that its judgements give."""


class Weight(ContractPart):
    """The weight of one dimension and why it is so."""

    weight: float = Field(ge=0, le=1)
    reason: Text


class BetaSet(ContractPart):
    """One version of the weights.

    method: expert (weights as agreed), ahp (they follow from pairwise judgements) or combined (judgements and the
    entropy weights of the catalogue, `alpha` of the former). Judgements compare the row's dimension to the column's,
    in the order of `weights`, as numbers or fractions such as 1/3.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    method: Literal["expert", "ahp", "combined"]
    reason: Text
    floor: float = Field(BETA_FLOOR, ge=BETA_FLOOR, le=1 / 6)
    weights: dict[Dimension, Weight]
    judgements: tuple[tuple[str | float, ...], ...] | None = None
    entropy_weights: tuple[float, ...] | None = None
    alpha: float = Field(0.7, ge=0, le=1)

    @property
    def beta(self) -> dict[Dimension, float]:
        """The weights alone."""
        return {dimension: self.weights[dimension].weight for dimension in DIMENSIONS}

    @model_validator(mode="after")
    def _is_a_set(self) -> "BetaSet":
        if set(self.weights) != set(DIMENSIONS):
            raise _refused(f"weights are missing: {', '.join(sorted(set(DIMENSIONS) - set(self.weights)))}")
        total = sum(self.beta.values())
        if abs(total - 1) > 1e-9:
            raise _refused(f"the weights sum to {total:.6g}, not to 1")
        low = [dimension for dimension, weight in self.beta.items() if weight < self.floor - 1e-12]
        if low:
            raise _refused(f"{', '.join(low)}: below the floor of {self.floor}")
        self._follow_from_judgements()
        return self

    def _follow_from_judgements(self) -> None:
        has_all = self.judgements is not None, self.entropy_weights is not None
        if has_all != {"expert": (False, False), "ahp": (True, False), "combined": (True, True)}[self.method]:
            raise _refused(f"method {self.method}: judgements and entropyWeights do not belong to it as given")
        if self.judgements is None:
            return
        judged = ahp_weights(_matrix(self.judgements))
        if not judged.accepted:
            ratio = f"{judged.consistency_ratio:.3f}"
            raise _refused(f"the judgements contradict each other: consistency ratio {ratio}, at most 0.10")
        entropy, share = (judged.weights, 1.0) if self.entropy_weights is None else (self.entropy_weights, self.alpha)
        expected = combined_beta(judged.weights, entropy, share, self.floor)
        for (dimension, weight), right in zip(self.weights.items(), expected, strict=True):
            if abs(weight.weight - right) > ROUNDING:
                raise _refused(f"{dimension}: the judgements give {right:.6f}, the file says {weight.weight}")


def load_beta_set(path: Path) -> BetaSet:
    """A beta set from its YAML file. Raises JinkuError `beta_set_invalid` where it does not fit."""
    found = read_document(path, BetaSet, "beta_set_invalid")
    if found.name != path.stem:
        raise JinkuError(
            "beta_set_invalid", f"the set calls itself '{found.name}'", str(path), "Give file and set one name."
        )
    return found


@cache
def beta_set(name: str = STANDARD) -> BetaSet:
    """A beta set of this folder by name. Raises JinkuError `beta_set_unknown` where there is none."""
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise JinkuError("beta_set_unknown", f"there is no beta set '{name}'", str(FOLDER), f"Use one of: {known}.")
    return load_beta_set(path)


def _matrix(rows: tuple[tuple[str | float, ...], ...]) -> list[list[float]]:
    try:
        found = [[float(Fraction(str(entry))) for entry in row] for row in rows]
    except (ValueError, ZeroDivisionError):
        raise _refused("judgements must be numbers or fractions such as 1/3") from None
    size = len(DIMENSIONS)
    if len(found) != size or any(len(row) != size for row in found):
        raise _refused(f"judgements must be {size} rows of {size}")
    for row in range(size):
        for column in range(size):
            if found[row][column] <= 0 or abs(found[row][column] * found[column][row] - 1) > 1e-9:
                raise _refused("a judgement and the one that mirrors it must be positive and multiply to 1")
    return found


def _refused(message: str) -> PydanticCustomError:
    return PydanticCustomError("beta_set", "{message}", {"message": message})
