"""A component's model followed from the columns of the sources to its own, through every model between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from review.model.flows import (
    CLASSES_MAX,
    IDENTIFIER,
    SECRET,
    Flow,
    Records,
    Relation,
    Value,
)
from review.model.groups import SUBJECTS
from review.model.pseudonym import KEY_COLUMN, KEY_TABLE
from review.model.queries import Follower
from review.model.scopes import Notes
from review.model.statement import NotFollowed, Statement, statement_of
from review.model.under_review import ModelUnderReview, Table

REVEALING_ROLES = frozenset({IDENTIFIER, "quasi_identifier", "sensitive"})
"""A source table with a column of such a role is about somebody, and so is everything else in its records."""

PLACE_OF_A_RECORD = "_row"
"""With its batch it tells a record from all others, so of somebody's record it is an identifier."""

PASSES_MAX = 4
"""How often a model that reads its own last build is followed before its lineage must stand still."""


@dataclass(frozen=True)
class Trace:
    """What following a component's model gave.

    relation: its rows and columns, None where it could not be followed, and then `failure` says why; notes: what
    chooses, joins and groups rows in its own statement; statements: of every model that was needed, by table.
    """

    statements: Mapping[Table, Statement]
    notes: Notes
    relation: Relation | None
    failure: NotFollowed | None = None


def traced(model: ModelUnderReview) -> Trace:
    """Follow a component's model. Never raises for any SQL text that parses."""
    tracer = _Tracer(model)
    try:
        relation = tracer.component()
    except NotFollowed as failure:
        return Trace(tracer.statements, tracer.notes, None, failure)
    return Trace(tracer.statements, tracer.notes, relation)


def followed_tables(model: ModelUnderReview) -> dict[Table, Relation]:
    """The tables below a component as the vault's models make them; one that cannot be followed is left out."""
    tracer, found = _Tracer(model), {}
    for table in sorted(model.statements):
        try:
            found[table] = tracer.table(table)
        except NotFollowed:
            continue
    return found


class _Anything(dict[str, Value]):
    """The columns of a table before it was ever built: whatever is asked for, made from nothing."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Value:
        return Value()

    def get(self, name: str, default: Value | None = None) -> Value:  # type: ignore[override]
        return Value()


@dataclass
class _Tracer:
    model: ModelUnderReview
    notes: Notes = field(default_factory=Notes)
    statements: dict[Table, Statement] = field(default_factory=dict)
    relations: dict[Table, Relation] = field(default_factory=dict)
    building: dict[Table, Relation] = field(default_factory=dict)
    read_itself: set[Table] = field(default_factory=set)

    def component(self) -> Relation:
        statement = self._statement(self.model.table)
        if statement.tree is None:
            raise NotFollowed("a statement that cannot be read")
        follower = Follower(self._delivered, self.notes, self.model.minimum_group)
        return follower.followed(statement.tree, None)

    def table(self, table: Table) -> Relation:
        """A model below the component, or a source table."""
        return self._relation(table)

    def _statement(self, table: Table) -> Statement:
        if table not in self.statements:
            self.statements[table] = statement_of(self.model.statements.get(table, ""))
        return self.statements[table]

    def _relation(self, table: Table) -> Relation:
        """A source table, or a model below the component."""
        if table in self.building:
            self.read_itself.add(table)
            return self.building[table]
        if table not in self.relations:
            self.relations[table] = self._built(table) if table in self.model.statements else self._source(table)
        return self.relations[table]

    def _built(self, table: Table) -> Relation:
        tree = self._statement(table).tree
        if tree is None or table[0] == self.model.table[0]:
            raise NotFollowed(f"{'.'.join(table)}, which is no table that a component may read")
        relation = Relation(_Anything())
        for _ in range(PASSES_MAX):
            before, self.building[table] = relation, relation
            try:
                relation = Follower(self._relation, Notes(), self.model.minimum_group).followed(tree, None)
            except NotFollowed as failure:
                raise NotFollowed(f"{failure.what} in {'.'.join(table)}", failure.line) from None
            finally:
                del self.building[table]
            if table not in self.read_itself or dict(before.columns) == dict(relation.columns):
                return relation
        raise NotFollowed(f"{'.'.join(table)}, which is made from itself")

    def _source(self, table: Table) -> Relation:
        if table == KEY_TABLE:
            key = Flow((*table, KEY_COLUMN), SECRET, is_personal=True)
            return Relation({KEY_COLUMN: Value(frozenset({key})), "name": Value()})
        roles = self.model.roles.get(table)
        if roles is None:
            raise NotFollowed(f"{'.'.join(table)}, which is neither a source nor a model below the component")
        is_personal = bool(REVEALING_ROLES & set(roles.values()))
        columns = {
            name: Value(frozenset({Flow((*table, name), role, is_personal)}))
            for name, role in _with_place(roles, is_personal).items()
        }
        has_identifiers = IDENTIFIER in roles.values()
        return Relation(columns, frozenset({Records(table, is_personal, has_identifiers, frozenset(), _hidden(table))}))

    def _delivered(self, table: Table) -> Relation:
        """A table as the component finds it: what the vault's models sorted into classes is a classification."""
        relation = self._relation(table)
        unique = self.model.unique.get(table, frozenset()) & set(relation.columns)
        keys = {frozenset({_hidden(table)}), *(frozenset({column}) for column in unique)}
        return replace(_as_found(relation, table), keys=frozenset(keys), lookup=frozenset(unique))


def _with_place(roles: Mapping[str, str], is_personal: bool) -> dict[str, str]:
    return {**roles, PLACE_OF_A_RECORD: IDENTIFIER} if is_personal and PLACE_OF_A_RECORD in roles else dict(roles)


def _hidden(table: Table) -> str:
    return f"#{'.'.join(table)}"


def _as_found(relation: Relation, table: Table) -> Relation:
    records = frozenset(
        replace(each, scopes=_scopes_of(each.table, relation), key=_hidden(table)) for each in relation.records
    )
    return Relation(
        {name: _classified(value) for name, value in relation.columns.items()},
        records,
        branches=tuple(_as_found(branch, table) for branch in relation.branches),
    )


def _scopes_of(table: Table, relation: Relation) -> frozenset[str]:
    """The subject whose pseudonym rows carry; where they carry several, it is not known whom they are about."""
    found = {
        (flow.scope, flow.origin)
        for value in relation.columns.values()
        for flow in value.flows
        if flow.scope in SUBJECTS and flow.origin[:2] == table
    }
    return frozenset(scope for scope, _ in found) if len(found) == 1 else frozenset()


def _classified(value: Value) -> Value:
    flows = frozenset(
        replace(
            flow,
            is_classified=flow.detail == "condition" and 0 < flow.classes <= CLASSES_MAX,
            is_partial=False,
            is_settled=False,
            is_narrow=False,
            bounds=frozenset(),
        )
        for flow in value.flows
    )
    return Value(flows, constant=value.constant, is_delivered=True)
