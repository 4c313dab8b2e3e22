"""The commands of the vault: review and sign-off, rights and subjects, keys and backups, the black box, releases."""

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.terminal import console

TOKEN = "JINKU_REVIEWER_TOKEN"
"""A reviewer's token, where no terminal can ask for it."""

Reviewer = Annotated[str, typer.Option("--as", help="the reviewer, such as person:li.wei")]
Reason = Annotated[str, typer.Option(help="why; it goes on record")]
By = Annotated[str | None, typer.Option(help="who decides, such as person:li.wei; the account at work otherwise")]
OfSource = Annotated[str, typer.Option(help="the source the person stands in")]
Number = Annotated[int, typer.Argument(help="of the application")]
Receipt = Annotated[Path | None, typer.Option(help="file for the signed receipt; the terminal otherwise")]


def _now() -> datetime:
    return datetime.now(UTC)


def _actor(named: str | None) -> str:
    """Who acts: as named, or the account of this machine."""
    return named or f"account:{getpass.getuser()}"


def _token() -> str:
    """A reviewer's token, from the environment or a prompt that shows nothing; never from the command line."""
    return os.environ.get(TOKEN) or typer.prompt("token", hide_input=True)


def add_to(app: typer.Typer) -> None:
    """Put the vault's commands beside the others."""
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    for command in (review, approve, refuse, classify, anonymise, verify, backup, restore):
        app.command()(command)


def review(name: Annotated[str | None, typer.Argument(help="a component; all without it")] = None) -> None:
    """S(X) of every component and what stands against it, or the evidence of one review."""
    from orchestration.commands.review import show_review, show_reviews

    if name is None:
        show_reviews(console)
    else:
        show_review(console, name)


def approve(name: Annotated[str, typer.Argument(help="a component")], reviewer: Reviewer, reason: Reason) -> None:
    """Sign a component off, where its review waits for people."""
    from orchestration.commands.review import decide_on

    decide_on(console, name, "approve", reviewer, _token(), reason, _now())


def refuse(name: Annotated[str, typer.Argument(help="a component")], reviewer: Reviewer, reason: Reason) -> None:
    """Refuse a component, where its review waits for people."""
    from orchestration.commands.review import decide_on

    decide_on(console, name, "refuse", reviewer, _token(), reason, _now())


def classify(
    source: Annotated[str, typer.Argument(help="a source, or a file of one that is not declared yet")],
    as_yaml: Annotated[bool, typer.Option("--yaml", help="columns to paste into defs.yaml")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit status 1 where a column looks more sensitive than it is declared")
    ] = False,
) -> None:
    """Propose role and sensitivity of each column, with the reason; what a person declared is never overwritten."""
    from orchestration.commands.classify import classify as propose

    raise SystemExit(propose(console, source, as_yaml, strict))


def anonymise(
    name: Annotated[str, typer.Argument(help="a component whose contract says what it is made from")],
    loss: Annotated[str, typer.Option(help="what to keep small: entropy, certainty or discernibility")] = "entropy",
    write: Annotated[bool, typer.Option("--write", help="write the model instead of printing it")] = False,
) -> None:
    """Find the least generalisation that reaches k, l and t, and write its SQL."""
    from orchestration.commands.anonymise import anonymise as search

    search(console, name, loss, write)


def verify(
    release: Annotated[str | None, typer.Argument(help="component, component@number or a path; all without it")] = None,
    keys: Annotated[Path | None, typer.Option(help="folder of public keys; those of this home otherwise")] = None,
) -> None:
    """Recompute a release: hashes, signature and, where the vault is at hand, S and the price."""
    from orchestration.commands.verify import verify_releases

    raise SystemExit(verify_releases(console, release, keys))


def backup(
    file: Annotated[Path, typer.Argument(help="the file of the backup")],
    with_master_key: Annotated[
        bool, typer.Option("--with-master-key", help="put the master key inside; whoever has the file has everything")
    ] = False,
    check: Annotated[bool, typer.Option("--verify", help="read a backup to its end instead of writing one")] = False,
) -> None:
    """Save the whole home in one file, as encrypted as it lies on the disk."""
    from orchestration.commands.backup import check_backup, save_home

    if check:
        check_backup(console, file)
    else:
        save_home(console, file, with_master_key, _now(), _actor(None))


