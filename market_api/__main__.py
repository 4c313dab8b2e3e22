"""`python -m market_api`, which `jinku market` becomes: the market's command line, without any key of the vault."""

from pathlib import Path

import httpx
import typer
from rich.markup import escape

from market_api.client import MarketError
from market_api.commands import (
    accounts,
    data,
    disputing,
    finding,
    joining,
    operating,
    overseeing,
    selling,
    serving,
    trading,
)
from market_api.commands.terminal import errors
from market_api.problems import Problem
from vault.errors import JinkuError
from vault.home import storage_error

command = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="The market of data components."
)
for commands in (finding, trading, disputing, data, joining, accounts, selling, operating, overseeing, serving):
    commands.add_to(command)


def main() -> None:
    """Run a command; a failure is one line that says what to do."""
    try:
        command(prog_name="jinku market")
    except (JinkuError, Problem, MarketError) as error:
        _fail(str(error))
    except httpx.HTTPError as error:
        _fail(str(_unreached(error)))
    except OSError as error:
        _fail(str(storage_error(error, Path(error.filename or "."))))


def _unreached(error: httpx.HTTPError) -> JinkuError:
    request = error._request
    where = "the market" if request is None else f"{request.url.scheme}://{request.url.netloc.decode()}"
    return JinkuError(
        "market_unreached",
        f"the market does not answer ({type(error).__name__})",
        where,
        "Start it with `jinku market serve` or `make up`, or log in at another address.",
    )


def _fail(message: str) -> None:
    errors.print(f"[bold red]error[/] {escape(message)}")
    raise SystemExit(1)


if __name__ == "__main__":
    main()
