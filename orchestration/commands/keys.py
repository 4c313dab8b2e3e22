"""`jinku keys`: where the keys come from, and new ones for old."""

import os
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from orchestration.recovery import sole
from vault.home import home_from, settings_from
from vault.key_use import record_key_use
from vault.keys import LAYERS, open_keys, rotate_master
from vault.keys.master import BY_COMMAND, IN_ENVIRONMENT, NEXT_IN_ENVIRONMENT, master_path
from vault.layer_rotation import rotate_layers
from vault.layers import Vault, open_vault


def show_keys(console: Console) -> None:
    """Which master key is in force, by its id, where it comes from, and which layers have a key of their own.

    Raises JinkuError as `vault.keys.open_keys` does.
    """
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    console.print(f"master key {_master_id(vault)} from {escape(_origin(vault))}")
    for layer in LAYERS:
        path = vault.home.layer(layer)
        console.print(f"  {layer:<12}{f'{path.stat().st_size:,} bytes' if path.exists() else 'not there yet'}")


def rotate_keys(console: Console, layers: bool, now: datetime, actor: str) -> None:
    """Wrap all keys under a new master key; with `layers` every layer is copied under a new data key of its own too.

    Reads go on meanwhile. Raises JinkuError as `rotate_master` and `rotate_layers` do, and `already_running` where a
    run writes the layers.
    """
    vault = open_vault(home_from(os.environ), settings_from(os.environ))
    before = _master_id(vault)
    if layers:
        with sole(vault.home, "run", by="jinku keys rotate"):
            record_key_use(vault, "rotation of the layers' keys", now, actor)
            renewed = rotate_layers(vault)
        console.print(f"new data keys: {', '.join(renewed) if renewed else 'no layer is there yet'}")
    record_key_use(vault, "rotation of the master key", now, actor)
    after = rotate_master(vault.home, vault.source)
    console.print(f"master key {before} is replaced by {after}: every key is wrapped under the new one")
    if vault.source.kind == "file":
        console.print(f"it lies in {escape(str(master_path(vault.home)))}; keep a copy where the backups are not")
    else:
        name = IN_ENVIRONMENT if vault.source.kind == "environment" else BY_COMMAND
        console.print(f"now give it as {name} everywhere, and then remove {NEXT_IN_ENVIRONMENT}")


def _master_id(vault: Vault) -> str:
    return open_keys(vault.home, vault.source).store.master_id


def _origin(vault: Vault) -> str:
    return {"file": str(master_path(vault.home)), "environment": IN_ENVIRONMENT, "command": BY_COMMAND}[
        vault.source.kind
    ]
