"""The home: every path under JINKU_HOME, and the few settings, read once from the environment."""

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vault.errors import JinkuError

REPORTS_PORT = 3001
MARKET_PORT = 3002
REPORTS_URL = f"http://127.0.0.1:{REPORTS_PORT}"
ENGINE_SHARE = 0.7
MEMORY_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]i?B)")


@dataclass(frozen=True)
class Settings:
    """How much of the machine a run may use.

    memory_limit: size text such as '4GiB', of which the engine gets seven tenths: the rest is for what is outside its
    accounts, Python first of all; threads: worker threads of the engine;
    settle_seconds: how long a landed file must be unchanged before it is collected; reports_url: where the reports
    are served; encrypt_general: whether received bytes of sources of grade general are encrypted too.
    """

    memory_limit: str
    threads: int
    settle_seconds: float
    reports_url: str = REPORTS_URL
    encrypt_general: bool = True

    @property
    def engine_memory_limit(self) -> str:
        """The engine's share of the memory, in whole MiB."""
        number, unit = MEMORY_SIZE.fullmatch(self.memory_limit).groups()  # type: ignore[union-attr]
        base = 1024 if "i" in unit else 1000
        size_bytes = float(number) * base ** ("KMGT".index(unit[0]) + 1)
        return f"{int(size_bytes * ENGINE_SHARE) >> 20}MiB"


@dataclass(frozen=True)
class Home:
    """Where everything of one city lives. No path outside `root` is written."""

    root: Path

    @property
    def landing(self) -> Path:
        """Where providers drop files."""
        return self.root / "landing"

    @property
    def truth(self) -> Path:
        """What is wrong in the sample files, for judging quality figures."""
        return self.root / "samples" / "truth"

    @property
    def keys(self) -> Path:
        """The folder of the keys, mode 700."""
        return self.root / "keys"

    @property
    def received(self) -> Path:
        """Received bytes, content-addressed, and encrypted as their grade asks."""
        return self.root / "vault" / "received"

    @property
    def work(self) -> Path:
        """Short-lived working files of the vault; emptied at each start."""
        return self.root / "vault" / "work"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage."""
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """dbt's target and log folders."""
        return self.root / "dbt"

    @property
    def quality(self) -> Path:
        """The quality history: every evaluation of every table, counts and rates only."""
        return self.root / "quality"

    @property
    def metering(self) -> Path:
        """The meter: seconds, bytes and names of columns of every table's tasks."""
        return self.root / "metering"

    @property
    def reports(self) -> Path:
        """Pages for people; no value of the data stands in them."""
        return self.root / "reports"

    @property
    def pricing(self) -> Path:
        """The store of valuations, and proposed parameters of the market that no person has approved yet."""
        return self.root / "pricing"

    @property
    def registry(self) -> Path:
        """The registry of rights, reviews and releases, and the black box; mode 700."""
        return self.root / "registry"

    @property
    def witness(self) -> Path:
        """Signed checkpoints of the black box, outside its database: copy them to a place of their own."""
        return self.root / "witness"

    @property
    def releases(self) -> Path:
        """Released components: the only tables that may leave the vault, with their datasheets."""
        return self.root / "releases"

    @property
    def market(self) -> Path:
        """The market's own folder, unless it is told another: its keys, database and copies. The vault reads none."""
        return self.root / "market"

    @property
    def market_trades(self) -> Path:
        """What the market had cleared, signed by it, where it was brought here: components are priced by it."""
        return self.pricing / "market-trades.json"

    @property
    def market_public(self) -> Path:
        """The public keys of the market, brought here by the operator. They sign its trades and nothing of the vault's,
        so they lie apart from `public`."""
        return self.root / "market-public"

    def layer(self, name: str) -> Path:
        """The DuckDB file of one layer: raw, warehouse, components or entities."""
        return self.root / "vault" / f"{name}.duckdb"


def report_link(home: Home, settings: Settings, page: Path) -> str:
    """Where a page below `reports` is read in a browser: `jinku up` serves that folder."""
    return f"{settings.reports_url.rstrip('/')}/{page.relative_to(home.reports).as_posix()}"


def home_from(environment: Mapping[str, str]) -> Home:
    """The home named by JINKU_HOME, `.jinku` in the current folder otherwise."""
    return Home(Path(environment.get("JINKU_HOME") or ".jinku").resolve())


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Settings from JINKU_MEMORY_LIMIT, JINKU_THREADS, JINKU_SETTLE_SECONDS, JINKU_REPORTS_URL and
    JINKU_ENCRYPT_GENERAL.

    Raises JinkuError `setting` where one is not what it should be.
    """
    settings = Settings(
        memory_limit=environment.get("JINKU_MEMORY_LIMIT") or "4GiB",
        threads=_whole(environment, "JINKU_THREADS", os.cpu_count() or 2),
        settle_seconds=_seconds(environment, "JINKU_SETTLE_SECONDS", 2.0),
        reports_url=environment.get("JINKU_REPORTS_URL") or REPORTS_URL,
        encrypt_general=_yes(environment, "JINKU_ENCRYPT_GENERAL"),
    )
    if not MEMORY_SIZE.fullmatch(settings.memory_limit):
        raise _setting_error("JINKU_MEMORY_LIMIT", settings.memory_limit, "a size such as 4GiB")
    return settings


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise _setting_error(name, text, "a whole number from 1 on")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise _setting_error(name, text, "a number of seconds from 0 on")
    return float(text)


def _yes(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "yes"
    if text not in ("yes", "no"):
        raise _setting_error(name, text, "yes or no")
    return text == "yes"


def _setting_error(name: str, given: str, wanted: str) -> JinkuError:
    return JinkuError("setting", f"{name} is '{given}', which is not {wanted}", "environment", "Correct it.")


def prepare(home: Home) -> None:
    """Create the home's folders; private ones with mode 700.

    Raises JinkuError `home_unwritable` where the home cannot be written.
    """
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        for private in (home.landing, home.keys, home.root / "vault", home.received, home.work, home.registry):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (home.dagster, home.dbt, home.quality, home.reports, home.pricing, home.witness, home.releases):
            folder.mkdir(exist_ok=True)
        probe = home.work / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise storage_error(error, home.root) from None


def storage_error(error: OSError, where: Path) -> JinkuError:
    """The clean form of a failed write: disk full, read-only, or another cause by name."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return JinkuError(
            "disk_full", "no space left on the disk", str(where), "Free space and run again; what was collected stays."
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return JinkuError(
            "home_unwritable", "the home cannot be written", str(where), "Set JINKU_HOME to a folder you may write."
        )
    return JinkuError("storage", error.strerror or type(error).__name__, str(where), "See to the disk and run again.")
