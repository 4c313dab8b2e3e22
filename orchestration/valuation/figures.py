"""Figures as the terminal and the pages write them: three digits that count, and money in yuan."""

import math

from pricing.money import Amount, format_fen, round_half_up

MOST_DIGITS = 6
GROUPED_FROM = 1000
"""From here on a number stands without decimals, its thousands apart."""
LEAST_BITS = 0.0005
MINUS = "−"
"""As wide as a plus."""


def figure(number: Amount) -> str:
    """A number with three digits that count, or with as many (at most six) as keep it from looking whole.

    Rounding never turns 'nearly 1' into 1: what six digits do not tell apart is written as '>0.999999'.
    """
    value = float(number)
    if value == int(value) or abs(value) >= GROUPED_FROM:
        return _signed(f"{value:,.0f}")
    least = max(1, 2 - math.floor(math.log10(abs(value)))) if abs(value) < 1 else 2
    for digits in range(least, max(least, MOST_DIGITS) + 1):
        text = f"{value:.{digits}f}"
        if float(text) != round(value):
            return _signed(text)
    whole, last = round(value), 10**-MOST_DIGITS
    return _signed(f">{whole - last:.{MOST_DIGITS}f}" if value < whole else f"<{whole + last:.{MOST_DIGITS}f}")


def constant(number: Amount) -> str:
    """A parameter as it was set, such as 0.15."""
    return _signed(f"{float(number):.6g}") if abs(float(number)) < GROUPED_FROM else figure(number)


def money(amount_fen: Amount) -> str:
    """An amount in yuan, as its nearest fen."""
    return _signed(format_fen(round_half_up(amount_fen)))


def money_change(amount_fen: int) -> str:
    """By how many yuan an amount changes."""
    return f"+{money(amount_fen)}" if amount_fen > 0 else money(amount_fen)


def bits(number: float) -> str:
    """An amount of information; what is less than a thousandth counts as none."""
    return f"{figure(number) if number >= LEAST_BITS else 0} bits"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
