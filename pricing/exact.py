"""Exact numbers of a price: the check of their domain, and powers that stay exact where they can.

A price is rounded once, at its end, so what leads there is a fraction. Source: models §9.
"""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

from pricing.money import Amount, exact

DIGITS = 50
"""Of a power that is irrational; far below half a fen of any amount a city spends."""


def within(name: str, value: Amount, least: Amount | None = 0, most: Amount | None = None) -> Fraction:
    """The value as a fraction where least <= value <= most; None leaves that side open.

    Raises ValueError, which names the value, for NaN and infinities and outside the bounds.
    """
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    number = exact(value)
    if least is not None and number < exact(least):
        raise ValueError(f"{name} must be {least} or more, not {value}")
    if most is not None and number > exact(most):
        raise ValueError(f"{name} must be {most} or less, not {value}")
    return number


def above_zero(name: str, value: Amount) -> Fraction:
    """The value as a fraction where it is above 0. Raises ValueError, which names the value, else."""
    number = within(name, value)
    if number == 0:
        raise ValueError(f"{name} must be above 0")
    return number


def whole_fen(name: str, amount_fen: int, least: int = 0) -> int:
    """The amount where it is a whole number of fen, `least` or more. Raises ValueError, which names it, else."""
    if isinstance(amount_fen, bool) or not isinstance(amount_fen, int) or amount_fen < least:
        raise ValueError(f"{name} must be a whole number of fen, {least} or more, not {amount_fen!r}")
    return amount_fen


def clipped(value: Fraction, least: Fraction, most: Fraction) -> Fraction:
    """The nearest number in [least, most]."""
    return min(max(value, least), most)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base ^ exponent, exact for whole exponents and for a base of 0 or 1, else to 50 digits.

    base >= 0, exponent >= 0; 0 ^ 0 = 1. Raises ValueError below 0.
    """
    if base < 0 or exponent < 0:
        raise ValueError(f"a power needs a base and an exponent of 0 or more, not {base} and {exponent}")
    if exponent.denominator == 1:
        return base**exponent.numerator
    if base in (0, 1):
        return base
    with localcontext(prec=DIGITS):
        return Fraction(_decimal(base) ** _decimal(exponent))


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)
