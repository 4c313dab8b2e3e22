"""What of a release may carry a fingerprint: decided from its signed datasheet alone, and denied where nothing permits.

Value channel: measures of a declared tolerance. Where the contract has `fingerprint: {tolerance: {column: τ}}`, those
and no others; else the measures of logical type `number` with a `decisionResolution`, which is then τ: a change that
matters to nobody. Never a column that tells rows apart, that speaks of somebody, that counts subjects, that is money or
a time, or of which the contract expects more than bounds, since a mark could break it.

Row omission: where the contract has `fingerprint: {omitRows: true}`, and no row is missed: not of components that count
subjects, of time series, or of rows that are alike to others for somebody's protection. Source: models §8.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from market_api.fingerprint.column_types import is_float, is_number, sql_type_of
from market_api.fingerprint.lattice import Lattice, lattice_for

ROWS_MIN = 1_000
"""Fewer rows cannot carry marks enough to accuse anybody."""
COLUMNS_MAX = 28
"""A digest of 32 bytes has 4 that choose the row and one for each column."""

BOUNDS = "expect_column_values_to_be_between"
BOUND_KEYS = ("min_value", "max_value")
UNTOUCHED = frozenset(
    ["expect_column_values_to_not_be_null", "expect_column_proportion_of_non_null_values_to_be_between"]
    + [f"expect_column_values_to_be_{kind}" for kind in ("of_type", "in_type_list")]
)
"""Expectations that a mark cannot break: no value appears, disappears or changes its type."""
NOT_OF_ROWS = frozenset({"measure", "target", "sensitive", "free_text"})
"""Roles whose columns are no part of a virtual key."""

MONEY = re.compile(
    "fen|jiao|yuan|cny|rmb|hkd|mop|twd|usd|eur|gbp|jpy|krw|sgd|aud|cad|chf|inr|rub|cents?|dollars?|euros?|pounds?|yen"
    "|amount|price|fare|fees?|tax|taxes|toll|wages?|salary|income|revenue|costs?|rent"
)
MONEY_SIGNS = re.compile("[¥￥$€£元]")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class KeyColumn:
    """A column by which a row is known again. step: what its value is rounded down to first, None where it is exact."""

    name: str
    sql_type: str
    step: Decimal | None = None


@dataclass(frozen=True)
class MarkedColumn:
    """A column that carries marks. lower, upper: a mark lies between them, not on them; None where nothing bounds."""

    name: str
    lattice: Lattice
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True)
class LeftOut:
    """A column that carries no mark, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """How copies of one release are marked.

    columns: all, in their order; key: by which rows are known again, is_virtual where that is not the declared key;
    marked: the columns of the value channel; omits_rows: whether the omission channel is used; not_traceable: why
    copies stay unmarked, None where they are marked.
    """

    component: str
    release: str
    rows: int
    columns: tuple[str, ...]
    key: tuple[KeyColumn, ...]
    is_virtual: bool
    marked: tuple[MarkedColumn, ...]
    omits_rows: bool
    left_out: tuple[LeftOut, ...]
    not_traceable: str | None


def plan(document: Document) -> Plan:
    """The plan that follows from a datasheet; equal datasheets have equal plans.

    document: a datasheet that was verified. Source: models §8.
    """
    contract, table = document["contract"], document["table"]
    types = {each["name"]: sql_type_of(each["type"]) for each in table["columns"]}
    key, is_virtual = _key(contract, types)
    marked, left_out = _marked(contract, types, {each.name for each in key})
    omits_rows = _omits_rows(contract)
    return Plan(
        component=document["component"],
        release=document["release"],
        rows=table["rows"],
        columns=tuple(types),
        key=key,
        is_virtual=is_virtual,
        marked=marked,
        omits_rows=omits_rows,
        left_out=left_out,
        not_traceable=_reason_against_all(table["rows"], key, bool(marked) or omits_rows),
    )


def _reason_against_all(rows: int, key: tuple[KeyColumn, ...], has_channel: bool) -> str | None:
    if rows < ROWS_MIN:
        return f"it has {rows} rows, and fewer than {ROWS_MIN} cannot carry a fingerprint"
    if not key:
        return "it has no column by which a row is known again"
    return None if has_channel else "its contract permits neither changes of a measure nor the omission of rows"


def _key(contract: Document, types: Mapping[str, str | None]) -> tuple[tuple[KeyColumn, ...], bool]:
    """The primary key, or the grain, where it is exact; else a virtual key of all that stays the same in a copy."""
    columns = contract["columns"]
    declared = [each["name"] for each in columns if each.get("primaryKey")] or list(contract["grain"])
    exact = [KeyColumn(name, sql_type) for name in declared if (sql_type := _exact(types.get(name)))]
    if len(exact) == len(declared):
        return tuple(exact), False
    parts = [_key_part(each, types) for each in columns if each["name"] in declared or each["role"] not in NOT_OF_ROWS]
    return tuple(each for each in parts if each is not None), True


