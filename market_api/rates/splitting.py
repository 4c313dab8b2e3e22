"""The split of a sale: tax, fee, seller and providers, so that every fen of the payment is somebody's.

The payment P includes VAT at rate r: the tax is r / (1 + r) of it, the fee is a share f of the price without tax, and
the rest goes to the receivers by their shares; all together by the largest remainder. One fen more of payment can cost
a line one fen, as that method has it (the Alabama paradox), and never two. Sources: models §6; `pricing.money`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from market_api.rates.receivers import Receiver, require_whole
from market_api.rates.tables import SaleRates
from pricing.clearance import Clearance, require_clearance
from pricing.exact import whole_fen
from pricing.money import allocate, format_fen

Kind = Literal["seller", "provider", "fee", "tax"]

TAX, MARKET = "tax", "market"
"""Whose the tax and the fee are, by the names of their accounts."""

ORDER: tuple[Kind, ...] = ("seller", "provider", "fee", "tax")
"""Of lines, and of who gets the odd fen among equal remainders."""


@dataclass(frozen=True)
class SplitLine:
    """What a receiver gets of a payment, and as what; fen, above 0."""

    receiver: str
    kind: Kind
    amount_fen: int

    def __post_init__(self) -> None:
        whole_fen("amount_fen", self.amount_fen, least=1)


@dataclass(frozen=True)
class Split:
    """A payment, taken apart: the lines sum to it. explanation: how, in words, one sentence a step."""

    lines: tuple[SplitLine, ...]
    explanation: tuple[str, ...]

    @property
    def payment_fen(self) -> int:
        """The whole."""
        return sum(line.amount_fen for line in self.lines)

    def of_kind(self, kind: Kind) -> int:
        """What the lines of a kind come to, in fen."""
        return sum(line.amount_fen for line in self.lines if line.kind == kind)


def split(payment_fen: int, rates: SaleRates, receivers: Sequence[Receiver], clearance: Clearance) -> Split:
    """The split of a payment; who gets nothing has no line, so a payment of 0 has none.

    The order of the receivers changes nothing. Raises ValueError for a payment that is no whole fen of 0 or more, as
    `require_whole` does, and where the component lacks clearance, as no sale may close then.
    """
    require_clearance(clearance)
    require_whole(receivers)
    vat, fee = rates.vat.rate, rates.fee.rate
    net = 1 / (1 + vat)
    shares: list[tuple[str, Kind, Fraction]] = [
        *((each.receiver, each.role, net * (1 - fee) * each.share) for each in receivers),
        (MARKET, "fee", net * fee),
        (TAX, "tax", net * vat),
    ]
    shares.sort(key=lambda share: (ORDER.index(share[1]), share[0]))
    amounts = allocate(whole_fen("payment_fen", payment_fen), [share for _, _, share in shares])
    lines = [(name, kind, amount) for (name, kind, _), amount in zip(shares, amounts, strict=True)]
    return Split(_lines(lines), _explained(payment_fen, rates, receivers))


def reversal(whole: Split, refund_fen: int) -> Split:
    """What each line gives back of a refund: in proportion, no line more than it got, to the fen.

    Raises ValueError for a refund above the payment.
    """
    if whole_fen("refund_fen", refund_fen) > whole.payment_fen:
        raise ValueError(f"{refund_fen} fen are more than the {whole.payment_fen} fen that were paid")
    given_back = allocate(refund_fen, [line.amount_fen for line in whole.lines])
    lines = [(line.receiver, line.kind, amount) for line, amount in zip(whole.lines, given_back, strict=True)]
    words = f"{format_fen(refund_fen)} of {format_fen(whole.payment_fen)} go back, from each line in proportion."
    return Split(_lines(lines), (words,))


def remaining(whole: Split, reversed_part: Split) -> Split:
    """What is left of a split after a reversal of it: the next reversal is of this.

    Raises ValueError where the reversal takes from a line more than it holds.
    """
    taken = {(line.receiver, line.kind): line.amount_fen for line in reversed_part.lines}
    lines = [
        (line.receiver, line.kind, line.amount_fen - taken.pop((line.receiver, line.kind), 0)) for line in whole.lines
    ]
    if taken or any(amount < 0 for _, _, amount in lines):
        raise ValueError("the reversal is not one of this split")
    return Split(_lines(lines), (*whole.explanation, *reversed_part.explanation))


def _lines(amounts: Sequence[tuple[str, Kind, int]]) -> tuple[SplitLine, ...]:
    return tuple(SplitLine(receiver, kind, amount) for receiver, kind, amount in amounts if amount)


def _explained(payment_fen: int, rates: SaleRates, receivers: Sequence[Receiver]) -> tuple[str, ...]:
    shares = ", ".join(
        f"{each.role} {each.receiver} {_percent(each.share)}"
        for each in sorted(receivers, key=lambda each: (ORDER.index(each.role), each.receiver))
    )
    vat = rates.vat.rate
    return (
        f"The payment of {format_fen(payment_fen)} includes VAT at {_percent(vat)}, which is {vat / (1 + vat)} of it "
        f"({rates.vat.source}, from {rates.vat.from_day}).",
        f"The market's fee is {_percent(rates.fee.rate)} of the price without tax ({rates.fee.source}, from "
        f"{rates.fee.from_day}).",
        f"The rest is shared: {shares}.",
        "Fractions of a fen go to the largest remainders, so that the lines sum to the payment.",
    )


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.10g} %"
