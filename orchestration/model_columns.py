"""The output columns of a model, read from its SQL alone, so that a suite is checked before anything is built."""

import re
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{\{\s*config\(.*?\)\s*\}\}", re.DOTALL)
_QUERY_MACRO = re.compile(r"\(\s*\{\{.*?\}\}\s*\)", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def model_columns(path: Path) -> tuple[str, ...] | None:
    """Names of the columns of a model's last select, in order; None where the SQL alone does not tell them.

    Macros are not run: each stands in for one expression, which is all that names need.
    """
    if not path.is_file():
        return None
    text = _STATEMENT.sub("", _COMMENT.sub("", path.read_text(encoding="utf-8")))
    text = _EXPRESSION.sub("x", _QUERY_MACRO.sub("(select * from x)", text))
    try:
        statement = sqlglot.parse_one(text, dialect="duckdb")
    except SqlglotError:
        return None
    return _names(statement, {cte.alias: cte.this for cte in statement.find_all(exp.CTE)})


def _names(query: exp.Expression, known: dict[str, exp.Expression]) -> tuple[str, ...] | None:
    while isinstance(query, exp.SetOperation):
        query = query.this
    if not isinstance(query, exp.Select):
        return None
    names: list[str] = []
    for select in query.selects:
        if select.is_star:
            below = _names_below(query, select, known)
            if below is None:
                return None
            names += below
        else:
            names.append(select.alias_or_name)
    return tuple(names)


def _names_below(query: exp.Select, star: exp.Expression, known: dict[str, exp.Expression]) -> tuple[str, ...] | None:
    """The columns that a star stands for, where it reads one common table expression."""
    tables = {table.alias_or_name: table.name for table in query.find_all(exp.Table) if table.parent_select is query}
    wanted = [tables.get(star.table)] if isinstance(star, exp.Column) and star.table else list(tables.values())
    if len(wanted) != 1 or wanted[0] not in known:
        return None
    return _names(known[wanted[0]], {name: below for name, below in known.items() if name != wanted[0]})
