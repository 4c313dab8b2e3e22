"""Settlement of a sale: deposits, and a payment split so that every fen of it is somebody's.

Source: models §6.
"""

from dataclasses import dataclass
from fractions import Fraction

from pricing.clearance import Clearance, require_clearance
from pricing.exact import whole_fen, within
from pricing.money import Amount, allocate, round_half_up

DEPOSIT_SHARE = Fraction(1, 10)


@dataclass(frozen=True)
class Settlement:
    """Fen of one payment: to the seller, to the market, to the tax office."""

    seller_fen: int
    fee_fen: int
    tax_fen: int


def deposit(reserve_fen: int, share: Amount = DEPOSIT_SHARE) -> int:
    """The deposit of a bidder: 10 % of the reserve in whole fen, forfeited where it does not reveal or pay.

    Fen, 0 or more; share in [0, 1]; else ValueError. Source: models §6.
    """
    return round_half_up(whole_fen("reserve_fen", reserve_fen) * within("share", share, 0, 1))


def settled(payment_fen: int, fee_share: Amount, tax_share: Amount, clearance: Clearance) -> Settlement:
    """The payment by largest remainder: seller + fee + tax = payment, exactly.

    Fen, 0 or more; shares of the payment, each and together in [0, 1]. Raises ValueError else, and where the component
    lacks clearance, as no auction may close then. Source: models §6.
    """
    require_clearance(clearance)
    fee, tax = within("fee_share", fee_share, 0, 1), within("tax_share", tax_share, 0, 1)
    rest = 1 - within("fee_share + tax_share", fee + tax, 0, 1)
    seller_fen, fee_fen, tax_fen = allocate(whole_fen("payment_fen", payment_fen), [rest, fee, tax])
    return Settlement(seller_fen, fee_fen, tax_fen)
