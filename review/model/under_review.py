"""What the model review is given: the compiled SQL of a component and of all models below it, and what is known of the
columns they start from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Table = tuple[str, str]
"""(schema, table), such as ("resource", "person")."""

COMPONENTS = "components"
"""Schema of the components' tables."""

MICRODATA = frozenset({"person", "enterprise", "event"})
"""Subjects of contracts whose rows each stand for one subject."""


@dataclass(frozen=True)
class NoiseClaim:
    """The differential privacy that a model declares.

    mechanism: what draws the noise; epsilon: the budget of one release, above 0; delta: below 1; unit_of_privacy: what
    one change of the data may touch, such as "person"; cells: SQL of the rows that there are; figures: by noisy column
    the SQL of who contributes what to it; counts: those that count contributors and sum nothing. Source: models §7
    (DP), NIST SP 800-226.
    """

    mechanism: str
    epsilon: float
    delta: float
    unit_of_privacy: str
    cells: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)
    counts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ModelUnderReview:
    """A component's model with all that its lineage needs.

    name: the component; statements: compiled SQL of the component, under ("components", name), and of every model
    below it; roles: of the columns of the source tables, as the contracts say; unique: by table the columns whose
    values the vault's own tests hold to be unique; columns: the contract's columns with their roles, in any order;
    grain: columns that name a row; subject: what a row stands for; minimum_group: fewest subjects behind a row;
    release_tier: sandbox, market or public; noise: what is declared where figures are said to be noisy.
    """

    name: str
    statements: Mapping[Table, str]
    roles: Mapping[Table, Mapping[str, str]]
    unique: Mapping[Table, frozenset[str]]
    columns: Mapping[str, str]
    grain: tuple[str, ...]
    subject: str
    minimum_group: int
    release_tier: str
    noise: NoiseClaim | None = None

    @property
    def table(self) -> Table:
        """The component's own table."""
        return (COMPONENTS, self.name)

    @property
    def is_microdata(self) -> bool:
        """Whether the contract says that a row stands for one subject."""
        return self.subject in MICRODATA
