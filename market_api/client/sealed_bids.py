"""Sealed bids: the amount and the nonce that a bidder has to keep until the reveals, in a file of its own.

The file is there before the commitment is handed in: a bid that cannot be revealed forfeits its deposit.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from market_api.auctions.outcome import commitment_of
from vault.durable import write_private

NONCE_BYTES = 16


@dataclass(frozen=True)
class SealedBid:
    """What is revealed later. bidder: one's pseudonym in the auction."""

    auction_id: str
    bidder: str
    amount_fen: int
    nonce: str

    @property
    def commitment(self) -> str:
        """What is handed in now: SHA-256 of 'lot|bidder|amount|nonce', as hex."""
        return commitment_of(self.auction_id, self.bidder, self.amount_fen, self.nonce)


def kept_bid(path: Path, auction_id: str, bidder: str, amount_fen: int) -> SealedBid:
    """The bid that a file keeps, written now where there is none, readable by its owner alone.

    A file of the same bid is taken as it is, so that handing it in again is the same act. Raises ValueError where the
    file keeps another bid, and OSError.
    """
    if path.exists():
        found = read_bid(path)
        if (found.auction_id, found.bidder, found.amount_fen) != (auction_id, bidder, amount_fen):
            raise ValueError(f"{path} keeps another bid, of {found.amount_fen} fen in {found.auction_id}")
        return found
    bid = SealedBid(auction_id, bidder, amount_fen, secrets.token_hex(NONCE_BYTES))
    write_private(path, json.dumps(asdict(bid), indent=1).encode())
    return bid


def read_bid(path: Path) -> SealedBid:
    """The bid that a file keeps. Raises OSError, and ValueError where it keeps none."""
    try:
        return SealedBid(**json.loads(path.read_bytes()))
    except (TypeError, ValueError):
        raise ValueError(f"{path} keeps no sealed bid") from None
