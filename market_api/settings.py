"""The market's settings, read once from its own environment. It is never told where the vault lies or its keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vault.errors import JinkuError
from vault.home import MARKET_PORT

NOTICE_DAYS = 7
"""Between the announcement of an auction and its opening, at least. Source: Auction Law, art. 45."""
NOTICE_DAYS_MAX = 365


@dataclass(frozen=True)
class MarketSettings:
    """Where releases lie and who must have signed them, where the market keeps its own, and how it is reached.

    releases: the folder of released components, only read; trust: the folder of the public keys that their signatures
    are checked with; folder: the market's own keys, copies and, by default, database; database_url: in SQLAlchemy's
    form, SQLite or PostgreSQL; public_url: as clients reach it, without a slash at its end;
    openid_issuer: an external OpenID issuer whose tokens are taken instead of the market's own, empty for none;
    openid_audience: what those tokens must be meant for; notice_days: between the announcement of an auction and its
    opening, below NOTICE_DAYS only for tests and demonstrations.
    """

    releases: Path
    trust: Path
    folder: Path
    database_url: str
    public_url: str
    openid_issuer: str = ""
    openid_audience: str = "jinku-market"
    rate_limit: str = "600/minute"
    body_bytes_max: int = 1 << 20
    metrics_open: bool = False
    notice_days: int = NOTICE_DAYS

    @property
    def copies(self) -> Path:
        """Where the copies made for buyers lie."""
        return self.folder / "copies"

    @property
    def witness(self) -> Path:
        """Where the black box's signed checkpoints lie, outside the database."""
        return self.folder / "witness"


def settings_of(environment: Mapping[str, str]) -> MarketSettings:
    """The settings that an environment states. Raises JinkuError `market_not_set` for what has no default."""
    folder = Path(_needed(environment, "JINKU_MARKET_FOLDER"))
    return MarketSettings(
        releases=Path(_needed(environment, "JINKU_RELEASES")),
        trust=Path(_needed(environment, "JINKU_MARKET_TRUST")),
        folder=folder,
        database_url=environment.get("JINKU_MARKET_DB") or sqlite_url(folder / "market.sqlite"),
        public_url=(environment.get("JINKU_MARKET_URL") or f"http://127.0.0.1:{MARKET_PORT}").rstrip("/"),
        openid_issuer=environment.get("JINKU_MARKET_OPENID_ISSUER", ""),
        openid_audience=environment.get("JINKU_MARKET_OPENID_AUDIENCE") or "jinku-market",
        rate_limit=environment.get("JINKU_MARKET_RATE_LIMIT") or "600/minute",
        metrics_open=environment.get("JINKU_MARKET_METRICS") == "open",
        notice_days=_notice_days(environment.get("JINKU_MARKET_NOTICE_DAYS")),
    )


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{quote(str(path.absolute()))}"


def _notice_days(given: str | None) -> int:
    if not given:
        return NOTICE_DAYS
    if given.isascii() and given.isdigit() and int(given) <= NOTICE_DAYS_MAX:
        return int(given)
    raise JinkuError(
        "setting",
        f"JINKU_MARKET_NOTICE_DAYS is '{given}', which is no number of days from 0 to {NOTICE_DAYS_MAX}",
        "environment",
        "Leave it out: an auction is announced seven days ahead. Fewer are for tests and demonstrations.",
    )


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise JinkuError(
        "market_not_set",
        f"the market is not told its {name}",
        "environment",
        "Start it with `jinku market serve`, which sets everything, or set it yourself.",
    )
