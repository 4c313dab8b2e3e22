"""One SELECT followed: its sources brought together, its rows chosen, its groups made, its columns taken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from review.model.expressions import Expressions, is_total
from review.model.flows import (
    EVERYBODY,
    PERSONAL_ROLES,
    Grouping,
    Records,
    Relation,
    Value,
    covered,
    covered_records,
    flows_of,
    merged,
    settled,
)
from review.model.groups import (
    alike_places,
    cover_siblings,
    minimum_said,
    miscounted,
    require_minimum,
    windowed_minimum,
)
from review.model.joins import (
    Links,
    equalities,
    first_source,
    join_kind_is_known,
    join_source,
    parts_of,
    places_in,
)
from review.model.outputs import Outputs
from review.model.parts import SELECT_PARTS, only
from review.model.scopes import Notes, Place, Scope
from review.model.statement import NotFollowed, line_of
from review.model.unions import pruned

NO_RECORDS: frozenset[Records] = frozenset()

Source = Callable[[exp.Expr, Scope], tuple[str, Relation]]
"""Gives what a query selects from: its alias and its relation."""


@dataclass
class Selection:
    """A SELECT while it is followed.

    source: follows what it selects from; links: what is known of the sources joined; joined: by alias, whether a source
    was joined by a subject's pseudonym.
    """

    select: exp.Select
    scope: Scope
    expressions: Expressions
    source: Source
    links: Links = field(default_factory=Links)
    joined: dict[str, bool] = field(default_factory=dict)

    @property
    def notes(self) -> Notes:
        """Where uses of columns are written down."""
        return self.expressions.notes

    def relation(self) -> Relation:
        """The relation that the SELECT gives."""
        only(self.select, SELECT_PARTS, "a query")
        scope = self.scope
        if self.select.args.get("from_") is not None:
            self._from()
        scope.selected = {
            each.alias.lower(): each.this for each in self.select.expressions if isinstance(each, exp.Alias)
        }
        if self.select.args.get("where") is not None:
            self._where(self.select.args["where"].this)
        cover_siblings(scope, self.links)
        scope.is_mixed = scope.is_mixed or self._is_mixed()
        for window in self.select.args.get("windows") or []:
            scope.windows[window.name.lower()] = window
        outputs = Outputs(self.select, scope, self.expressions)
        is_grouped = self.select.args.get("group") is not None or outputs.has_aggregate()
        return self._grouped(outputs) if is_grouped else self._plain(outputs)

    def _from(self) -> None:
        scope = self.scope
        alias, relation = self._found(self.select.args["from_"].this)
        first_source(scope, alias, relation)
        self.joined[alias] = True
        for join in self.select.args.get("joins") or []:
            join_kind_is_known(join)
            alias, relation = self._found(join.this)
            earlier = dict(scope.sources)
            scope.sources[alias] = relation
            pairs = self._joined_on(join, alias, earlier)
            self.joined[alias] = any(self._is_subject(place) for place, _ in pairs)
            scope.is_mixed = scope.is_mixed or relation.is_mixed
            join_source(scope, self.links, alias, join, pairs, relation)
            if str(join.args.get("kind") or "").upper() in ("SEMI", "ANTI"):
                del scope.sources[alias]
                scope.usings = {name: [each for each in of if each != alias] for name, of in scope.usings.items()}

    def _found(self, node: exp.Expr) -> tuple[str, Relation]:
        """A source, without the branches that WHERE leaves out; one of a single row is the same for all rows."""
        alias, relation = self.source(node, self.scope)
        where = self.select.args.get("where")
        relation = pruned(relation, alias, parts_of(where.this if where is not None else None))
        tables = frozenset(each.table for each in relation.records)
        is_fixed = relation.is_single and not relation.is_correlated
        if not is_fixed and {flow.origin[:2] for flow in flows_of(relation)} <= tables:
            return alias, relation
        columns = {
            name: replace(value, flows=settled(value.flows, tables), is_fixed=value.is_fixed or is_fixed)
            for name, value in relation.columns.items()
        }
        return alias, replace(relation, columns=columns)

    def _joined_on(self, join: exp.Join, alias: str, earlier: Mapping[str, Relation]) -> list[tuple[Place, Place]]:
        """Follow the condition of a join; the pairs of columns that it holds equal."""
        scope = self.scope
        pairs = []
        for identifier in join.args.get("using") or []:
            name = identifier.name.lower()
            owners = scope.usings.get(name) or [each for each, known in earlier.items() if name in known.columns]
            is_known = bool(owners) and (name in scope.usings or len(owners) == 1)
            if not is_known or name not in scope.sources[alias].columns:
                raise NotFollowed(f"USING {name}, which does not stand in both sources", line_of(join))
            one, other = (exp.column(identifier.copy(), table=source) for source in (owners[0], alias))
            condition = exp.EQ(this=one, expression=other)
            self.expressions.use("JOIN", condition, scope)
            pairs.append(((owners[0], name), (alias, name)))
            scope.usings[name] = [*owners, alias]
        if join.args.get("on") is not None:
            self.expressions.use("JOIN", join.args["on"], scope)
            pairs += list(equalities(join.args["on"], scope))
        return [pair for pair in pairs if alias in (pair[0][0], pair[1][0])]

    def _at(self, place: Place) -> Value:
        return self.scope.sources[place[0]].columns[place[1]]

    def _is_subject(self, place: Place | None) -> bool:
        """Whether a place is a subject's pseudonym."""
        flows = self._at(place).flows if place is not None else frozenset()
        return bool(flows) and all(flow.scope and flow.detail == "identity" for flow in flows)

    def _is_mixed(self) -> bool:
        """Whether a row brings together what belongs to few, and not to the same: joined by no pseudonym of theirs.

        A column that equals one of another source brings nothing.
        """
        has_few = False
        for alias, relation in self.scope.sources.items():
            few = [name for name, value in relation.columns.items() if self._is_of_few(value)]
            brings = any(self.links.same((alias, name)) == {(alias, name)} for name in few)
            if has_few and brings and not self.joined[alias]:
                return True
            has_few = has_few or bool(few)
        return False

    def _is_of_few(self, value: Value) -> bool:
        return any(flow.is_personal and flow.subjects < self.expressions.minimum_group for flow in value.flows)

    def _where(self, condition: exp.Expr) -> None:
        scope = self.scope
        self.expressions.use("WHERE", condition, scope)
        for one, other in equalities(condition, scope):
            self.links.add(one, other)
        for part in parts_of(condition):
            said = minimum_said(part)
            place = scope.place(said[0]) if said is not None and isinstance(said[0], exp.Column) else None
            if said is None or place is None or not require_minimum(scope, place, said[1]):
                self.links.cut(places_in(part, scope))
                scope.is_chosen = scope.is_chosen or not (self._keeps_all(part) or not self._reads_personal(part))

    def _keeps_all(self, part: exp.Expr) -> bool:
        """Whether a condition leaves out only what is not there, or what a flag of the vault says is not sound."""
        asked = part
        if isinstance(part, exp.Not) and isinstance(part.this, exp.Is) and isinstance(part.this.expression, exp.Null):
            asked = part.this.this
        place = self.scope.place(asked) if isinstance(asked, exp.Column) else None
        if place is None or not self._at(place).is_delivered:
            return False
        return asked is not part or not any(flow.role in PERSONAL_ROLES for flow in self._at(place).flows)

    def _reads_personal(self, part: exp.Expr) -> bool:
        if part.find(exp.Query) is not None:
            return True  # asked of a subquery, which is followed only once
        return any(flow.is_personal for flow in self.expressions.value(part, self.scope).flows)

    def _plain(self, outputs: Outputs) -> Relation:
        scope, select = self.scope, self.select
        alike, subjects = alike_places(scope, self.links)
        qualify = select.args.get("qualify")
        if qualify is not None:
            self.expressions.use("QUALIFY", qualify.this, scope)
            alike, subjects = windowed_minimum(qualify.this, scope, self.expressions.minimum_group)
            scope.is_chosen = True
        values, places = outputs.values(), outputs.places()
        makes_rows = outputs.makes_rows()
        is_cut = self._is_cut(outputs, ()) or select.args.get("distinct") is not None
        keys = frozenset() if makes_rows else _kept_keys(scope.keys, places)
        relation = Relation(
            values,
            scope.records,
            keys | {frozenset(values)} if select.args.get("distinct") is not None else keys,
            is_single=not makes_rows and all(each.is_single for each in scope.sources.values()),
            is_chosen=scope.is_chosen or is_cut,
            alike=frozenset() if is_cut else outputs.alike(alike),
            alike_subjects=0 if is_cut else subjects,
            choice=merged(*scope.choice),
            is_correlated=scope.is_correlated,
            is_mixed=scope.is_mixed,
        )
        is_pure = len(scope.sources) == 1 and not is_cut and not makes_rows and qualify is None
        return _taken(relation, *scope.sources.values(), places=places, select=select) if is_pure else relation

    def _grouped(self, outputs: Outputs) -> Relation:
        scope, select = self.scope, self.select
        keys = outputs.group_keys()
        for key in keys:
            self.expressions.use("GROUP BY", key, scope)
        subjects = self._having(outputs)
        if select.args.get("qualify") is not None:
            self.expressions.use("QUALIFY", select.args["qualify"].this, scope)
            scope.is_chosen = True
        if not keys and not scope.is_chosen and not scope.is_correlated:
            subjects = max(subjects, EVERYBODY)
        places = [scope.place(key) for key in keys if isinstance(key, exp.Column)]
        are_known = all(each.scopes for each in scope.records if each.is_personal and each.has_identifiers)
        is_own = are_known and not scope.is_mixed and any(map(self._is_subject, places))
        values = {name: _in_group(value, subjects, is_own) for name, value in outputs.values().items()}
        is_cut = self._is_cut(outputs, keys)
        columns = outputs.key_columns(keys)
        is_keyed = bool(keys) and len(columns) == len(keys) and not outputs.makes_rows()
        records = frozenset(replace(each, key="group") for each in covered_records(scope.records, subjects))
        return Relation(
            values,
            records if keys else NO_RECORDS,
            frozenset({frozenset(columns)}) if is_keyed else frozenset(),
            is_single=not keys and not outputs.makes_rows(),
            is_chosen=scope.is_chosen or is_cut or select.args.get("having") is not None,
            grouping=self._grouping(columns, outputs.places(), subjects) if is_keyed and not is_cut else None,
            choice=merged(*scope.choice),
            is_correlated=scope.is_correlated,
            is_mixed=scope.is_mixed,
        )

    def _having(self, outputs: Outputs) -> int:
        """The subjects that HAVING asks for at least, 0 where it does not."""
        having = self.select.args.get("having")
        if having is None:
            return 0
        self.expressions.use("HAVING", having.this, self.scope)
        subjects = 0
        for part in parts_of(having.this):
            said = minimum_said(part)
            if said is None:
                continue
            counted = outputs.meant(said[0])
            problem = miscounted(counted, self.scope, self.expressions.minimum_group)
            if problem is None:
                subjects = max(subjects, said[1])
            elif isinstance(counted, exp.Count):
                self.notes.groups.append(f"on line {line_of(having)} {problem}")
        return subjects

    def _grouping(self, columns: Sequence[str], places: Mapping[str, Place], subjects: int) -> Grouping | None:
        """What the groups are groups of, where they are of one source by columns of it."""
        if len(self.scope.sources) != 1 or not set(columns) <= set(places):
            return None
        (source,) = self.scope.sources.values()
        keys = {column: places[column][1] for column in columns}
        return Grouping(source, keys, subjects, self.select.args.get("where") is None)

    def _is_cut(self, outputs: Outputs, keys: Sequence[exp.Expr]) -> bool:
        """Follow ORDER BY and DISTINCT ON; whether only some rows are taken, and whether chance says which.

        keys: of the groups, where the rows are groups.
        """
        select, scope = self.select, self.scope
        order = outputs.ordered_by()
        for each in order:
            if isinstance(each, exp.Column) and each.name.lower() == "all" and scope.place(each) is None:
                continue
            self.expressions.use("ORDER BY", each, scope)
        distinct = select.args.get("distinct")
        on = distinct.args["on"].expressions if distinct is not None and distinct.args.get("on") is not None else []
        for each in on:
            self.expressions.use("DISTINCT ON", each, scope)
        is_limited = bool(on) or any(select.args.get(part) is not None for part in ("limit", "offset"))
        texts = {outputs.text(each) for each in (*on, *order)}
        is_ordered = set(map(outputs.text, keys)) <= texts if keys else is_total([*on, *order], scope)
        if is_limited and not is_ordered:
            what, line = "DISTINCT ON" if on else "LIMIT", line_of(select)
            self.notes.unordered.append(f"{what} without an order that tells every row from the others (line {line})")
        return is_limited or select.args.get("sample") is not None


