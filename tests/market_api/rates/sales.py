"""Rates, receivers and clearances for the tests of splits."""

from datetime import date
from fractions import Fraction

from hypothesis import strategies as st

from market_api.rates.receivers import Receiver, contracted
from market_api.rates.splitting import Split, split
from market_api.rates.tables import DatedRate, SaleRates
from pricing.clearance import Clearance

CLEARED = Clearance(safe=True, gate_open=True)
DAY = date(2026, 11, 28)
amounts_fen = st.integers(0, 10**13)


def rates(vat: Fraction = Fraction(6, 100), fee: Fraction = Fraction(2, 100)) -> SaleRates:
    return SaleRates(DatedRate(DAY, vat, "a law"), DatedRate(DAY, fee, "a scale of fees"))


rate_pairs = st.builds(
    rates,
    st.fractions(0, Fraction(99, 100), max_denominator=1000),
    st.fractions(0, Fraction(99, 100), max_denominator=1000),
)


@st.composite
def receiver_lists(draw: st.DrawFn) -> tuple[Receiver, ...]:
    """A seller and up to five providers, whose shares make up the whole."""
    weights = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
    providers = {f"par_{number}": Fraction(weight, sum(weights)) for number, weight in enumerate(weights[1:])}
    return contracted("par_seller", providers)


def sale(payment_fen: int, *providers: Fraction, **changes: Fraction) -> Split:
    shares = {f"par_{number}": share for number, share in enumerate(providers)}
    return split(payment_fen, rates(**changes), contracted("par_seller", shares), CLEARED)


def told(found: Split) -> list[tuple[str, str, int]]:
    return [(line.receiver, line.kind, line.amount_fen) for line in found.lines]
