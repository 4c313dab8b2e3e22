"""The login of whoever works at this terminal: the market's address, the client id and its secret, in one file that its
owner alone can read.

It lies where JINKU_MARKET_LOGIN says, else as `market-login.json` in the home: one file for each participant that
somebody is.
"""

import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from market_api.client import Market
from vault.durable import write_private
from vault.errors import JinkuError

FILE_NAME = "market-login.json"
ATTEMPTS_MAX = 3
"""Fewer than a program's: somebody sits there and waits."""


@dataclass(frozen=True)
class Login:
    """Who one is at which market. Its text form does not tell the secret."""

    url: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Login({self.url!r}, {self.client_id!r}, …)"

    def market(self) -> Market:
        """A connection as this participant."""
        return Market(self.url, self.client_id, self.client_secret, attempts_max=ATTEMPTS_MAX)


def login_path(environment: Mapping[str, str]) -> Path:
    """Where the login lies."""
    if own := environment.get("JINKU_MARKET_LOGIN"):
        return Path(own)
    folder = environment.get("JINKU_MARKET_FOLDER")
    return (Path(folder).parent if folder else Path(".jinku")) / FILE_NAME


def keep_login(path: Path, login: Login, *, may_replace: bool) -> None:
    """Write a login. Raises JinkuError `login_there` where another participant's lies there, and OSError."""
    if not may_replace:
        refuse_to_replace(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(asdict(login), indent=1).encode())


def refuse_to_replace(path: Path) -> None:
    """Raises JinkuError `login_there` where a login lies there already: its secret is nowhere else."""
    if path.exists():
        raise JinkuError(
            "login_there",
            "a login lies there, and its secret may be nowhere else",
            str(path),
            "Name another file with JINKU_MARKET_LOGIN, or move this one away.",
        )


def refuse_to_replace_anothers(path: Path, client_id: str) -> None:
    """Raises JinkuError `login_there` where the login of another participant lies there, and as `read_login` does where
    it cannot be said whose it is."""
    if path.exists() and read_login(path).client_id != client_id:
        refuse_to_replace(path)


def read_login(path: Path) -> Login:
    """The login that lies there. Raises JinkuError `login_missing`, `login_open` where others can read it, and
    `login_damaged`."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError:
        raise JinkuError(
            "login_missing",
            "nobody is logged in",
            str(path),
            "Run `jinku market login`, or `jinku market apply` to become a participant.",
        ) from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise JinkuError(
            "login_open", "others on this machine can read the secret", str(path), f"Run `chmod 600 {path}`."
        )
    try:
        return Login(**json.loads(text))
    except (TypeError, ValueError):
        raise JinkuError("login_damaged", "the file is no login", str(path), "Run `jinku market login`.") from None


@contextmanager
def logged_in(environment: Mapping[str, str]) -> Iterator[Market]:
    """The market as whoever is logged in. Raises JinkuError as `read_login` does."""
    with read_login(login_path(environment)).market() as market:
        yield market
