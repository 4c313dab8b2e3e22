"""The market under a user of its own: what of the home is its, what it may read, and a process that is nobody else.

Without such a user the market's process is given no key, but runs as whoever owns them. With one the system itself
keeps it from every file of the vault. Source: architecture (the market's process).
"""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vault.errors import JinkuError
from vault.home import Home, storage_error
from vault.isolation import market_environment
from vault.signing import public_folder

SETTING = "JINKU_MARKET_USER"


@dataclass(frozen=True)
class MarketUser:
    """A user of the system that is neither root nor the vault's own. name: as the setting says it; uid, gid: its own
    number and that of its first group, the only one that it keeps."""

    name: str
    uid: int
    gid: int


def market_user(environment: Mapping[str, str], own_uid: int) -> MarketUser | None:
    """The user that the market is to run as; None where the setting names none.

    own_uid: the user of this process, who has to be root to become another. Raises JinkuError `market_user_unknown`
    where the system has no such user, and `market_user_refused` where it is root, the vault's own, or cannot be become.
    """
    name = environment.get(SETTING)
    if not name:
        return None
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        raise JinkuError(
            "market_user_unknown",
            f"{SETTING} is '{name}', and the system knows no such user",
            "environment",
            "Make the user (`useradd --system`), or correct the name.",
        ) from None
    if known.pw_uid in (0, own_uid):
        raise _refused(f"'{name}' is {'root' if known.pw_uid == 0 else 'the user of the vault itself'}")
    if own_uid != 0:
        raise _refused(f"this process is not root, so it cannot become '{name}'", "Start it as root, or leave it out.")
    return MarketUser(name, known.pw_uid, known.pw_gid)


def hand_over(home: Home, user: MarketUser, environment: Mapping[str, str]) -> None:
    """Give the market's folder to its user, mode 700, and let its group read the releases and the public keys.

    Releases that are made later are readable too, as new files take the group of their folder. Raises JinkuError
    `market_user_refused` where the market's folder holds, or lies in, what is the vault's, and what a disk raises.
    """
    folder = Path(market_environment(environment, home)["JINKU_MARKET_FOLDER"]).resolve()
    vaults = (home.keys, home.root / "vault", home.registry, home.landing)
    if any(each.is_relative_to(folder) for each in (home.root, *vaults)) or any(
        folder.is_relative_to(each) for each in vaults
    ):
        raise _refused(f"the market's folder {folder} is not apart from the vault's", "Correct JINKU_MARKET_FOLDER.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, at in _within(folder):
            os.chown(name, user.uid, user.gid, dir_fd=at, follow_symlinks=False)
        os.chown(folder, user.uid, user.gid)
        folder.chmod(0o700)
        if not home.root.stat().st_mode & stat.S_IXOTH:
            _let_in(home.root, user, stat.S_IXGRP)
        for shown in (home.releases, public_folder(home)):
            _let_read(shown, user)
    except OSError as error:
        raise storage_error(error, Path(error.filename or folder)) from None


def become(user: MarketUser, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as another program of that user, with no right of this process left.

    Raises JinkuError `market_user_refused` where the user may not run it.
    """
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    try:
        os.execve(command[0], list(command), dict(environment))
    except OSError:
        raise cannot_run(user, command[0]) from None


def cannot_run(user: MarketUser, program: str) -> JinkuError:
    """That the user may not run the interpreter, as where it lies in another user's home."""
    return _refused(f"'{user.name}' may not run {program}", "Install Python and Jinku where that user can read them.")


def _within(folder: Path) -> Iterator[tuple[str, int]]:
    """Every folder and file below, by name and open parent, so that no link put there meanwhile leads elsewhere. What
    has another name somewhere else is left alone."""
    for _, folders, files, at in os.fwalk(folder):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1):
                yield name, at


def _let_read(folder: Path, user: MarketUser) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _let_in(folder, user, stat.S_IRGRP | stat.S_IXGRP | stat.S_ISGID)
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            _let_in(path, user, stat.S_IRGRP | stat.S_IXGRP | stat.S_ISGID)
        elif path.is_file() and not path.is_symlink():
            _let_in(path, user, stat.S_IRGRP)


def _let_in(path: Path, user: MarketUser, bits: int) -> None:
    os.chown(path, -1, user.gid)
    path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)


def _refused(cause: str, action: str = "Name a user that is the market's alone.") -> JinkuError:
    return JinkuError(
        "market_user_refused", f"the market cannot run as the user of {SETTING}: {cause}", SETTING, action
    )
