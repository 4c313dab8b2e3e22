"""The keyed pseudonym as it stands in compiled SQL: sha256(key || sha256(key || 'subject|' || value)).

The key is read from the vault's own table by a subquery of one form, so it is no text of the model. Anything that
looks almost like it, or reads the key otherwise, is no pseudonym. Source: models §7 (M3).
"""

from dataclasses import dataclass

from sqlglot import exp

KEY_TABLE = ("vault", "pseudonym_key")
KEY_COLUMN = "key"


@dataclass(frozen=True)
class Pseudonym:
    """A keyed pseudonym: of which subject, and the expressions that are hashed."""

    subject: str
    hashed: tuple[exp.Expr, ...]


def pseudonym_in(node: exp.Expr) -> Pseudonym | None:
    """The pseudonym that an expression is, None where it is none."""
    outer = _hashed_parts(node)
    if len(outer) != 2 or not _is_key(outer[0]):
        return None
    inner = _hashed_parts(outer[1])
    if len(inner) < 3 or not _is_key(inner[0]):
        return None
    mark = inner[1]
    if not (isinstance(mark, exp.Literal) and mark.is_string and mark.name.endswith("|") and mark.name.count("|") == 1):
        return None
    return Pseudonym(mark.name[:-1], tuple(inner[2:]))


def _hashed_parts(node: exp.Expr) -> list[exp.Expr]:
    """The parts, joined by ||, of which a node is the SHA-256; none where it is none."""
    node = node.unnest()
    if not isinstance(node, exp.SHA2) or node.args.get("length") is None or node.args["length"].name != "256":
        return []
    parts: list[exp.Expr] = []
    waiting = [node.this]
    while waiting:
        each = waiting.pop()
        if isinstance(each, exp.DPipe):
            waiting += [each.expression, each.this]
        else:
            parts.append(each)
    return parts


def _is_key(node: exp.Expr) -> bool:
    """Whether a node is (select max(key) from vault.pseudonym_key where name = '...'), and nothing more."""
    select = node.this if isinstance(node, exp.Subquery) else None
    if not isinstance(select, exp.Select) or {key for key, value in select.args.items() if value} != {
        "expressions",
        "from_",
        "where",
    }:
        return False
    (table,) = [select.args["from_"].this]
    condition = select.args["where"].this
    chosen = select.expressions[0] if len(select.expressions) == 1 else None
    return (
        isinstance(table, exp.Table)
        and (table.db.lower(), table.name.lower()) == KEY_TABLE
        and {key for key, value in table.args.items() if value} <= {"this", "db", "catalog"}
        and isinstance(chosen, exp.Max)
        and isinstance(chosen.this, exp.Column)
        and chosen.this.name.lower() == KEY_COLUMN
        and not chosen.args.get("count")
        and isinstance(condition, exp.EQ)
        and isinstance(condition.this, exp.Column)
        and condition.this.name.lower() == "name"
        and isinstance(condition.expression, exp.Literal)
    )
