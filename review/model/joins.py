"""The sources of a query brought together: which rows may come twice, and which columns are equal."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from review.model.flows import IDENTIFIER, Records, Relation, covered_relation
from review.model.scopes import Place, Scope
from review.model.statement import NotFollowed, line_of

KEYS_MAX = 16
"""Keys of a join that are remembered; to forget one can only make a verdict stricter."""


@dataclass
class Links:
    """What holds in every row that a query gives.

    equal: each place with those it equals; nullable: sources whose rows may be missing; cuts: places by whose values
    rows were left out, None where they cannot be told.
    """

    equal: dict[Place, set[Place]] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    cuts: set[Place] | None = field(default_factory=set)

    def add(self, one: Place, other: Place) -> None:
        """Two places are equal, and so is all that equals either."""
        together = self.equal.get(one, {one}) | self.equal.get(other, {other})
        for place in together:
            self.equal[place] = together

    def same(self, place: Place) -> set[Place]:
        """All places equal to one."""
        return self.equal.get(place, {place})

    def cut(self, places: set[Place] | None) -> None:
        """Rows were left out by the values of these places."""
        self.cuts = None if places is None or self.cuts is None else self.cuts | places


def parts_of(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all must hold."""
    if isinstance(condition, (exp.And, exp.Paren)):
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition.this]:
            yield from parts_of(part)
    elif condition is not None:
        yield condition


def equalities(
    condition: exp.Expr | None, scope: Scope, kinds: tuple[type[exp.Expr], ...] = (exp.EQ,)
) -> Iterator[tuple[Place, Place]]:
    """Pairs of columns of different sources that a condition holds equal; `kinds`: by which comparisons."""
    for part in parts_of(condition):
        if isinstance(part, kinds) and isinstance(part.this, exp.Column) and isinstance(part.expression, exp.Column):
            one, other = scope.place(part.this), scope.place(part.expression)
            if one is not None and other is not None and one[0] != other[0]:
                yield one, other


def places_in(node: exp.Expr, scope: Scope) -> set[Place] | None:
    """The places that an expression names; None where it asks a subquery, or a row around the query."""
    if node.find(exp.Query) is not None:
        return None
    places = set()
    for column in node.find_all(exp.Column):
        place = scope.place(column)
        if place is None:
            return None
        places.add(place)
    return places


def first_source(scope: Scope, alias: str, relation: Relation) -> None:
    """Begin with one source."""
    scope.sources[alias] = relation
    scope.keys = _prefixed(alias, relation.keys)
    scope.records = _of(alias, relation)
    scope.is_chosen, scope.is_mixed = relation.is_chosen, relation.is_mixed
    scope.choice.append(relation.choice)


def join_source(
    scope: Scope, links: Links, alias: str, join: exp.Join, pairs: list[tuple[Place, Place]], relation: Relation
) -> None:
    """Join one more source, which is already among the scope's sources."""
    kind = str(join.args.get("kind") or "").upper()
    side = str(join.args.get("side") or "").upper()
    mine = {(place[1] if place[0] == alias else other[1]) for place, other in pairs}
    theirs = {".".join(other if place[0] == alias else place) for place, other in pairs}
    relation = _looked_up(scope, alias, pairs, relation, side)
    scope.sources[alias] = relation
    is_unique = relation.is_single or any(key <= mine for key in relation.keys)
    keys, records = _prefixed(alias, relation.keys), _of(alias, relation)
    scope.choice.append(relation.choice)
    scope.is_chosen = scope.is_chosen or relation.is_chosen
    if kind in ("SEMI", "ANTI"):
        scope.is_chosen = True
    elif side == "LEFT":
        links.nullable.add(alias)
        scope.records, scope.keys = scope.records | records, scope.keys if is_unique else _both(scope.keys, keys)
        scope.is_chosen = scope.is_chosen or any(each.is_personal for each in records)
    elif side in ("RIGHT", "FULL"):
        links.nullable |= set(scope.sources)
        scope.records, scope.keys, scope.is_chosen = scope.records | records, frozenset(), True
    else:
        is_left_unique = any(key <= theirs for key in scope.keys)
        kept = (scope.keys if is_unique else frozenset()) | (keys if is_left_unique else frozenset())
        scope.records, scope.keys = scope.records | records, kept or _both(scope.keys, keys)
        scope.is_chosen = scope.is_chosen or not relation.is_single
        for one, other in [*pairs, *equalities(join.args.get("on"), scope, (exp.NullSafeEQ,))]:
            links.add(one, other)
    _cut(scope, links, alias, join, kind, side)


def _cut(scope: Scope, links: Links, alias: str, join: exp.Join, kind: str, side: str) -> None:
    """Which of the earlier sources' rows a join may leave out: those that it does not find by these places."""
    if side in ("RIGHT", "FULL") or scope.sources[alias].is_correlated:
        links.cut(None)
    elif side != "LEFT" or kind in ("SEMI", "ANTI"):
        named = places_in(join.args["on"], scope) if join.args.get("on") is not None else set()
        using = {(scope.usings[each.name.lower()][0], each.name.lower()) for each in join.args.get("using") or []}
        links.cut(None if named is None else {place for place in named | using if place[0] != alias})


def _looked_up(scope: Scope, alias: str, pairs: list[tuple[Place, Place]], relation: Relation, side: str) -> Relation:
    """A source looked up by a column that it holds unique stands for as many subjects as what it is looked up by.

    It is a property of the group then, not of a member of it: whatever it says is the same for all who share the key.
    A key that is somebody's identifier or pseudonym is that one's own.
    """
    if side in ("RIGHT", "FULL") or not relation.lookup:
        return relation
    for one, other in pairs:
        own, theirs = (one, other) if one[0] == alias else (other, one)
        value = scope.sources[theirs[0]].columns[theirs[1]]
        personal = [flow.subjects for flow in value.flows if flow.is_personal]
        behind = [each.subjects for each in scope.records if each.is_personal]
        is_somebody = any(flow.role == IDENTIFIER for flow in value.flows)
        if own[1] in relation.lookup and not is_somebody and personal and behind and min(personal + behind) > 0:
            return covered_relation(relation, min(personal + behind), aggregates=False)
    return relation


def _of(alias: str, relation: Relation) -> frozenset[Records]:
    return frozenset(replace(each, key=f"{alias}.{each.key}") for each in relation.records)


def _prefixed(alias: str, keys: frozenset[frozenset[str]]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(f"{alias}.{name}" for name in key) for key in keys)


def _both(one: frozenset[frozenset[str]], other: frozenset[frozenset[str]]) -> frozenset[frozenset[str]]:
    pairs = sorted((left | right for left in one for right in other), key=lambda key: (len(key), sorted(key)))
    return frozenset(pairs[:KEYS_MAX])


def join_kind_is_known(join: exp.Join) -> None:
    """Raises NotFollowed for a join of another kind than those that the analysis knows."""
    allowed = {"this", "on", "side", "kind", "using"}
    more = {name for name, value in join.args.items() if value} - allowed
    kind, side = (str(join.args.get(name) or "").upper() for name in ("kind", "side"))
    more = {str(value).lower() if name == "method" else name for name, value in join.args.items() if name in more}
    if more or kind not in ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI") or side not in ("", "LEFT", "RIGHT", "FULL"):
        raise NotFollowed(f"a {' '.join([*sorted(more), side, kind]).strip().lower()} join", line_of(join))
