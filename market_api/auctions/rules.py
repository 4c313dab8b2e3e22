"""The rules of a lot, fixed at its announcement and known by their hash. Source: models §6."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from market_api.trading.terms import Terms
from pricing.english import EnglishRules
from vault.moments import text_of
from vault.signing import canonical

Format = Literal["english", "sealed_first", "sealed_second", "sealed_uniform", "rsop"]
WINDOW_SECONDS = 300
EXTENSION_SECONDS = 300
EXTENSIONS_MAX = 24
LAST_CALL_SECONDS = 1800
MOMENTS = ("announced_at", "opens_at", "closes_at", "reveals_until")


@dataclass(frozen=True)
class Rules:
    """What is decided of a lot before its first bid.

    licences: how many are sold, None without limit; reserve_fen: P² at the announcement; every amount is a multiple of
    increment_fen; deposit_fen: of each bidder; reveals_until: the end of the reveals of sealed bids, None in an English
    auction; seed_commitment: SHA-256 of the seed of its draws; window, extension, extensions_max, last_call: of the
    soft close.
    """

    auction_id: str
    listing_id: str
    release_id: str
    datasheet_hash: str
    seller_id: str
    format: Format
    licences: int | None
    reserve_fen: int
    increment_fen: int
    deposit_fen: int
    announced_at: datetime
    opens_at: datetime
    closes_at: datetime
    reveals_until: datetime | None
    terms: Terms
    terms_hash: str
    seed_commitment: str
    window_seconds: int = WINDOW_SECONDS
    extension_seconds: int = EXTENSION_SECONDS
    extensions_max: int = EXTENSIONS_MAX
    last_call_seconds: int = LAST_CALL_SECONDS

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From plain values, as `document` gives them."""
        times = {name: document[name] and datetime.fromisoformat(document[name]) for name in MOMENTS}
        return cls(**{**document, **times, "terms": Terms.read(document["terms"])})

    def document(self) -> dict[str, Any]:
        """As plain values."""
        moments = {name: getattr(self, name) for name in MOMENTS}
        times = {name: None if at is None else text_of(at) for name, at in moments.items()}
        return {**asdict(self), **times, "terms": self.terms.document()}

    @property
    def hash(self) -> str:
        """SHA-256 over canonical JSON (RFC 8785)."""
        return hashlib.sha256(canonical(self.document())).hexdigest()

    @property
    def is_sealed(self) -> bool:
        """Whether bids are committed to and revealed later."""
        return self.format != "english"

    @property
    def english(self) -> EnglishRules:
        """The rules of an English auction, as the pure functions take them."""
        return EnglishRules(
            self.reserve_fen,
            self.increment_fen,
            self.opens_at,
            self.closes_at,
            timedelta(seconds=self.window_seconds),
            timedelta(seconds=self.extension_seconds),
            self.extensions_max,
        )

    @property
    def last_call(self) -> timedelta:
        """How long the sealed last call is open."""
        return timedelta(seconds=self.last_call_seconds)
