"""Money: whole fen, rounded once at the end, allocated without losing a fen.

Amounts in between are exact (int, Decimal, Fraction), so that a tie of half a fen is a tie. Source: models §4.2, §9.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

FEN_PER_YUAN = 100

Amount = int | Decimal | Fraction | float


def exact(amount: Amount) -> Fraction:
    """The amount as a fraction, in the unit it came in.

    A float counts as the shortest decimal that names it: 2.675 means 2.675, not 2.67499999999999982. Raises
    ValueError for NaN and infinities. Source: models §9.
    """
    if isinstance(amount, float | Decimal) and not math.isfinite(amount):
        raise ValueError(f"an amount must be a finite number, not {amount}")
    return Fraction(repr(float(amount))) if isinstance(amount, float) else Fraction(amount)


def round_half_up(amount_fen: Amount) -> int:
    """Whole fen: the nearest, a tie away from 0 (ROUND_HALF_UP). The last step of every price, taken once.

    amount_fen: fen, any sign. Raises ValueError for NaN and infinities. Source: models §9.
    """
    fen = exact(amount_fen)
    nearest = math.floor(abs(fen) + Fraction(1, 2))
    return nearest if fen >= 0 else -nearest


def yuan_to_fen(amount_yuan: Amount) -> int:
    """Whole fen of an amount in yuan, rounded as `round_half_up` does. Source: models §9."""
    return round_half_up(exact(amount_yuan) * FEN_PER_YUAN)


def fen_to_yuan(amount_fen: int) -> Decimal:
    """The exact amount in yuan, two decimals, of whole fen. Source: models §9."""
    return Decimal(amount_fen).scaleb(-2)


def allocate(total_fen: int, drivers: Sequence[Amount]) -> tuple[int, ...]:
    """Shares of a total in proportion to drivers, by the largest remainder: they sum to the total exactly.

    Each share is the floor of total · driver / Σ drivers; the fen left over go one each to the largest remainders, of
    equal ones to the first. total_fen: fen, 0 or more; drivers: 0 or more, in any unit. A driver of 0 gets nothing.
    Raises ValueError for a negative or non-finite value, and for a total above 0 with no driver above 0.
    Source: models §4.2.
    """
    if isinstance(total_fen, bool) or not isinstance(total_fen, int) or total_fen < 0:
        raise ValueError(f"total_fen must be a whole number of fen, 0 or more, not {total_fen!r}")
    weights = [exact(driver) for driver in drivers]
    if any(weight < 0 for weight in weights):
        raise ValueError("drivers must be 0 or more")
    whole = sum(weights, Fraction(0))
    if total_fen == 0:
        return (0,) * len(weights)
    if whole == 0:
        raise ValueError(f"there are {total_fen} fen to allocate and no driver above 0")
    quotas = [total_fen * weight / whole for weight in weights]
    shares = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda position: (shares[position] - quotas[position], position))
    for position in by_remainder[: total_fen - sum(shares)]:
        shares[position] += 1
    return tuple(shares)


def format_fen(amount_fen: int) -> str:
    """The amount as people read it: 123456 is "¥1,234.56", -5 is "-¥0.05". Source: models §9."""
    yuan, fen = divmod(abs(amount_fen), FEN_PER_YUAN)
    return f"{'-' if amount_fen < 0 else ''}¥{yuan:,}.{fen:02d}"
