"""The types of a release's columns, as its datasheet states them, in the words of the engine."""

import re

EXACT = {
    "string": "varchar",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "uuid": "uuid",
    **{f"int{bits}": name for bits, name in ((8, "tinyint"), (16, "smallint"), (32, "integer"), (64, "bigint"))},
    **{f"uint{bits}": name for bits, name in ((8, "utinyint"), (16, "usmallint"), (32, "uinteger"), (64, "ubigint"))},
}
"""Types whose values are the same wherever they were written and read again."""
FLOATS = {"float32": "float", "float64": "double"}

DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")
TIMESTAMP = re.compile(r"timestamp(\((?P<zone>'[^']+')?(, )?\d*\))?")


def sql_type_of(stated: str) -> str | None:
    """The engine's type for a stated one, such as 'bigint' for 'int64'; None for what is neither value nor text."""
    if stated in EXACT:
        return EXACT[stated]
    if stated in FLOATS:
        return FLOATS[stated]
    if found := DECIMAL.fullmatch(stated):
        return f"decimal({found[1]}, {found[2]})"
    if found := TIMESTAMP.fullmatch(stated):
        return "timestamptz" if found["zone"] else "timestamp"
    return None


def is_float(sql_type: str) -> bool:
    """Whether values of the type change when they are written with fewer digits."""
    return sql_type in FLOATS.values()


def is_number(sql_type: str) -> bool:
    """Whether values of the type are numbers."""
    whole = {name for stated, name in EXACT.items() if "int" in stated}
    return is_float(sql_type) or sql_type.startswith("decimal") or sql_type in whole
