"""`jinku backup` and `jinku restore`: the whole home in one file, and back."""

import os
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from orchestration.recovery import sole
from vault.backup.archive import Manifest
from vault.backup.restoring import restore_home, verify_backup
from vault.backup.saving import back_up
from vault.errors import JinkuError
from vault.home import home_from, settings_from
from vault.key_use import record_key_use
from vault.keys.master import master_path
from vault.layers import open_vault


def save_home(console: Console, file: Path, with_master_key: bool, now: datetime, actor: str) -> None:
    """Save the home in one file that appears whole or not at all.

    Raises JinkuError as `vault.backup.saving.back_up` does, and `already_running` where a run is at work.
    """
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    with sole(vault.home, "run", by="jinku backup"):
        record_key_use(vault, "backup", now, actor)
        manifest = back_up(vault, file, now, with_master_key=with_master_key)
    console.print(f"[bold green]saved[/] {_told(manifest)} in {escape(str(file))}")
    _tell_of_master(console, manifest)


def check_backup(console: Console, file: Path) -> None:
    """Read a backup to its end and compare every file with its hash. Raises JinkuError as `verify_backup` does."""
    manifest = verify_backup(file)
    console.print(f"[bold green]whole[/]: {_told(manifest)}, made {manifest.made_at:%F %T}Z")
    _tell_of_master(console, manifest)


def put_back(console: Console, file: Path, now: datetime, actor: str) -> None:
    """Put a backup back as the home, which must be empty, and try whether its keys open.

    Raises JinkuError as `vault.backup.restoring.restore_home` does; a master key that is not there yet is told, not
    raised.
    """
    home = home_from(os.environ)
    manifest = restore_home(file, home)
    console.print(
        f"[bold green]restored[/] {_told(manifest)}, made {manifest.made_at:%F %T}Z, to {escape(str(home.root))}"
    )
    try:
        vault = open_vault(home, settings_from(os.environ))
    except JinkuError as error:
        if error.code not in ("key_lost", "key_wrong"):
            raise
        console.print(
            f"[yellow]next[/]: put master key {manifest.master_id} at {escape(str(master_path(home)))}, mode 600, or "
            "give it in the environment"
        )
        return
    record_key_use(vault, "restored from a backup", now, actor)
    console.print("its keys open")


def _told(manifest: Manifest) -> str:
    return f"{len(manifest.files):,} files, {manifest.size_bytes:,} bytes"


def _tell_of_master(console: Console, manifest: Manifest) -> None:
    if manifest.has_master_key:
        console.print(f"[yellow]master key {manifest.master_id} is inside[/]: whoever has the file can read everything")
    else:
        console.print(f"master key {manifest.master_id} is not inside: keep it elsewhere, nothing opens without it")
