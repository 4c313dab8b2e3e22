"""The declarations under assets/: each folder's defs.yaml, validated, with file, line and caret where it is wrong."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import ValidationError

from expectations.catalogue import faults_of
from orchestration.model_columns import model_columns
from vault.contract import (
    ComponentContract,
    ContractPart,
    Expectation,
    ProductContract,
    SourceContract,
    TableContract,
)
from vault.errors import JinkuError

PROJECT = Path(__file__).resolve().parent.parent
KINDS: Mapping[str, type[ContractPart]] = MappingProxyType(
    {"Source": SourceContract, "Component": ComponentContract, "Product": ProductContract, "Table": TableContract}
)
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, where there is one: declarations are read at each start."""

TABLE_LAYERS = ("base", "resource")
"""Layers whose tables may have a suite of their own; what a component promises stands in its contract."""


@dataclass(frozen=True)
class Declarations:
    """Every valid contract by name, and a readable message for every declaration that is wrong.

    tables: what is expected of base and resource tables, by asset ('base/taxi_trips').
    """

    sources: Mapping[str, SourceContract]
    components: Mapping[str, ComponentContract]
    products: Mapping[str, ProductContract]
    tables: Mapping[str, TableContract]
    faults: tuple[str, ...]

    @property
    def noise_claims(self) -> Mapping[str, str]:
        """By component whose figures are claimed to be noisy, all that its contract says of the noise."""
        claims = {name: contract.noise_claim for name, contract in self.components.items()}
        return {name: claim for name, claim in claims.items() if claim is not None}


@cache
def declarations(folder: Path = PROJECT / "assets") -> Declarations:
    """Read all declarations below `folder`, once per process."""
    found: dict[str, dict[str, ContractPart]] = {kind: {} for kind in KINDS}
    faults: list[str] = []
    for path in sorted(folder.glob("*/*/defs.yaml")):
        kind, contract, problems = read_declaration(path)
        faults.extend(problems)
        if contract is not None and kind is not None:
            name = path.parent.name
            found[kind][f"{path.parent.parent.name}/{name}" if kind == "Table" else name] = contract
    return Declarations(
        MappingProxyType({name: c for name, c in found["Source"].items() if isinstance(c, SourceContract)}),
        MappingProxyType({name: c for name, c in found["Component"].items() if isinstance(c, ComponentContract)}),
        MappingProxyType({name: c for name, c in found["Product"].items() if isinstance(c, ProductContract)}),
        MappingProxyType({name: c for name, c in found["Table"].items() if isinstance(c, TableContract)}),
        tuple(faults),
    )


def refuse_faulty(known: Declarations) -> None:
    """Nothing runs while a declaration is wrong. Raises JinkuError `declaration`."""
    if known.faults:
        raise JinkuError(
            "declaration",
            "nothing ran, because of\n" + "\n".join(known.faults) + "\n",
            f"{len(known.faults)} in all",
            "Correct the declarations and run again.",
        )


def read_declaration(path: Path) -> tuple[str | None, ContractPart | None, list[str]]:
    """One defs.yaml: its kind, its contract, and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return None, None, [f"{path}: not UTF-8 text from byte {error.start} on"]
    try:
        tree = yaml.compose(text, Loader=YAML)
        document = yaml.load(text, YAML)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return None, None, [_pointed(path, text, mark, str(error.problem))]
    if not isinstance(document, dict) or tree is None:
        return None, None, [f"{path}:1: a declaration has the keys 'type' and 'attributes'"]
    kind = str(document.get("type", "")).rsplit(".", 1)[-1]
    if kind not in KINDS:
        return None, None, [_pointed(path, text, tree.start_mark, f"unknown type '{document.get('type')}'")]
    try:
        contract = KINDS[kind].model_validate(document.get("attributes") or {})
        return kind, contract, list(_suite_faults(path, text, tree, contract))
    except ValidationError as error:
        faults = [
            _pointed(path, text, _mark(tree, ("attributes", *line["loc"]), line["msg"]), line["msg"])
            for line in error.errors(include_url=False)
        ]
        return kind, None, faults


def _suite_faults(path: Path, text: str, tree: yaml.Node, contract: ContractPart) -> Iterator[str]:
    """What is wrong with the expectations of a contract: unknown types, wrong arguments, columns that are not there."""
    columns: tuple[str, ...] | None = None
    expectations: tuple[Expectation, ...] = ()
    if isinstance(contract, ComponentContract):
        expectations, columns = contract.expectations, tuple(column.name for column in contract.columns)
    elif isinstance(contract, TableContract):
        layer, name = path.parent.parent.name, path.parent.name
        if layer not in TABLE_LAYERS:
            yield _pointed(
                path, text, tree.start_mark, f"a suite stands under assets/{' or assets/'.join(TABLE_LAYERS)}"
            )
            return
        model = PROJECT / "dbt_project" / "models" / layer / f"{name}.sql"
        if not model.is_file():
            yield _pointed(path, text, tree.start_mark, f"there is no model dbt_project/models/{layer}/{name}.sql")
            return
        expectations, columns = contract.expectations, model_columns(model)
    for number, expectation in enumerate(expectations):
        place = ("attributes", "expectations", number)
        for fault in faults_of(expectation, columns):
            named = re.search(r"'([^']*)'", fault)
            yield _pointed(path, text, _mark_of_word(tree, place, named[1] if named else ""), fault)


def _mark_of_word(tree: yaml.Node, place: tuple[int | str, ...], word: str) -> yaml.Mark:
    """Where a word stands as a key or a value below a place; the place itself where it does not."""
    node = tree
    for step in place:
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == step)
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[step]
    return next((each.start_mark for each in _scalars(node) if each.value == word), node.start_mark)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)


def _mark(node: yaml.Node, location: tuple[int | str, ...], message: str) -> yaml.Mark:
    """Where in the text a fault is: a wrong value, an unknown key, or what encloses a missing key."""
    mark = node.start_mark
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if step not in pairs:
                return mark
            key, node = pairs[step]
            mark = key.start_mark
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.start_mark
    if isinstance(node, yaml.ScalarNode) and not message.startswith("unknown key"):
        return node.start_mark
    return mark


def _pointed(path: Path, text: str, mark: yaml.Mark | None, message: str) -> str:
    """file:line:column, the message, the line, and a caret under the place."""
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    lines = text.splitlines() or [""]
    shown = lines[min(line, len(lines) - 1)]
    return f"{path}:{line + 1}:{column + 1}: {message}\n    {shown}\n    {' ' * column}^"
