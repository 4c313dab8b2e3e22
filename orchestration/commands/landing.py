"""Putting files into the landing zone: one file, a folder of real files, or the sample city."""

import json
import os
from pathlib import Path

from rich.console import Console

from orchestration.declarations import declarations
from vault.collection import batch_name, file_sha256
from vault.errors import JinkuError
from vault.home import Home, home_from, prepare
from vault.landing import fits, land, source_of
from vault.layers import Vault, connect
from vault.ledger import batches


def land_file(console: Console, file: Path, source: str | None) -> None:
    """Land one file. Raises JinkuError `unknown_source` where no source claims it."""
    known = declarations().sources
    name = source or source_of(Path(file.name), known)
    if name is None or name not in known:
        raise JinkuError(
            "unknown_source",
            f"no declared source claims '{file.name}'" if source is None else f"there is no source '{source}'",
            str(file),
            f"Name one with --source: {', '.join(sorted(known))}.",
        )
    home = home_from(os.environ)
    prepare(home)
    land(home, file, name)
    console.print(f"landed {file.name} for {name}; `jinku run` or the sensor new_sources collects it")


def land_folder(vault: Vault, folder: Path) -> dict[str, int]:
    """Land every file below `folder` that a declared source claims and that is not collected yet; files by source.

    Raises JinkuError `folder_missing` or `nothing_claimed`.
    """
    if not folder.is_dir():
        raise JinkuError("folder_missing", "there is no such folder", str(folder), "Give a folder with DATA=.")
    known = declarations().sources
    claimed = [
        (path, name)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name in [next((name for name, contract in known.items() if fits(path.name, contract)), None)]
        if name is not None
    ]
    if not claimed:
        raise JinkuError(
            "nothing_claimed",
            "no declared source claims a file here",
            str(folder),
            "See `jinku sources` for the names.",
        )
    collected = _collected(vault)
    landed: dict[str, int] = {}
    for path, name in claimed:
        if (name, batch_name(path.name, file_sha256(path))) not in collected:
            land(vault.home, path, name)
            landed[name] = landed.get(name, 0) + 1
    return landed


def land_samples(vault: Vault, scale: float, seed: int) -> dict[str, int]:
    """Build the sample city once per scale and seed, and land it; files by source."""
    from samples.city import build_city

    marker = vault.home.root / "samples" / "landed.json"
    wanted = {"scale": scale, "seed": seed}
    if marker.exists() and json.loads(marker.read_text()) == wanted:
        return {}
    drop = vault.home.work / "samples"
    city = build_city(drop, truth=vault.home.truth, scale=scale, seed=seed)
    collected = _collected(vault)
    landed: dict[str, int] = {}
    for file in city.files:
        path = drop / file.source / file.name
        if (file.source, batch_name(file.name, file.sha256)) not in collected:
            _move_in(vault.home, path, file.source)
            landed[file.source] = landed.get(file.source, 0) + 1
        else:
            path.unlink()
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(wanted))
    return landed


def _move_in(home: Home, path: Path, source: str) -> None:
    """Complete already: an old time stamp spares the settle time."""
    os.utime(path, (0, 0))
    target = home.landing / source / path.name
    target.parent.mkdir(exist_ok=True)
    path.replace(target)


def _collected(vault: Vault) -> set[tuple[str, str]]:
    with connect(vault, read=("raw",)) as connection:
        return {(batch.source, batch.batch) for batch in batches(connection)}
