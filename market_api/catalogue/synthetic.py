"""Synthetic rows: what a component's rows look like, made up from its datasheet alone.

The generator knows the declared types, ranges and sets of values, the resolution, and how many values and nulls were
counted; it is never given the table, and it opens nothing. Each column stands by itself: what relates columns is not
kept. The same release gives the same rows. Nothing takes longer for a value of the datasheet that is large.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vault.releases.datasheet import Document

ROWS = 20
COLUMNS_MAX = 500
VALUES_MAX = 1000
"""Different values of a column at most."""
TEXT_CHARACTERS_MAX = 120
NUMBER_MAX = 10**15
DAYS_MAX = 3650
DECIMALS = 2
SCALE = re.compile(r"decimal\(\d{1,2}, (\d{1,2})\)")

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class _Column:
    """What is known of a column. size: of its range of values; lowest, highest: as declared, None where they are not;
    declared: the values that its contract allows, none where it names none."""

    name: str
    kind: str
    unit: str
    size: int
    null_share: float
    lowest: Any
    highest: Any
    declared: tuple[Scalar, ...]
    decimals: int
    is_key: bool


def synthetic_rows(document: Document, rows: int = ROWS) -> list[dict[str, Scalar]]:
    """Rows in the form of a release, by column; fewer where its grain has fewer. document: its signed datasheet."""
    columns = list(_columns(document))
    keys = [column for column in columns if column.is_key]
    capacity = math.prod(column.size for column in keys) or 1
    newest = _newest(document)
    count = min(rows, capacity) if keys else rows
    found = []
    for row in range(count):
        places = _places(keys, row * capacity // count)
        found.append({column.name: _cell(column, places, document["release"], row, newest) for column in columns})
    return found


def _columns(document: Document) -> Iterator[_Column]:
    contract, rows = document["contract"], max(1, document["table"]["rows"])
    counted = {each["name"]: each for each in document["table"]["columns"]}
    expected = _expected(contract.get("expectations", ()))
    counting = set(contract.get("countColumns", ()))
    for declared in contract["columns"][:COLUMNS_MAX]:
        name = declared["name"]
        lowest, highest, values = expected.get(name, (None, None, ()))
        if lowest is None and name in counting:
            lowest = contract.get("minimumGroup")
        told = counted.get(name, {"type": "", "nulls": 0, "distinct": VALUES_MAX})
        is_key = name in contract["grain"]
        yield _Column(
            name=name,
            kind=declared["logicalType"],
            unit=str(declared.get("unit", "")),
            size=min(max(1, told["distinct"]), VALUES_MAX),
            null_share=0.0 if is_key else min(1.0, told["nulls"] / rows),
            lowest=lowest,
            highest=highest,
            declared=values,
            decimals=_decimals(declared.get("decisionResolution"), str(told["type"])),
            is_key=is_key,
        )


def _expected(expectations: Sequence[Document]) -> dict[str, tuple[Any, Any, tuple[Scalar, ...]]]:
    """By column the range and the set of values that the contract declares; the last expectation of a kind counts."""
    found: dict[str, tuple[Any, Any, tuple[Scalar, ...]]] = {}
    for each in expectations:
        arguments = each.get("arguments", {})
        name = arguments.get("column") if isinstance(arguments, Mapping) else None
        if not isinstance(name, str):
            continue
        lowest, highest, values = found.get(name, (None, None, ()))
        if each.get("type") == "expect_column_values_to_be_between":
            found[name] = (arguments.get("min_value"), arguments.get("max_value"), values)
        elif each.get("type") == "expect_column_values_to_be_in_set":
            found[name] = (lowest, highest, _scalars(arguments.get("value_set")))
    return found


def _scalars(values: Any) -> tuple[Scalar, ...]:
    if not isinstance(values, list):
        return ()
    told = [each[:TEXT_CHARACTERS_MAX] if isinstance(each, str) else each for each in values[:VALUES_MAX]]
    return tuple(each for each in told if isinstance(each, str | bool) or _finite(each) is not None)


def _places(keys: Sequence[_Column], position: int) -> dict[str, int]:
    """Which value of each column of the grain a position stands for, so that no two rows have the same."""
    places = {}
    for column in reversed(keys):
        position, places[column.name] = divmod(position, column.size)
    return places


def _cell(column: _Column, places: Mapping[str, int], release: str, row: int, newest: datetime) -> Scalar:
    if _share(release, column.name, row, "null") < column.null_share:
        return None
    place = places.get(column.name, int(_share(release, column.name, row, "value") * column.size))
    if column.declared and not (column.is_key and len(column.declared) < column.size):
        return column.declared[place % len(column.declared)]
    return _MADE.get(column.kind, _text)(column, place, newest)


def _share(*words: object) -> float:
    """A number in [0, 1) that these words always give."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _text(column: _Column, place: int, newest: datetime) -> str:
    return f"{column.name} {place + 1}"


def _boolean(column: _Column, place: int, newest: datetime) -> bool:
    return place % 2 == 1


def _integer(column: _Column, place: int, newest: datetime) -> int:
    lowest, highest = _range(column, column.size - 1)
    least = math.ceil(lowest)
    return least + max(0, math.floor(highest) - least) * place // max(1, column.size - 1)


def _number(column: _Column, place: int, newest: datetime) -> float:
    lowest, highest = _range(column, 1 if column.unit == "1" else 100)
    made = round(lowest + (highest - lowest) * place / max(1, column.size - 1), column.decimals)
    return float(min(max(made, lowest), highest))


def _range(column: _Column, width: float) -> tuple[float, float]:
    """The declared range; where one side is open, as wide as that."""
    lowest, highest = _finite(column.lowest), _finite(column.highest)
    if lowest is not None and highest is not None:
        return (lowest, highest) if lowest <= highest else (0, width)
    if lowest is not None:
        return lowest, lowest + width
    return (0, width) if highest is None else (highest - width, highest)


def _finite(value: Any) -> float | None:
    """A number that is one and not too large; a whole one stays whole."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and -NUMBER_MAX <= value <= NUMBER_MAX else None


def _day(column: _Column, place: int, newest: datetime) -> str:
    return _moment(column, place, newest).date().isoformat()


def _time(column: _Column, place: int, newest: datetime) -> str:
    return _moment(column, place, newest).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(column: _Column, place: int, newest: datetime) -> datetime:
    """Between the declared ends, else within as many days before the release as there are values."""
    days = timedelta(days=min(column.size, DAYS_MAX))
    highest = _declared_moment(column.highest) or newest
    lowest = _declared_moment(column.lowest) or highest - min(days, highest - datetime.min.replace(tzinfo=UTC))
    if lowest > highest:
        lowest, highest = newest - days, newest
    return lowest + (highest - lowest) * place / max(1, column.size - 1)


def _declared_moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > len("2026-01-01T00:00:00.000000+00:00"):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _newest(document: Document) -> datetime:
    try:
        return datetime.fromisoformat(document["published_at"])
    except ValueError:
        return datetime.combine(date(2000, 1, 1), datetime.min.time(), UTC)


def _decimals(resolution: Any, table_type: str) -> int:
    """As many as the resolution has, else those of the type, else two."""
    step = _finite(resolution)
    if step is not None and step > 0:
        return min(9, max(0, math.ceil(-math.log10(step))))
    found = SCALE.fullmatch(table_type)
    return min(9, int(found[1])) if found else DECIMALS


_MADE: Mapping[str, Callable[[_Column, int, datetime], Scalar]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _day,
    "timestamp": _time,
}
"""By logical type; all else is text."""