def restore(file: Annotated[Path, typer.Argument(help="the file of a backup")]) -> None:
    """Put a backup back as the home, which must be empty; every hash is verified first."""
    from orchestration.commands.backup import put_back

    put_back(console, file, _now(), _actor(None))


reviewers = typer.Typer(help="Who may sign components off.")


@reviewers.command("list")
def list_reviewers() -> None:
    """Everyone who may sign off."""
    from orchestration.commands.review import show_reviewers

    show_reviewers(console)


@reviewers.command("add")
def add_reviewer(name: Annotated[str, typer.Argument(help="such as person:li.wei")]) -> None:
    """Admit a reviewer and show their token, this once."""
    from orchestration.commands.review import admit

    admit(console, name, _now())


@reviewers.command("revoke")
def revoke_reviewer(name: Annotated[str, typer.Argument(help="such as person:li.wei")]) -> None:
    """End a reviewer's right to sign off."""
    from orchestration.commands.review import revoke

    revoke(console, name, _now())


rights = typer.Typer(help="The three confirmations of rights (三次确权) on record.")


@rights.command("show")
def show_rights(name: Annotated[str | None, typer.Argument(help="a source, component or product")] = None) -> None:
    """Rights on record: who may do what with which data, and until when."""
    from orchestration.commands.rights import show_rights as show

    show(console, name, _now())


@rights.command("apply")
def apply_for_right(file: Annotated[Path, typer.Argument(help="the application, as YAML")], by: By = None) -> None:
    """Put an application for a right on record."""
    from orchestration.commands.rights import apply_for_right as apply

    apply(console, file, _actor(by), _now())


@rights.command("grant")
def grant_right(number: Number, reason: Reason, by: By = None) -> None:
    """Grant what was applied for; nobody grants their own application."""
    from orchestration.commands.rights import decide_right

    decide_right(console, "grant", number, reason, _actor(by), _now())


@rights.command("refuse")
def refuse_right(number: Number, reason: Reason, by: By = None) -> None:
    """Refuse what was applied for."""
    from orchestration.commands.rights import decide_right

    decide_right(console, "refuse", number, reason, _actor(by), _now())


@rights.command("revoke")
def revoke_right(number: Number, reason: Reason, by: By = None) -> None:
    """Take a granted right back; components that rest on it are reviewed again."""
    from orchestration.commands.rights import decide_right

    decide_right(console, "revoke", number, reason, _actor(by), _now())


@rights.command("lower-grade")
def lower_grade(component: Annotated[str, typer.Argument(help="a component")], reason: Reason, by: By = None) -> None:
    """Sign that a component made from important data is general."""
    from orchestration.commands.rights import lower_grade as lower

    lower(console, component, reason, _actor(by), _now())


consents = typer.Typer(help="Consents of persons, by pseudonym.")


@consents.command("import")
def import_consents(
    source: Annotated[str, typer.Argument(help="a source that rests on consent")],
    file: Annotated[Path, typer.Argument(help="CSV with a column of identifiers")],
    notice: Annotated[str, typer.Option(help="the privacy notice that was agreed to, with its version")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the consents' last day")],
    purpose: Annotated[list[str] | None, typer.Option(help="a purpose; all of the source without it")] = None,
    separate: Annotated[bool, typer.Option("--separate", help="consent of its own for sensitive data too")] = False,
    guardian: Annotated[bool, typer.Option("--guardian", help="given by a guardian")] = False,
    by: By = None,
) -> None:
    """Put the consents of everyone in a file on record; identifiers are hashed as they are read."""
    from orchestration.commands.rights import import_consents as import_file

    import_file(console, source, file, notice, until.date(), _actor(by), purpose or (), separate, guardian, _now())


subjects = typer.Typer(help="What is held about one person, by an identifier that is hashed at the door.")


@subjects.command("show")
def show_subject(source: OfSource) -> None:
    """What is held: tables, rows, batches, consents, components."""
    from orchestration.commands.subject import show_subject as show

    show(console, source)


@subjects.command("explain")
def explain_subject(source: OfSource) -> None:
    """Which components used it, by what right and for which uses."""
    from orchestration.commands.subject import explain_subject as explain

    explain(console, source)


@subjects.command("correct")
def correct_subject(
    source: OfSource,
    column: Annotated[str, typer.Option(help="the column that is wrong")],
    receipt: Receipt = None,
) -> None:
    """Ask the provider to correct a column; what was received is never changed here."""
    from orchestration.commands.subject import correct_subject as correct

    correct(console, source, column, receipt, _now())


@subjects.command("withdraw")
def withdraw_subject(
    source: OfSource,
    purpose: Annotated[list[str] | None, typer.Option(help="a purpose; all of the source without it")] = None,
    receipt: Receipt = None,
) -> None:
    """Withdraw consent, or object: the rows are gone from raw upwards with the next run."""
    from orchestration.commands.subject import withdraw_subject as withdraw

    withdraw(console, source, purpose or (), receipt, _now())


@subjects.command("erase")
def erase_subject(
    source: OfSource,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="in every source that may speak of them")] = False,
    receipt: Receipt = None,
) -> None:
    """Have everything removed; received files that hold the person are destroyed by their keys."""
    from orchestration.commands.subject import erase_subject as erase

    erase(console, source, everywhere, receipt, _now())


