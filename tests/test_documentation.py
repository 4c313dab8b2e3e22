"""The documents say what is there, and what they tell a reader to do works."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer

from market_api.__main__ import command as market_command
from market_api.problems import KINDS
from orchestration.command_line import app
from orchestration.declarations import declarations, read_declaration
from tests.builders import PROJECT, copy_of, jinku_environment, project_copy
from tests.market_pages import addresses, market_of

ROOMS = ("orchestration", "vault", "samples", "review", "expectations", "market_api")
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
PLACES_OF_CODES: dict[str, dict[str, tuple[int, int]]] = {
    "JinkuError": {"JinkuError": (0, 1), "read_document": (2, 3)},
    "BatchRefused": {"BatchRefused": (0, 1)},
}
"""Among which arguments of which calls an error's code stands."""

OF_THE_MACHINE = re.compile(r"\b(useradd|userdel|sudo|apt|apt-get|systemctl|jinku up|make|jinku market serve)\b")
"""What no test may run."""
OF_MARKET = re.compile(r"\$MARKET|^jinku market ", re.MULTILINE)
"""Stands in the blocks of pages that need a market."""

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_BEFORE_BLOCK = re.compile(r"`((?:assets|dbt_project)/[\w/.]+)`:\n\n$")


def page(name: str) -> str:
    return (PROJECT / "docs" / name).read_text()


def raised(name: str) -> set[str]:
    """The codes with which an error class is called anywhere in the rooms."""
    calls = (
        node
        for room in ROOMS
        for path in (PROJECT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and node.args
    )
    return {
        argument.value
        for call in calls
        for argument in call.args[slice(*PLACES_OF_CODES[name].get(getattr(call.func, "id", ""), (0, 0)))]
        if isinstance(argument, ast.Constant)
    }


def documented(text: str) -> set[str]:
    """What stands in the first column of the tables of a page."""
    return set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def test_every_error_code_quarantine_reason_and_refusal_is_documented_and_no_other() -> None:
    errors, others = page("errors.md").split("## Why a batch is quarantined")
    reasons, refusals = others.split("## What the market refuses")
    assert documented(errors) == raised("JinkuError")
    assert documented(reasons) == raised("BatchRefused")
    assert documented(refusals) == set(KINDS)
    told = dict(re.findall(r"^\| `([^`]+)` \| (\d{3}) \|", refusals, re.MULTILINE))
    assert told == {code: str(kind.status) for code, kind in KINDS.items()}


def test_every_address_of_the_market_is_listed_as_it_is() -> None:
    listed = page("market.md").split("<!-- addresses -->\n")[1].split("\n<!-- end of addresses -->")[0]
    assert listed == addresses(), "python -m tests.market_pages prints the table"


def test_every_setting_is_documented_and_no_other() -> None:
    code = "".join(path.read_text() for room in ROOMS for path in (PROJECT / room).rglob("*.py"))
    settings = set(re.findall(r'"(JINKU_[A-Z_]+)"', code))
    assert {name for name in documented(page("reference.md")) if name.startswith("JINKU_")} == settings


def commands_of(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its words; a group that does something by itself is a command too."""
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield f"{name}{word}", command
            yield from commands_of(command, f"{name}{word} ")
        else:
            yield f"{name}{word}", command


def test_every_command_and_option_is_documented_and_no_other() -> None:
    told = {}
    for line in page("reference.md").splitlines():
        if line.startswith("| `jinku "):
            words = line.split("|")[1].strip(" `").split()[1:]
            told[" ".join(word for word in words if not word.isupper())] = line
    commands = dict(commands_of(typer.main.get_command(app)))
    assert not commands.pop("market").params
    commands |= dict(commands_of(typer.main.get_command(market_command), "market "))
    assert set(told) == set(commands)
    for name, command in commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.opts[0] in told[name], f"{name} {parameter.opts[0]}"
            else:
                assert parameter.name.upper() in told[name], f"{name} {parameter.name}"


def test_every_make_target_is_documented_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (PROJECT / "Makefile").read_text(), re.MULTILINE)) | {"setup", "clean"}
    assert {
        name.removeprefix("make ") for name in documented(page("reference.md")) if name.startswith("make ")
    } == targets


def test_every_component_and_product_is_listed_for_the_app_developer() -> None:
    assert documented(page("app-developer.md")) == {*declarations().components, *declarations().products}


def test_every_source_is_named_in_the_readme_with_its_original_or_as_synthetic() -> None:
    told = (PROJECT / "README.md").read_text().split("## Which data are real")[1]
    for name in declarations().sources:
        assert f"`{name}`" in told, name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert "://" in target or (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_block_of_a_page_is_of_a_kind_that_is_tried(path: Path) -> None:
    kinds = {kind for kind, _ in FENCED.findall(path.read_text())}
    assert kinds <= {"sh", "yaml", "sql", "python", "text"}, kinds


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_block_that_is_tried_changes_the_machine_or_stays_running(path: Path) -> None:
    for kind, content in FENCED.findall(path.read_text()):
        assert kind != "sh" or not OF_THE_MACHINE.search(content), f"a block of text, not of the shell: {content}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_declarations_on_a_page_are_valid(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    for block in FENCED.finditer(text):
        if "type: orchestration.kinds." in block[2]:
            file = FILE_BEFORE_BLOCK.search(text[: block.start()])
            assert file is not None, "a declaration is shown without its place"
            (tmp_path / file[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file[1]).write_text(block[2])
            _, contract, faults = read_declaration(tmp_path / file[1])
            assert contract is not None and faults == []


@pytest.mark.faults  # for its length
@pytest.mark.parametrize("path", [path for path in PAGES if "```sh" in path.read_text()], ids=lambda path: path.name)
def test_what_a_page_tells_to_do_works(path: Path, city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks with a file's name before them are written there, others are run, in the order of the page."""
    text = path.read_text()
    if "curl " in text and not all(map(shutil.which, ("curl", "jq"))):
        pytest.skip("curl or jq is not installed")
    needs_market = any(OF_MARKET.search(content) for kind, content in FENCED.findall(text) if kind == "sh")
    project, home = project_copy(tmp_path / "project"), copy_of(city, tmp_path)
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    environment = {
        **jinku_environment(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(project),
        "CURL_HOME": str(tmp_path),
    }
    monkeypatch.chdir(project)
    with ExitStack() as stack:
        market = stack.enter_context(market_of(path.name, home)) if needs_market else None
        environment |= market.environment if market else {}
        names: dict[str, Any] = {}
        for block in FENCED.finditer(text):
            kind, content = block.groups()
            before = text[: block.start()]
            if market:
                market.meanwhile(before)
            if file := FILE_BEFORE_BLOCK.search(before):
                (project / file[1]).parent.mkdir(parents=True, exist_ok=True)
                (project / file[1]).write_text(content)
            elif kind == "sh":
                environment = run_in_shell(content, environment, tmp_path / "environment")
            elif kind == "python":
                with pytest.MonkeyPatch.context() as patch:
                    for name, value in environment.items():
                        patch.setenv(name, value)
                    exec(compile(content, path.name, "exec"), names)


def run_in_shell(content: str, environment: dict[str, str], after: Path) -> dict[str, str]:
    """Run a block; gives the environment as it leaves it, for the next one. after: a file to tell it in."""
    script = f"{content}\nenv -0 > {after}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{content}\n{done.stdout}{done.stderr}"
    return dict(each.split("=", 1) for each in after.read_text().split("\0") if "=" in each)
