"""Becoming a participant and logging in; one's own two accounts, and what one was told."""

import os
import sys
from typing import Annotated

import typer

from market_api.client import apply, enrol
from market_api.commands.logins import (
    Login,
    keep_login,
    logged_in,
    login_path,
    refuse_to_replace,
    refuse_to_replace_anothers,
)
from market_api.commands.terminal import console, moment, money, say, table
from vault.errors import JinkuError
from vault.home import MARKET_PORT

URL = f"http://127.0.0.1:{MARKET_PORT}"

Address = Annotated[str, typer.Option(envvar="JINKU_MARKET_URL", help="The market's address.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for name, command in (
        ("apply", apply_here),
        ("login", log_in),
        ("enrol", enrol_anew),
        ("account", show_account),
        ("statement", show_statement),
        ("notices", show_notices),
    ):
        app.command(name, rich_help_panel="Participant")(command)


def apply_here(
    name: Annotated[str, typer.Argument(help="The registered name.")],
    role: Annotated[str, typer.Option(help="app_developer, developer, provider or evaluator.")] = "app_developer",
    taxpayer: Annotated[str, typer.Option(help="general, small_scale or none.")] = "general",
    owner: Annotated[
        str | None, typer.Option(help="Registration id of the beneficial owner, such as 91350100M000100Y43.")
    ] = None,
    url: Address = URL,
) -> None:
    """Apply to take part; the secret goes into the login file and is shown nowhere."""
    path = login_path(os.environ)
    refuse_to_replace(path)
    applied = apply(url, role, name, taxpayer, owner)
    keep_login(path, Login(url, applied.client_id, applied.client_secret), may_replace=False)
    say(f"{applied.client_id} has applied; the login lies in {path} and is good once the operator has admitted you")


def log_in(
    client_id: Annotated[str | None, typer.Option("--id", help="The client id; asked for otherwise.")] = None,
    url: Address = URL,
) -> None:
    """Keep a login. The secret is asked for, or both are read as `jinku market operator` prints them."""
    login = _asked(client_id, url) if sys.stdin.isatty() else Login(url, *_piped(client_id, "client_secret"))
    with login.market() as market:
        told = market.account()
    keep_login(login_path(os.environ), login, may_replace=True)
    say(f"logged in as {told.registered_name}, {told.role.replace('_', ' ')}; kept in {login_path(os.environ)}")


def enrol_anew(
    client_id: Annotated[str | None, typer.Option("--id", help="The client id; asked for otherwise.")] = None,
    url: Address = URL,
) -> None:
    """Come back after all secrets were lost, by the code that the operator has handed over: the login gets a new
    secret, and all older ones end. The code is asked for, or read as `jinku market enrolment-code` prints it."""
    own_id, code = _asked_code(client_id) if sys.stdin.isatty() else _piped(client_id, "enrolment_code")
    path = login_path(os.environ)
    refuse_to_replace_anothers(path, own_id)
    enrolled = enrol(url, own_id, code)
    keep_login(path, Login(url, enrolled.client_id, enrolled.client_secret), may_replace=True)
    say(f"enrolled anew as {enrolled.client_id}; the login lies in {path}, and what was good before is not any more")


def show_account() -> None:
    """One door, two accounts (一口两户): who you are, your funds and your data."""
    with logged_in(os.environ) as market:
        told = market.account()
    shown = table("account", "of it", "amount", right=("amount",))
    for part in ("available", "held", "pending"):
        shown.add_row("funds", part, money(told.funds[f"{part}_fen"]))
    entitlements = told.data["entitlements"]
    for state, number in entitlements.items() or [("none", 0)]:
        shown.add_row("data", f"entitlements {state}", str(number))
    say(f"{told.registered_name} ({told.participant_id}), {told.role.replace('_', ' ')}, {told.state}")
    console.print(shown)


def show_statement(
    begins: Annotated[str | None, typer.Option("--from", help="A time such as 2026-12-01T00:00:00Z.")] = None,
    ends: Annotated[str | None, typer.Option("--to", help="A time; now otherwise.")] = None,
) -> None:
    """Every posting on your accounts, with balances that add up."""
    with logged_in(os.environ) as market:
        told = market.statement(begins, ends)
    shown = table(
        "at",
        "account",
        "for",
        "reference",
        "voucher",
        "change",
        "balance",
        right=("change", "balance"),
        whole=("reference",),
    )
    for each in told.entries:
        shown.add_row(
            moment(each.at),
            each.account,
            each.kind.replace("_", " "),
            each.reference,
            each.voucher or "",
            money(each.change_fen),
            money(each.balance_fen),
        )
    console.print(shown)
    say(f"from {money(told.opening['total_fen'])} to {money(told.closing['total_fen'])}")


def show_notices() -> None:
    """What you were told of components that you hold, sell or share in."""
    with logged_in(os.environ) as market:
        notices = list(market.notices())
    shown = table("at", "about", "component", "told", wrapped=("told",))
    for each in notices:
        words = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in each.told.items())
        shown.add_row(moment(each.at), each.kind, each.component, words)
    console.print(shown if notices else "nothing was told to you")


def _asked(client_id: str | None, url: str) -> Login:
    asked = client_id or typer.prompt("client id")
    return Login(url, asked, typer.prompt("client secret", hide_input=True))


def _asked_code(client_id: str | None) -> tuple[str, str]:
    asked = client_id or typer.prompt("client id")
    return asked, typer.prompt("enrolment code", hide_input=True)


def _piped(client_id: str | None, name: str) -> tuple[str, str]:
    """A client id and its secret or code from the lines of the input: a name and its value each, or what is named so
    alone. Raises JinkuError `login_unread`."""
    lines = [line.split() for line in sys.stdin.read().splitlines() if line.strip()]
    told = {words[0]: words[1] for words in lines if len(words) == 2}
    alone = lines[0][0] if len(lines) == 1 and len(lines[0]) == 1 else ""
    own_id, secret = client_id or told.get("client_id", ""), told.get(name, alone)
    if not own_id or not secret:
        raise JinkuError(
            "login_unread",
            f"the input has no client_id and {name}",
            "standard input",
            "Pipe a line of each, name before value, as they were printed for you, or the secret alone and --id.",
        )
    return own_id, secret
