"""`jinku verify`: is a release what the vault signed? Works on any machine, with the release and a public key alone."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from vault.home import Home, home_from
from vault.registry.database import registry_path
from vault.releases.datasheet import DATASHEET
from vault.releases.reading import find_release, read_datasheet, release_folder, releases_in
from vault.releases.verifying import Problem, verify
from vault.signing import public_folder, trusted_keys_in


def verify_releases(console: Console, name: str | None, keys: Path | None) -> int:
    """Verify one release, or without a name all of this home; each problem is one line.

    name: a component (its newest release), 'component@number', or the path of a release's folder or datasheet; keys: a
    folder of public keys, by default those of this home. Where the release is one of this home, the records of its
    vault are asked too. 1 where a release is not what was signed, else 0. Raises JinkuError `unknown_release`,
    `no_public_key`, `key_damaged`.
    """
    home = home_from(os.environ)
    public_keys = trusted_keys_in(keys or public_folder(home))
    wrong = 0
    for folder, expected in _chosen(home, name):
        asked = home if home.releases in folder.parents and registry_path(home).exists() else None
        problems = verify(folder, public_keys, asked, expected)
        _show(console, folder, expected, problems, asked is not None)
        wrong += bool(problems)
    return int(wrong > 0)


def _chosen(home: Home, name: str | None) -> list[tuple[Path, str]]:
    """The folders to verify, each with the release it has to be; '' where only the datasheet tells."""
    if name is None:
        return [(each.path, each.release_id) for each in releases_in(home.releases)]
    path = Path(name)
    if "/" in name or path.name == DATASHEET:
        folder = release_folder(path.resolve())
        known = {each.path: each.release_id for each in releases_in(home.releases)}
        return [(folder, known.get(folder, ""))]
    found = find_release(home.releases, name)
    return [(found.path, found.release_id)]


def _show(console: Console, folder: Path, expected: str, problems: Sequence[Problem], with_records: bool) -> None:
    name = expected or str(folder)
    for problem in problems:
        console.print(f"[bold red]wrong[/] {escape(f'{name}: {problem}')}", soft_wrap=True)
    if problems:
        return
    sheet = read_datasheet(folder)
    records = "the vault's review and price agree" if with_records else "the vault's records were not asked"
    console.print(
        f"[green]right[/] {escape(sheet['release'])}: {sheet['table']['rows']:,} rows in {len(sheet['files'])} files, "
        f"signed by {sheet['signature']['key_id']}, S = {sheet['review']['security']}; {records}",
        soft_wrap=True,
    )
