"""What an auction draws from the market's keys: its seed, and the names under which its bidders stand in the record.

Both follow from the market's root secret and the auction's name, so neither can be chosen to suit the bids, and nobody
without the key can know them before they are told.
"""

import hashlib
import hmac

from market_api.keys import MarketKeys

PSEUDONYM_DIGITS = 16


def seed_of(keys: MarketKeys, auction_id: str) -> bytes:
    """HMAC-SHA256 of the auction's name: committed to at the announcement, revealed at the close."""
    return hmac.new(keys.derived("auction-seed"), auction_id.encode(), hashlib.sha256).digest()


def pseudonym_of(keys: MarketKeys, auction_id: str, participant_id: str) -> str:
    """The name of a bidder in one auction, such as 'bidder-4f…': another one in the next."""
    told = f"{auction_id}|{participant_id}".encode()
    digest = hmac.new(keys.derived("auction-pseudonym"), told, hashlib.sha256).hexdigest()
    return f"bidder-{digest[:PSEUDONYM_DIGITS]}"