def _key_part(column: Document, types: Mapping[str, str | None]) -> KeyColumn | None:
    """A column as a part of a virtual key (Li, Swarup, Jajodia): exact, or rounded to its decision resolution."""
    name, sql_type = column["name"], types.get(column["name"])
    if exact := _exact(sql_type):
        return KeyColumn(name, exact)
    step = _positive(column.get("decisionResolution"))
    return KeyColumn(name, sql_type, step) if sql_type and step else None


def _exact(sql_type: str | None) -> str | None:
    return None if sql_type is None or is_float(sql_type) else sql_type


def _marked(
    contract: Document, types: Mapping[str, str | None], key: set[str]
) -> tuple[tuple[MarkedColumn, ...], tuple[LeftOut, ...]]:
    marked: list[MarkedColumn] = []
    left_out: list[LeftOut] = []
    for column in contract["columns"]:
        name, sql_type = column["name"], types.get(column["name"])
        reason = _reason_against(column, contract, sql_type, key)
        tolerance = _tolerance(column, contract)
        lattice = lattice_for(tolerance, sql_type) if not reason and tolerance and sql_type else None
        if lattice is None:
            reason = reason or _reason_without_lattice(tolerance)
        elif len(marked) == COLUMNS_MAX:
            reason = f"{COLUMNS_MAX} other columns carry marks"
        else:
            marked.append(MarkedColumn(name, lattice, *_bounds(contract, name)))
            continue
        left_out.append(LeftOut(name, reason))
    return tuple(marked), tuple(left_out)


def _reason_without_lattice(tolerance: Decimal | None) -> str:
    return (
        "no tolerance is declared" if tolerance is None else "its tolerance is below its last digit, or beyond all use"
    )


def _reason_against(column: Document, contract: Document, sql_type: str | None, key: set[str]) -> str:
    """Why a column may carry no mark whatever its tolerance; empty where it may."""
    name = column["name"]
    checks = (
        (column["role"] != "measure", f"its role is {column['role']}"),
        (name in key or name in contract["grain"] or column.get("primaryKey"), "it tells the rows apart"),
        (sql_type is None or not is_number(sql_type), "it is no number"),
        (column.get("eventTime"), "it is a time"),
        (name in contract.get("countColumns", ()), "it counts the subjects behind a row"),
        (_is_money(column), "it is an amount of money"),
    )
    own = next((reason for holds, reason in checks if holds), "")
    return own or _reason_of_expectations(contract, name)


def _reason_of_expectations(contract: Document, name: str) -> str:
    for each in _expectations(contract, name):
        is_bounded = each["type"] == BOUNDS and all(map(_is_bound, map(each["arguments"].get, BOUND_KEYS)))
        if not is_bounded and each["type"] not in UNTOUCHED:
            return f"a mark could break {each['type']}"
    return ""


def _expectations(contract: Document, name: str) -> Iterator[Document]:
    """The expectations whose arguments name a column, in a list or a query too."""
    word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")
    for each in contract.get("expectations", ()):
        if word.search(json.dumps(each.get("arguments", {}), ensure_ascii=False)):
            yield each


def _bounds(contract: Document, name: str) -> tuple[Decimal | None, Decimal | None]:
    """The narrowest bounds that the contract expects of a column's values."""
    told = [each["arguments"] for each in _expectations(contract, name) if each["type"] == BOUNDS]
    lower, upper = ([number for each in told if (number := _number(each.get(key))) is not None] for key in BOUND_KEYS)
    return max(lower, default=None), min(upper, default=None)


def _is_bound(value: Any) -> bool:
    return value is None or _number(value) is not None


def _tolerance(column: Document, contract: Document) -> Decimal | None:
    """τ. A whole number usually counts something, so its decision resolution alone permits no change."""
    fingerprint = contract.get("fingerprint")
    if fingerprint is not None and "tolerance" in fingerprint:
        return _positive(fingerprint["tolerance"].get(column["name"]))
    return _positive(column.get("decisionResolution")) if column["logicalType"] == "number" else None


def _omits_rows(contract: Document) -> bool:
    if (contract.get("fingerprint") or {}).get("omitRows") is not True or contract.get("countColumns"):
        return False
    columns = {each["name"]: each for each in contract["columns"]}
    if any(each["role"] in ("quasi_identifier", "sensitive") for each in columns.values()):
        return False
    if contract["subject"] in ("person", "enterprise"):
        return False
    return not any(_is_time(columns[name]) for name in contract["grain"])


def _is_time(column: Document) -> bool:
    return (
        bool(column.get("eventTime")) or column["role"] == "timestamp" or column["logicalType"] in ("date", "timestamp")
    )


def _is_money(column: Document) -> bool:
    unit = column.get("unit") or ""
    words = re.split(r"[\W\d_]+", f"{unit} {column['name']}".lower())
    return bool(MONEY_SIGNS.search(unit)) or any(MONEY.fullmatch(word) for word in words)


def _positive(value: Any) -> Decimal | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _number(value: Any) -> Decimal | None:
    """A number of JSON as it is written; None for anything else."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None
