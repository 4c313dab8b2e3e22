"""What the names in a query mean: its sources, its own output names, and the queries around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from review.model.flows import NONE, Flows, Records, Relation, Value, merged, passed, together
from review.model.statement import NotFollowed, line_of

Place = tuple[str, str]
"""(source, column) inside one query."""


@dataclass(frozen=True)
class Use:
    """Columns that choose, join, group or order rows. clause: such as WHERE; flows: what they come from."""

    clause: str
    line: int | None
    flows: Flows


@dataclass
class Notes:
    """What was seen on the way through one statement, beside its lineage."""

    uses: list[Use] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    unordered: list[str] = field(default_factory=list)


@dataclass
class Scope:
    """The names of one query while it is followed.

    sources: by alias; usings: columns that several sources share through USING; selected: output expressions by alias;
    windows: named ones; records, keys, is_chosen and is_mixed: of the sources joined, as of relations; is_correlated:
    whether it reads a row around it;
    following: aliases being looked up; ctes: common table expressions in force; known: values already followed, by the
    identity of the expression, so that none is followed twice; choice: what decides the rows.
    """

    sources: dict[str, Relation] = field(default_factory=dict)
    usings: dict[str, list[str]] = field(default_factory=dict)
    selected: dict[str, exp.Expr] = field(default_factory=dict)
    windows: dict[str, exp.Window] = field(default_factory=dict)
    records: frozenset[Records] = frozenset()
    keys: frozenset[frozenset[str]] = frozenset()
    is_chosen: bool = False
    is_mixed: bool = False
    parent: "Scope | None" = None
    is_correlated: bool = False
    following: set[str] = field(default_factory=set)
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    known: dict[int, tuple[exp.Expr, Value]] = field(default_factory=dict)
    choice: list[Flows] = field(default_factory=list)

    def place(self, column: exp.Column) -> Place | None:
        """Where a column of this query's own sources stands; None where it is no such column."""
        name, table = column.name.lower(), column.table.lower()
        if table:
            return (table, name) if table in self.sources and name in self.sources[table].columns else None
        if name in self.usings:
            return (self.usings[name][0], name)
        owners = [alias for alias, relation in self.sources.items() if name in relation.columns]
        if len(owners) > 1:
            raise NotFollowed(f"column {name} stands in several sources", line_of(column))
        return (owners[0], name) if owners else None

    def own(self, column: exp.Column) -> Value | None:
        """The value of a column of this query's sources; a whole source, and a field of a column, are all of it."""
        if len(column.parts) > 2:
            return self._field_of(str(column.parts[0].name).lower(), str(column.parts[1].name).lower())
        name, table = column.name.lower(), column.table.lower()
        if not table and name in self.usings:
            return together(self.sources[alias].columns[name] for alias in self.usings[name])
        place = self.place(column)
        if place is not None:
            return self.sources[place[0]].columns[place[1]]
        if table in self.sources:
            raise NotFollowed(f"column {name} of no known table", line_of(column))
        if table:
            return self._field_of(table)
        if not table and name in self.sources:
            return _packed(self.sources[name].columns)
        return None

    def _field_of(self, first: str, second: str | None = None) -> Value | None:
        """A field of a struct column, which tells what the column does."""
        if second is not None and first in self.sources:
            value = self.sources[first].columns.get(second)
        else:
            owners = [relation for relation in self.sources.values() if first in relation.columns]
            value = owners[0].columns[first] if len(owners) == 1 else None
        return Value(passed(value.flows, "struct_extract"), value.is_fixed) if value is not None else None


def _packed(columns: Mapping[str, Value]) -> Value:
    flows = merged(*(value.flows for value in columns.values())) if columns else NONE
    return Value(passed(flows, "struct_pack"), all(value.is_fixed for value in columns.values()))
