"""`jinku review`, `approve`, `refuse`, `reviewer`: what the security review found, and people's decisions on it."""

import os
import secrets
from datetime import datetime

import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.city import found_city
from orchestration.declarations import declarations
from orchestration.names import component_named
from review.findings import Finding
from review.records import Review, latest_review, latest_reviews
from review.sign_off import (
    REVIEWERS_NEEDED,
    TOKEN_BYTES,
    Decision,
    SignOff,
    Verdict,
    admit_reviewer,
    admitted,
    authenticate,
    decide,
    revoke_reviewer,
    sign_off,
)
from vault.black_box.recording import recording
from vault.errors import JinkuError
from vault.home import home_from
from vault.registry.database import open_registry
from vault.releases.register import latest_refusals, latest_releases

PARTS = {"origin": "O  origin", "model": "M  model", "result": "R  result"}
COLOURS = {"pass": "green", "fail": "red", "pending": "yellow", "error": "magenta"}
SALT_BYTES = 16


def show_reviews(console: Console) -> None:
    """S of every component that was reviewed, and its release or what stands against one.

    Raises JinkuError `nothing_reviewed`.
    """
    home = home_from(os.environ)
    with open_registry(home).begin() as connection:
        reviews = latest_reviews(connection)
        releases, refusals = latest_releases(connection), latest_refusals(connection)
    if not reviews:
        raise _nothing_reviewed("no component")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("component", no_wrap=True)
    table.add_column("S", justify="right")
    table.add_column("release", no_wrap=True)
    table.add_column("review")
    for name, review in reviews.items():
        release, refusal = releases.get(name), refusals.get(name)
        is_refused = refusal is not None and refusal.refused_at >= review.reviewed_at
        words = in_words(review)
        if review.security and is_refused and refusal is not None:
            words = escape("; ".join(refusal.causes))
        table.add_row(name, verdict_of(review), release.release_id if release and not is_refused else "-", words)
    console.print(table)
    console.print(f"datasheets lie in {os.path.relpath(home.releases)}; `jinku review NAME` shows the evidence")


def verdict_of(review: Review) -> str:
    """S with its colour: released, waiting for people, or refused."""
    if review.security:
        return "[bold green]1[/]"
    return "[bold yellow]0[/]" if review.is_pending else "[bold red]0[/]"


def in_words(review: Review) -> str:
    """What stands against a component, the first cause in full."""
    if review.security:
        return f"{len(review.blocking)} checks passed"
    first, *others = review.obstacles
    more = f" [dim](and {len(others)} more)[/]" if others else ""
    return f"[{COLOURS[first.outcome]}]{first.check} {first.outcome}[/]: {escape(first.reason)}{more}"


def show_review(console: Console, name: str) -> None:
    """The evidence of one component's last review. Raises JinkuError `nothing_reviewed` and `unknown_name`."""
    component = component_named(name, declarations().components)
    with open_registry(home_from(os.environ)).begin() as connection:
        review = _latest(connection, component)
        signed = sign_off(connection, component, review.content.key)
    console.print(
        f"[bold]{component}[/]  S = {verdict_of(review)}  reviewed {review.reviewed_at:%F %T}Z  "
        f"data {review.content.data_hash[:12]}  policy {review.content.policy_hash[:12]}"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("part", "check", "outcome"):
        table.add_column(column, no_wrap=True)
    table.add_column("reason")
    told = ""
    for finding in review.findings:
        part = PARTS[finding.part]
        outcome = f"[{COLOURS[finding.outcome]}]{finding.outcome}[/]"
        blocks = "" if finding.check in review.blocking else " [dim](does not block)[/]"
        table.add_row(part if part != told else "", finding.check, outcome + blocks, escape(finding.reason))
        told = part
    console.print(table)
    for finding in review.obstacles:
        _show_evidence(console, finding)
    console.print(_state_in_words(signed, review))


def _show_evidence(console: Console, finding: Finding) -> None:
    if finding.evidence:
        console.print(f"[bold]{finding.check}[/] rests on")
        for key, value in finding.evidence.items():
            console.print(f"  {escape(str(key))}: {escape(str(value))}")


def _state_in_words(signed: SignOff, review: Review) -> str:
    if signed.decisions:
        told = "; ".join(f"{each.reviewer}: {each.verdict}, {each.reason}" for each in signed.decisions)
        return f"sign-off {signed.state}: {escape(told)}"
    if any(each.outcome == "pending" for each in review.obstacles):
        return (
            f"sign-off: {signed.decided} of {REVIEWERS_NEEDED} reviewers have decided on this content; "
            f"`jinku approve {review.component}` or `jinku refuse {review.component}`, with --as and --reason"
        )
    return "no sign-off is asked for"


def decide_on(
    console: Console, name: str, verdict: Verdict, reviewer: str, token: str, reason: str, now: datetime
) -> None:
    """Record a reviewer's decision on the content last reviewed.

    Raises JinkuError `nothing_to_sign`, `reviewer_unknown`, `reviewer_token` and as `decide` does.
    """
    component = component_named(name, declarations().components)
    vault = found_city()
    with recording(vault, now) as record:
        authenticate(record.connection, reviewer, _bytes_of(token))
        review = _latest(record.connection, component)
        if not any(each.outcome == "pending" for each in review.obstacles):
            raise JinkuError(
                "nothing_to_sign",
                "no check of the last review waits for a person",
                f"components/{component}",
                f"`jinku review {component}` shows what stands against it.",
            )
        authors = declarations().components[component].authors
        signed = decide(record, component, review.content.key, Decision(reviewer, verdict, reason, now), authors)
    console.print(f"recorded: {reviewer} {verdict}s {component}, content {review.content.key[:12]}")
    if signed.state == "pending":
        console.print(f"{signed.decided} of {REVIEWERS_NEEDED} have decided; what they decided is shown after the last")
    else:
        console.print(f"sign-off {signed.state}; `jinku run` reviews it again")


def admit(console: Console, name: str, now: datetime) -> None:
    """Admit a reviewer and show their token this once."""
    token = secrets.token_bytes(TOKEN_BYTES)
    with recording(found_city(), now) as record:
        admit_reviewer(record, name, token, secrets.token_bytes(SALT_BYTES), now)
    console.print(f"{name} may sign off with this token, which is shown once and kept nowhere:")
    console.print(token.hex())


def revoke(console: Console, name: str, now: datetime) -> None:
    """End a reviewer's right to sign off."""
    with recording(found_city(), now) as record:
        revoke_reviewer(record, name, now)
    console.print(f"{name} may not sign off any more; what was decided stands")


def show_reviewers(console: Console) -> None:
    """Who may sign off."""
    with open_registry(home_from(os.environ)).begin() as connection:
        names = admitted(connection)
    console.print("\n".join(names) if names else "nobody may sign off yet: `jinku reviewer add NAME`")


def _latest(connection: sa.Connection, component: str) -> Review:
    review = latest_review(connection, component)
    if review is None:
        raise _nothing_reviewed(component)
    return review


def _nothing_reviewed(what: str) -> JinkuError:
    return JinkuError("nothing_reviewed", f"{what} has been reviewed here yet", "registry", "Run `make run` first.")


def _bytes_of(token: str) -> bytes:
    try:
        return bytes.fromhex(token.strip())
    except ValueError:
        return b""
