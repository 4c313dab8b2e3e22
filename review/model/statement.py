"""A compiled model as one statement that two parsers agree on: sqlglot's, which the analysis follows, and the engine's
own, which says what would really run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from review.model.functions import kind_of

LENGTH_MAX = 1_000_000
"""Characters of a statement."""

DEPTH_MAX = 150
"""Parentheses and CASEs within one another; a compiled model has about a dozen."""

TOO_DEEP = f"it is nested more than {DEPTH_MAX} deep"

ENGINE_CLASSES = frozenset(
    {
        *("FUNCTION", "WINDOW", "COLUMN_REF", "CONSTANT", "CASE", "CAST", "COMPARISON", "CONJUNCTION", "OPERATOR"),
        *("SUBQUERY", "STAR", "BETWEEN"),
    }
)
"""Classes of expressions in the engine's tree that a model may use; lambdas, parameters and positions are not."""

ENGINE_TABLES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST"})
"""Kinds of things to select from."""

NAMES: dict[type[exp.Expr], str] = {
    exp.DPipe: "||", exp.Add: "+", exp.Sub: "-", exp.Neg: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//",
    exp.Mod: "%", exp.Pow: "**", exp.BitwiseNot: "~", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "xor",
    exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>", exp.Array: "list_value", exp.Struct: "struct_pack",
    exp.Tuple: "row", exp.Bracket: "array_extract", exp.Dot: "struct_extract", exp.ArrayAgg: "list",
    exp.ArrayConcat: "list_concat", exp.ArrayContains: "list_contains", exp.ArrayDistinct: "list_distinct",
    exp.ArraySort: "list_sort", exp.BitwiseAndAgg: "bit_and", exp.BitwiseOrAgg: "bit_or",
    exp.BitwiseXorAgg: "bit_xor", exp.DateBin: "time_bucket", exp.DateDiff: "date_diff",
    exp.DateFromParts: "make_date", exp.DayOfMonth: "dayofmonth", exp.DayOfWeek: "dayofweek",
    exp.DayOfWeekIso: "isodow", exp.DayOfYear: "dayofyear", exp.GroupConcat: "string_agg", exp.IsInf: "isinf",
    exp.IsNan: "isnan", exp.JSONArray: "json_array", exp.JSONObject: "json_object", exp.JSONExtract: "json_extract",
    exp.JSONExtractScalar: "json_extract_string", exp.LogicalAnd: "bool_and", exp.LogicalOr: "bool_or",
    exp.Pad: "lpad", exp.ParseJSON: "json", exp.RegexpLike: "regexp_matches",
    exp.RegexpFullMatch: "regexp_full_match", exp.SHA: "sha1", exp.SHA2: "sha256", exp.Split: "string_split",
    exp.StrToTime: "strptime", exp.TimeFromParts: "make_time", exp.TimeToStr: "strftime", exp.TimeToUnix: "epoch",
    exp.TimestampFromParts: "make_timestamp", exp.TimestampTrunc: "date_trunc", exp.Unhex: "from_hex",
    exp.UnixToTime: "to_timestamp", exp.WeekOfYear: "weekofyear", exp.AtTimeZone: "timezone", exp.Cast: "cast",
    exp.TryCast: "try_cast", exp.Extract: "extract", exp.StrPosition: "strpos", exp.Interval: "to_days",
    exp.CurrentVersion: "version", exp.Rand: "random", exp.VariancePop: "var_pop",
    exp.GenerateSeries: "generate_series",
    exp.Explode: "unnest", exp.Concat: "concat", exp.ToBase64: "to_base64", exp.FromBase64: "from_base64",
    exp.DenseRank: "dense_rank", exp.RowNumber: "row_number", exp.ToMap: "map",
}  # fmt: skip
"""The engine's names of what sqlglot calls otherwise, or writes as an operator."""


class NotFollowed(Exception):
    """Something that the analysis does not follow; so the model is refused. No value of the statement is in its text.

    what: names the construct; line: in the compiled statement, None where it is not known.
    """

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what, line)
        self.what = what
        self.line = line

    def __str__(self) -> str:
        return f"{self.what}, line {self.line}" if self.line else self.what


@dataclass(frozen=True)
class Statement:
    """A model that parses. faults: causes for which its form alone refuses it; tree: None where there is none."""

    tree: exp.Query | None
    faults: tuple[str, ...] = ()


def name_of(node: exp.Expr) -> str:
    """The engine's name of a function or an operator."""
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if type(node) in NAMES:
        return NAMES[type(node)]
    return str(node.sql_name()).lower() if isinstance(node, exp.Func) else type(node).__name__.lower()


def line_of(node: exp.Expr) -> int | None:
    """The line on which a part of a statement begins, as far as the parser keeps it."""
    for each in node.walk():
        line = each.meta.get("line")
        if line is not None:
            return int(line)
    return None


