"""`jinku blackbox`: whether the log is whole, proofs for people outside and their checking, and the last entries."""

import difflib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vault.black_box.entries import KINDS
from vault.black_box.log import Logged, last_entries, size_of
from vault.black_box.proofs import prove_growth, prove_inclusion, proves_consistency, proves_inclusion
from vault.black_box.reading import reading
from vault.black_box.verification import Verified, verify_home
from vault.black_box.witness import lines_of
from vault.errors import JinkuError
from vault.home import home_from
from vault.signing import canonical, public_keys, public_keys_in, trusted_keys_in


def verify_black_box(console: Console, witness: Path | None, keys: Path | None) -> int:
    """Verify every row of the log and say what is wrong, each problem on a line; 1 where it is not whole, else 0.

    witness: a copy of the signed checkpoints kept elsewhere, which may be older; keys: a folder of public keys kept
    elsewhere. Raises JinkuError as `verify_home` and `public_keys_in` do.
    """
    home = home_from(os.environ)
    found = verify_home(home, witness, None if keys is None else public_keys_in(keys))
    for problem in found.problems:
        console.print(f"[bold red]{problem.kind.replace('_', ' ')}[/]: {escape(problem.what)}", soft_wrap=True)
    if found.more_problems:
        console.print(f"and {found.more_problems:,} more")
    console.print(_verdict(found), soft_wrap=True)
    return 0 if found.is_whole else 1


def prove_entry(console: Console, entry: int) -> int:
    """Print an entry's proof as JSON, for a file or a pipe, after checking it as anybody would; 1 where it fails.

    Raises JinkuError `nothing_recorded`, `unknown_entry` and `black_box_broken`.
    """
    return _proved(console, lambda connection: prove_inclusion(connection, entry), proves_inclusion)


def prove_since(console: Console, size: int) -> int:
    """Print the proof that the log of today begins with all of the log of a checkpoint, by the number of its entries;
    as `prove_entry` does. Raises JinkuError likewise."""
    return _proved(console, lambda connection: prove_growth(connection, size), proves_consistency)


def check_proof(console: Console, file: Path, keys: Path, witness: Path | None) -> int:
    """Check a proof as whoever was given it: with public keys alone, without any home; 1 where it does not hold.

    witness: a copy of the signed checkpoints; the proof's checkpoint, of two the older one, must stand in it. Raises
    JinkuError `proof_unreadable`, `no_public_key` and `key_damaged`.
    """
    proof, trusted = _read_proof(file), trusted_keys_in(keys)
    if proves_inclusion(proof, trusted):
        entry, anchor = proof["entry"], proof["checkpoint"]
        what = f"{entry['kind']} of {entry['subject']}, {_moment(entry['at'])}Z"
        told = f"entry {entry['index']} ({what}) is in {_log(anchor)}"
    elif proves_consistency(proof, trusted):
        anchor = proof["old"]
        told = f"{_log(proof['new'])} begins with {_log(anchor)}"
    else:
        console.print("[bold red]not proved[/]: the hashes do not fit, or none of the keys signed it", soft_wrap=True)
        return 1
    if witness is not None and not _is_stated(anchor, witness):
        console.print(
            f"[bold red]not proved[/]: {_log(anchor)} does not stand in {escape(str(witness))}", soft_wrap=True
        )
        return 1
    console.print(f"[green]proved[/]: {escape(told)}", soft_wrap=True)
    return 0


def _proved(
    console: Console,
    prove: Callable[[sa.Connection], dict[str, Any]],
    holds: Callable[[Mapping[str, Any], Mapping[str, Ed25519PublicKey]], bool],
) -> int:
    home = home_from(os.environ)
    with reading(home) as connection:
        proof = prove(connection)
    console.print_json(data=proof, indent=1, ensure_ascii=False)
    if holds(proof, public_keys(home)):
        return 0
    Console(stderr=True, soft_wrap=True).print("[bold red]not proved[/]: run `jinku blackbox verify`")
    return 1


def _read_proof(file: Path) -> dict[str, Any]:
    try:
        proof = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(file, error.strerror or type(error).__name__) from None
    except ValueError:
        raise _unreadable(file, "it is no JSON") from None
    if not isinstance(proof, dict):
        raise _unreadable(file, "it is no proof")
    return proof


def _unreadable(file: Path, cause: str) -> JinkuError:
    return JinkuError(
        "proof_unreadable",
        f"the proof cannot be read: {cause}",
        str(file),
        "Give the file that `jinku blackbox prove` wrote.",
    )


def _is_stated(checkpoint: Mapping[str, Any], witness: Path) -> bool:
    """Whether a copy of the signed checkpoints holds exactly this one."""
    try:
        return canonical(checkpoint).decode() in lines_of(witness, witness.stat().st_size)
    except OSError:
        return False


def _log(checkpoint: Mapping[str, Any]) -> str:
    signed = f"root {checkpoint['root'][:16]}, signed by {checkpoint['signature']['key_id']}"
    return f"the log of {checkpoint['size']:,} entries at {_moment(checkpoint['at'])}Z ({signed})"


def show_black_box(console: Console, kind: str | None, subject: str | None, last: int, payloads: bool) -> None:
    """The last entries of a kind and of a subject, oldest first; payloads are told only when asked for.

    Raises JinkuError `unknown_name` for a kind that there is none of, `nothing_recorded` and `registry_unusable`.
    """
    if kind is not None and kind not in KINDS:
        close = difflib.get_close_matches(kind, KINDS, n=1)
        nearest = f"; did you mean '{close[0]}'?" if close else ""
        known = ", ".join(sorted(KINDS))
        raise JinkuError("unknown_name", f"no entry is of kind '{kind}'{nearest}", "black box", f"Known: {known}.")
    with reading(home_from(os.environ)) as connection:
        shown, size = last_entries(connection, last, kind, subject), size_of(connection)
    if shown:
        console.print(_table(shown, payloads))
    console.print(f"{len(shown):,} of {size:,} entries")


def _table(shown: Sequence[Logged], with_payloads: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("entry", justify="right", no_wrap=True)
    for name in ("at (UTC)", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("subject", "actor"):
        table.add_column(name, overflow="fold")
    for logged in shown:
        entry, subject = logged.entry, escape(logged.entry.subject)
        if with_payloads:
            told = "[dim italic]payload erased[/]" if logged.payload is None else f"[dim]{escape(logged.payload)}[/]"
            subject = f"{subject}\n{told}"
        table.add_row(f"{entry.index:,}", _moment(entry.at), entry.kind, subject, escape(entry.actor))
    return table


def _verdict(found: Verified) -> str:
    erased = f", {found.erased:,} with {'its' if found.erased == 1 else 'their'} payload erased" if found.erased else ""
    counted = f"{found.entries:,} {'entry' if found.entries == 1 else 'entries'} read{erased}"
    if found.problems:
        return f"[bold red]not whole[/]: {counted}"
    if found.checkpoint is None:
        return f"[green]whole[/]: {counted}"
    root, key, at = found.checkpoint.root[:16], found.checkpoint.key_id, _moment(found.checkpoint.at)
    return f"[green]whole[/]: {counted}; root {root}, signed by {key} at {at}Z"


def _moment(at: str) -> str:
    return at[:16].replace("T", " ")