def _in_group(value: Value, subjects: int, is_own: bool) -> Value:
    """A value of groups: of a part of a group that a condition picked, it is not known how many stand behind it."""
    flows = frozenset(
        replace(
            flow,
            is_own=flow.is_own or (is_own and flow.is_aggregated),
            is_settled=flow.is_settled or (flow.is_partial and flow.is_aggregated and not is_own),
            is_partial=flow.is_partial and not (is_own and flow.is_aggregated),
        )
        for flow in value.flows
    )
    return replace(value, flows=covered(flows, subjects))


def _taken(relation: Relation, source: Relation, *, places: Mapping[str, Place], select: exp.Select) -> Relation:
    """What else is known of a relation whose rows are those of one source, of which it takes columns."""
    columns = {name: column for name, (_, column) in places.items()}
    relation = replace(relation, lookup=frozenset(name for name in columns if columns[name] in source.lookup))
    if select.args.get("where") is not None:
        return relation
    if source.branches and len(columns) == len(relation.columns):
        branches = tuple(
            Relation({name: branch.columns[column] for name, column in columns.items()}, branch.records)
            for branch in source.branches
        )
        relation = replace(relation, branches=branches)
    if source.grouping is not None:
        keys = {
            name: source.grouping.keys[column] for name, column in columns.items() if column in source.grouping.keys
        }
        if set(keys.values()) == set(source.grouping.keys.values()):
            relation = replace(relation, grouping=replace(source.grouping, keys=keys))
    return relation


def _kept_keys(keys: frozenset[frozenset[str]], places: Mapping[str, Place]) -> frozenset[frozenset[str]]:
    """Keys whose columns are all among the outputs, by their names there; hidden ones are always kept."""
    names = {".".join(place): name for name, place in places.items()}
    return frozenset(
        frozenset(names.get(part, part) for part in key)
        for key in keys
        if all(part in names or "#" in part for part in key)
    )
