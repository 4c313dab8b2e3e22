"""What a component counts and by what, written out down to the vault's tables, whatever its columns are called.

Two components whose cells are made alike can be subtracted from each other cell by cell; so they are compared under the
text that is made here, and not under names that an author chooses. What cannot be written out is like nothing but
itself, and its cells are compared as the sets of entities they are. Source: models §7 (differencing).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from review.model.statement import statement_of
from review.model.under_review import ModelUnderReview, Table

TOKEN_DIGITS = 16


class NotWrittenOut(Exception):
    """A construct whose columns are not followed here: a union, a window, a subquery, a name of no known table."""


@dataclass(frozen=True)
class _Query:
    """A select and the common table expressions in force in it."""

    select: exp.Select
    ctes: Mapping[str, exp.Expr]


def lineage_of(model: ModelUnderReview, entities: str, counts: Sequence[str]) -> str:
    """What the cells of a component count, by what, and who is told to stand in them: hashes of the expressions as they
    are written out, `COUNT, ... by GRAIN, ... as ENTITIES`.

    entities: the statement that names who stands in which cell; counts: the columns that count them. Equal texts of two
    components mean cells that are made alike, so that a cell's name is the same cell in both.
    """
    own = _query_of(model)
    counted = sorted(_token(model, own, name) for name in counts) or ["rows"]
    grain = sorted(_token(model, own, name) for name in model.grain)
    return f"{', '.join(counted)} by {', '.join(grain)} as {_token_of_entities(model, own, entities)}"


def _query_of(model: ModelUnderReview) -> _Query | None:
    tree = statement_of(model.statements.get(model.table, "")).tree
    return _Query(tree, {}) if isinstance(tree, exp.Select) else None


def _token(model: ModelUnderReview, own: _Query | None, column: str) -> str:
    try:
        return _hash(_text(_column(own, column.lower())))
    except NotWrittenOut:
        return _hash(model.statements.get(model.table, ""), column)


def _token_of_entities(model: ModelUnderReview, own: _Query | None, statement: str) -> str:
    """Of the whole query: what it joins and leaves out decides who is in a cell as much as the cell's name does."""
    try:
        tree = statement_of(statement).tree
        if not isinstance(tree, exp.Select):
            raise NotWrittenOut
        return _hash(_text(_without_names(tree, own, model.table)))
    except NotWrittenOut:
        return _hash(statement, model.statements.get(model.table, ""))


def _without_names(tree: exp.Select, own: _Query | None, own_table: Table) -> exp.Expr:
    """A select over tables alone, with every column written out and no alias of a table left."""
    query = _Query(tree, {})
    tables = list(tree.find_all(exp.Table))
    names = [(table.db, table.name) for table in tables]
    using = any(join.args.get("using") or join.args.get("method") for join in tree.find_all(exp.Join))
    if tree.ctes or len(set(names)) < len(names) or using or tree.find(exp.Subquery, exp.Star):
        raise NotWrittenOut

    def followed(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        source = _source_of(node, query)
        if isinstance(source, exp.Table) and (source.db, source.name) == own_table:
            return exp.paren(_column(own, node.name.lower()))
        return _followed(node, query)

    selected = tree.copy().transform(followed)
    for table in selected.find_all(exp.Table):
        table.set("alias", None)
        table.set("catalog", None)
        if (table.db, table.name) == own_table:
            table.set("this", exp.to_identifier("rows"))
    return selected


def _column(query: _Query | None, name: str) -> exp.Expr:
    """An output column of a query as an expression over columns of the vault's tables."""
    if query is None:
        raise NotWrittenOut
    for selected in query.select.selects:
        if not selected.is_star and selected.alias_or_name.lower() == name:
            return _expanded(selected.unalias(), query)
    sources = dict(_sources(query))
    if len(sources) == 1 and any(selected.is_star for selected in query.select.selects):
        return _of_source(next(iter(sources.values())), name, query)
    raise NotWrittenOut


def _expanded(node: exp.Expr, query: _Query) -> exp.Expr:
    if node.find(exp.Window, exp.Query, exp.Star) and not isinstance(node, exp.Count):
        raise NotWrittenOut
    return node.copy().transform(lambda part: _followed(part, query) if isinstance(part, exp.Column) else part)


def _followed(column: exp.Column, query: _Query) -> exp.Expr:
    written = _of_source(_source_of(column, query), column.name.lower(), query)
    return written if isinstance(written, exp.Column) else exp.paren(written)


def _source_of(column: exp.Column, query: _Query) -> exp.Expr:
    sources = dict(_sources(query))
    if len(column.parts) > 2 or (column.table and column.table.lower() not in sources):
        raise NotWrittenOut
    if column.table:
        return sources[column.table.lower()]
    if len(sources) != 1:
        raise NotWrittenOut
    return next(iter(sources.values()))


def _sources(query: _Query) -> Iterator[tuple[str, exp.Expr]]:
    """What a select reads, by alias."""
    read = [query.select.args.get("from_"), *(query.select.args.get("joins") or [])]
    for each in read:
        if each is not None:
            yield each.this.alias_or_name.lower(), each.this


def _of_source(source: exp.Expr, name: str, query: _Query) -> exp.Expr:
    """A column of a table of the vault, of a common table expression, or of a subquery that is read."""
    if isinstance(source, exp.Table) and source.db:
        return exp.column(name, table=source.name.lower(), db=source.db.lower())
    known = {**query.ctes, **{cte.alias.lower(): cte.this for cte in query.select.ctes}}
    if isinstance(source, exp.Table) and source.name.lower() in known:
        below = known.pop(source.name.lower())
    elif isinstance(source, exp.Subquery):
        below = source.this
    else:
        raise NotWrittenOut
    if not isinstance(below, exp.Select):
        raise NotWrittenOut
    return _column(_Query(below, known), name)


def _text(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb", comments=False, normalize_functions="lower")


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:TOKEN_DIGITS]