@lru_cache(maxsize=512)
def statement_of(sql: str) -> Statement:
    """Parse a compiled model, and say what is wrong with its form. Never raises for any text."""
    if len(sql) > LENGTH_MAX:
        return Statement(None, (f"it is longer than {LENGTH_MAX} characters",))
    if any(ord(character) < 32 and character not in "\n\t\r" for character in sql) or "\r" in sql.replace("\r\n", "\n"):
        return Statement(None, ("it holds control characters, at which parsers disagree",))
    engine, faults = _parsed_by_engine(sql)
    if engine is None:
        return Statement(None, faults)
    try:
        if _depth(sql) > DEPTH_MAX:
            return Statement(None, (TOO_DEEP,))
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except Exception:  # a text at which the parser stumbles over itself is as unread as one that it refuses
        return Statement(None, ("only one of the two parsers reads it",))
    if len(trees) != 1 or not isinstance(trees[0], (exp.Select, exp.SetOperation)):
        return Statement(None, ("it is not one SELECT statement",))
    return Statement(trees[0], tuple(dict.fromkeys([*_function_faults(engine), *_disagreements(engine, trees[0])])))


@lru_cache(maxsize=1)
def _engine() -> Any:
    """An engine that holds nothing and reaches nothing; each question has a cursor of its own."""
    import duckdb

    return duckdb.connect(
        ":memory:", config={"enable_external_access": "false", "threads": "1", "lock_configuration": "true"}
    )


def _parsed_by_engine(sql: str) -> tuple[Any, tuple[str, ...]]:
    """The engine's own tree of a single SELECT; nothing is run, and nothing could be reached."""
    import duckdb

    with _engine().cursor() as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error:
            return None, ("it does not parse",)
        if len(statements) != 1:
            return None, (f"it is {len(statements)} statements instead of one",)
        (row,) = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    try:
        document = json.loads(row[0])
    except RecursionError:
        return None, (TOO_DEEP,)
    if document.get("error"):
        kind = statements[0].type.name
        return None, ("it does not parse" if kind == "SELECT" else f"it is a statement of kind {kind}, not a SELECT",)
    return document, ()


def _depth(sql: str) -> int:
    depth = deepest = 0
    for token in sqlglot.tokenize(sql, dialect="duckdb"):
        word = token.text.lower()
        depth += (word in ("(", "[", "{", "case")) - (word in (")", "]", "}", "end"))
        deepest = max(deepest, depth)
    return deepest


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _function_faults(engine: Any) -> Iterator[str]:
    """What the engine would call or reach that no model may."""
    for node in _nodes(engine):
        kind = str(node.get("class", ""))
        if kind and kind not in ENGINE_CLASSES:
            yield f"it uses a {kind.lower().replace('_', ' ')}, which is not allowed"
        name = str(node.get("function_name") or "").lower()
        if name and node.get("schema") not in (None, "", "main", "pg_catalog"):
            yield f"it calls {name} of a schema, which is not a function of the engine"
        if name and kind in ("FUNCTION", "WINDOW"):
            what = kind_of(name)
            if what == "outside":
                yield f"it calls {name}, which reaches outside the vault"
            elif what is None:
                yield f"it calls {name}, which is not on the list of allowed functions"
        table = str(node.get("type", "")) if "alias" in node and "sample" in node else ""
        if table and table not in ENGINE_TABLES:
            yield f"it selects from a {table.lower().replace('_', ' ')}, which is not allowed"
        if node.get("type") == "BASE_TABLE" and _is_place(str(node.get("table_name"))):
            yield "it reads a file or an address by name"


def _in_small_letters(name: str) -> str:
    """A name as the engine compares it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _is_place(table: str) -> bool:
    return any(mark in table for mark in "./\\:*?%")


def _disagreements(engine: Any, tree: exp.Expr) -> Iterator[str]:
    """Tables and columns that the engine sees and sqlglot does not: a text written for two readers."""
    seen = {str(each.this).lower() for each in tree.find_all(exp.Identifier)}
    if any(_in_small_letters(str(each.this)) != str(each.this).lower() for each in tree.find_all(exp.Identifier)):
        yield "it has a name with a letter beyond ASCII that the engine does not hold equal to its small one"
    tables = {(each.db.lower(), each.name.lower()) for each in tree.find_all(exp.Table)}
    without_parentheses = {name_of(each) for each in tree.find_all(exp.Func) if not list(each.iter_expressions())}
    for node in _nodes(engine):
        if node.get("type") == "BASE_TABLE":
            table = (str(node.get("schema_name", "")).lower(), str(node.get("table_name", "")).lower())
            if table not in tables:
                yield "the engine reads tables in it that the analysis does not see"
        if node.get("class") == "COLUMN_REF":
            names = {str(name).lower() for name in node.get("column_names", [])}
            if not names <= seen | without_parentheses | {"localtimestamp", "localtime"}:
                yield "the engine reads columns in it that the analysis does not see"
