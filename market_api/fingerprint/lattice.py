"""The lattices of the value channel: how a number carries a bit, and how the bit is read back (QIM).

With the step s = 2^j·δ at level j, bit b moves a value to the nearest point of 2s·ℤ + b·s, so by s at most; who reads
it finds the nearest point of s·ℤ, and the bit is the parity of its number. A value between two points goes to the upper
one, so that no value of 0 or more falls below 0. Source: models §8 (quantisation index modulation).
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

LEVELS = 4
"""L: levels of strength. The weak ones change little, the strong ones outlast noise."""
TOLERANCE_MIN, TOLERANCE_MAX = Decimal("1e-9"), Decimal("1e12")
MIDWAY = 1e-6
"""Share of a step within which a value stands midway between two points, as the mean of two copies does."""
DECIMAL_DIGITS_MAX = 36
"""Digits and scale of a decimal together, so that its lattice fits the engine's widest decimal."""


@dataclass(frozen=True)
class Lattice:
    """The lattices of one column.

    unit and scale: δ = unit·10^-scale, unit a whole number; levels: L; tolerance: τ, with 2^(L-1)·δ <= τ; sql_type: the
    column's; is_exact: whole numbers and decimals are computed as whole numbers of 10^-scale, floats as floats.
    """

    unit: int
    scale: int
    levels: int
    tolerance: Decimal
    sql_type: str
    is_exact: bool

    @property
    def delta(self) -> Decimal:
        """δ: the step of the weakest level."""
        return Decimal(self.unit).scaleb(-self.scale)

    def marked_sql(self, value: str, level: str, bit: str) -> str:
        """The lattice point that carries the bit, as the column's type; null where the type cannot hold it."""
        step, bit = self._step(level), self._whole(bit)
        number = self._floor_of(f"{self._scaled(value)} - {bit} * {step} + {step}", f"2 * {step}")
        return self._value_of(f"{step} * (2 * {number} + {bit})")

    def bit_sql(self, value: str, level: str) -> str:
        """The bit that a value carries, 0 or 1; null for one midway between two points, or not finite: it has none."""
        step, scaled = self._step(level), self._scaled(value)
        number = self._floor_of(f"2 * {scaled} + {step}", f"2 * {step}")
        bit = f"cast({number} - 2 * {self._floor_of(number, '2')} as tinyint)"
        return f"case when 2 * abs({scaled} - {number} * {step}) < {step} * (1 - {MIDWAY}) then {bit} end"

    def is_within_sql(self, marked: str, value: str) -> str:
        """Whether a mark keeps to the tolerance. Floats so large that their own steps exceed it do not."""
        if self.is_exact:
            return f"{marked} is not null"
        apart = f"abs(cast({marked} as double) - cast({value} as double))"
        return f"{apart} <= {float(self.tolerance)!r} * (1 + 1e-9)"

    def _step(self, level: str) -> str:
        return self._whole(f"({self.unit} * (1 << cast({level} as bigint)))")

    def _whole(self, number: str) -> str:
        return f"cast({number} as {'hugeint' if self.is_exact else 'double'})"

    def _scaled(self, value: str) -> str:
        """A value in units of 10^-scale. A float that is not finite is none."""
        if self.is_exact:
            return f"cast(try_cast({value} as {self.sql_type}) * {10**self.scale} as hugeint)"
        number = f"try_cast({value} as double)"
        return f"(case when isfinite({number}) then {number} end * 1e{self.scale})"

    def _value_of(self, scaled: str) -> str:
        if not self.is_exact:
            return f"cast(({scaled}) / 1e{self.scale} as {self.sql_type})"
        if not self.scale:
            return f"try_cast({scaled} as {self.sql_type})"
        unit = f"cast('{Decimal(1).scaleb(-self.scale):f}' as decimal({self.scale + 1}, {self.scale}))"
        whole = f"try_cast({scaled} as decimal({37 - self.scale}, 0))"
        return f"try_cast({whole} * {unit} as {self.sql_type})"

    def _floor_of(self, number: str, divisor: str) -> str:
        """⌊number / divisor⌋; whole numbers are divided toward 0 by the engine."""
        if not self.is_exact:
            return f"floor(({number}) / ({divisor}))"
        rest = f"((({number}) % ({divisor}) + ({divisor})) % ({divisor}))"
        return f"((({number}) - {rest}) // ({divisor}))"


def lattice_for(tolerance: Decimal, sql_type: str) -> Lattice | None:
    """The lattices by which no value of the type changes by more than the tolerance τ; None where there are none.

    Floats: L = 4, and δ is τ/8 rounded down to one digit, so that marked values are written as shortly as others.
    Whole numbers and decimals: the same in units of their last digit, with fewer levels where 8 units exceed τ, and
    none where one does.
    """
    if not TOLERANCE_MIN <= tolerance <= TOLERANCE_MAX:
        return None
    if sql_type in ("float", "double"):
        delta = _one_digit(tolerance / 2 ** (LEVELS - 1))
        scale = max(0, -_exponent(delta))
        return Lattice(int(delta.scaleb(scale)), scale, LEVELS, tolerance, sql_type, is_exact=False)
    digits, scale = _digits_and_scale(sql_type)
    units = int(tolerance.scaleb(scale).to_integral_value(ROUND_FLOOR))
    if digits + scale > DECIMAL_DIGITS_MAX or not units:
        return None
    unit = int(_one_digit(Decimal(max(1, units >> (LEVELS - 1)))))
    levels = min(LEVELS, units.bit_length())
    return Lattice(unit, scale, levels, tolerance, sql_type, is_exact=True)


def _digits_and_scale(sql_type: str) -> tuple[int, int]:
    """Of `decimal(p, s)`; a whole number of the engine has at most 20 digits."""
    if not sql_type.startswith("decimal"):
        return 20, 0
    digits, scale = sql_type.removeprefix("decimal(").removesuffix(")").split(",")
    return int(digits), int(scale)


def _exponent(number: Decimal) -> int:
    return number.adjusted()


def _one_digit(number: Decimal) -> Decimal:
    """A number above 0, rounded down to its first digit."""
    return number.quantize(Decimal(1).scaleb(number.adjusted()), ROUND_FLOOR)
