"""Lots drawn by a seed: the order of equal bids, and the two sides of a random sampling auction.

The seed is committed to before the bidding and revealed after it, so nobody can choose it to suit the bids, and
everybody can draw again. Source: models §6.
"""

import hashlib
import hmac
from collections.abc import Callable

Order = Callable[[str], bytes]
"""From a bid's id to its key: of equal bids the one with the smaller key comes first."""
Side = Callable[[str], int]
"""From a bidder's id to side 0 or 1."""


def drawn_order(seed: bytes) -> Order:
    """HMAC-SHA256(seed, bid id), compared as bytes. Raises ValueError for an empty seed. Source: models §6."""
    _check(seed)
    return lambda bid_id: _digest(seed, bid_id)


def drawn_side(seed: bytes) -> Side:
    """The parity of HMAC-SHA256(seed, bidder id). Raises ValueError for an empty seed. Source: models §6."""
    _check(seed)
    return lambda bidder_id: _digest(seed, bidder_id)[-1] & 1


def seed_commitment(seed: bytes) -> str:
    """SHA-256 of the seed in hexadecimal, published before the bidding. Raises ValueError for an empty seed.

    Source: models §6.
    """
    _check(seed)
    return hashlib.sha256(seed).hexdigest()


def seed_kept(seed: bytes, commitment: str) -> bool:
    """Whether the revealed seed is the one committed to. Source: models §6."""
    return hmac.compare_digest(seed_commitment(seed).encode(), commitment.lower().encode())


def _check(seed: bytes) -> None:
    if not seed:
        raise ValueError("the seed is empty, so everybody could know the draw beforehand")


def _digest(seed: bytes, name: str) -> bytes:
    return hmac.new(seed, name.encode(), hashlib.sha256).digest()
