"""A parameter set from a plain mapping, as a reviewed file holds it: every misspelt or mistyped key is named.

Reading the file is the caller's. Source: models §9 (constants are frozen and versioned).
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pricing.money import exact
from pricing.params import ParameterSet, parameter_set


def parameter_set_from(mapping: Mapping[str, Any]) -> ParameterSet:
    """The parameter set of a mapping: `profile` and `version`, and what differs from that profile's published set.

    Keys are the fields of `ParameterSet`, `price` and `guide` being mappings of theirs; a mapping by grain, dimension,
    severity, ecosystem or period replaces the whole of it. Exact numbers may be fractions in words ("1/3"). Raises
    ValueError that gives the place of a key that is missing, unknown or of another type, and where a parameter is
    outside its domain. Source: models §9.
    """
    values = _values(ParameterSet, mapping, "")
    for name in ("profile", "version"):
        if name not in values:
            raise ValueError(f"{name} is missing")
    return replace(parameter_set(values["profile"]), **values)


def _values(kind: type, mapping: Any, place: str) -> dict[str, Any]:
    """The values by field that a mapping gives, converted to the types of the fields."""
    known = [each.name for each in fields(kind)]
    hints = get_type_hints(kind)
    for name in _named(mapping, place.rstrip(".") or "the parameter set"):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise ValueError(f"{place}{name} is no parameter" + (f"; did you mean {near[0]}?" if near else ""))
    return {name: _value(hints[name], value, f"{place}{name}") for name, value in mapping.items()}


def _value(kind: Any, value: Any, name: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _part(kind, value, name)
    if kind is str or origin is Literal:
        return _word(value, name)
    if origin is Mapping:
        return {key: _value(get_args(kind)[1], each, f"{name}.{key}") for key, each in _named(value, name).items()}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list, not {value!r}")
        return tuple(_word(each, name) for each in value)
    if value is None and types.NoneType in get_args(kind):
        return None
    number = _number(value, name)
    return float(number) if kind is float else number


def _part(kind: type, value: Any, name: str) -> Any:
    """A part of the set, its other fields by default; a value outside its domain is reported with the part's name."""
    values = _values(kind, value, f"{name}.")
    assert all(_has_default(each) for each in fields(kind)), "a part is given by what differs from its defaults"
    try:
        return kind(**values)
    except ValueError as outside:
        raise ValueError(f"{name}: {outside}") from None


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _named(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{name} must be a mapping by name, not {value!r}")
    return value


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a word, not {value!r}")
    return value


def _number(value: Any, name: str) -> Fraction | int:
    """The exact number; of a float the shortest decimal that names it, of a word such as 1/3 the fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction | str):
        raise ValueError(f"{name} must be a number, not {value!r}")
    try:
        number = Fraction(value) if isinstance(value, str) else exact(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{name} must be a finite number, not {value!r}") from None
    return number.numerator if number.denominator == 1 else number