keys = typer.Typer(help="The master key and the keys under it.")


@keys.command("show")
def show_keys() -> None:
    """Which master key is in force, by its id, and which layers have keys."""
    from orchestration.commands.keys import show_keys as show

    show(console)


@keys.command("rotate")
def rotate_keys(
    layers: Annotated[bool, typer.Option("--layers", help="copy every layer under a new key of its own")] = False,
) -> None:
    """Wrap all keys under a new master key, while reads go on."""
    from orchestration.commands.keys import rotate_keys as rotate

    rotate(console, layers, _now(), _actor(None))


black_box = typer.Typer(help="The black box (黑匣子): every step on record, in a log that cannot be changed unnoticed.")


@black_box.command("verify")
def verify_black_box(
    witness: Annotated[Path | None, typer.Option(help="a copy of the checkpoints kept elsewhere")] = None,
    public_keys: Annotated[Path | None, typer.Option("--keys", help="folder of public keys kept elsewhere")] = None,
) -> None:
    """Verify every row against the signed checkpoints; exit status 1 where anything was changed."""
    from orchestration.commands.black_box import verify_black_box as verify_all

    raise SystemExit(verify_all(console, witness, public_keys))


@black_box.command("prove")
def prove_entry(
    entry: Annotated[int | None, typer.Argument(help="number of the entry")] = None,
    since: Annotated[
        int | None, typer.Option(help="instead: that nothing before was changed since the log had so many entries")
    ] = None,
) -> None:
    """Prove that an entry is in the log, or that the log only grew, as JSON that anyone can check."""
    from orchestration.commands.black_box import prove_entry as prove
    from orchestration.commands.black_box import prove_since

    if entry is not None and since is None:
        raise SystemExit(prove(console, entry))
    if since is not None and entry is None:
        raise SystemExit(prove_since(console, since))
    raise typer.BadParameter("give the number of an entry, or --since")


@black_box.command("check")
def check_proof(
    file: Annotated[Path, typer.Argument(help="a proof that `prove` printed")],
    public_keys: Annotated[Path, typer.Option("--keys", help="folder of public keys that you trust")],
    witness: Annotated[
        Path | None, typer.Option(help="a copy of the checkpoints, in which the proof's own must stand")
    ] = None,
) -> None:
    """Check a proof on any machine, with a public key alone; exit status 1 where it does not hold."""
    from orchestration.commands.black_box import check_proof as check

    raise SystemExit(check(console, file, public_keys, witness))


@black_box.command("show")
def show_black_box(
    kind: Annotated[str | None, typer.Option(help="collection, run, check, review, decision, release ...")] = None,
    subject: Annotated[str | None, typer.Option(help="of what: a component, batch, source ...")] = None,
    last: Annotated[int, typer.Option(help="how many")] = 20,
    payloads: Annotated[bool, typer.Option("--payloads", help="with what was recorded of each")] = False,
) -> None:
    """The last entries."""
    from orchestration.commands.black_box import show_black_box as show

    show(console, kind, subject, last, payloads)


GROUPS = {
    "reviewer": reviewers,
    "rights": rights,
    "consent": consents,
    "subject": subjects,
    "keys": keys,
    "blackbox": black_box,
}
