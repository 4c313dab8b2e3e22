"""The declarations under assets/: each folder's defs.yaml, validated, with file, line and caret where it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml
from pydantic import ValidationError

from vault.contract import ComponentContract, ContractPart, ProductContract, SourceContract

PROJECT = Path(__file__).resolve().parent.parent
KINDS: Mapping[str, type[ContractPart]] = MappingProxyType(
    {"Source": SourceContract, "Component": ComponentContract, "Product": ProductContract}
)


@dataclass(frozen=True)
class Declarations:
    """Every valid contract by name, and a readable message for every declaration that is wrong."""

    sources: Mapping[str, SourceContract]
    components: Mapping[str, ComponentContract]
    products: Mapping[str, ProductContract]
    faults: tuple[str, ...]


@cache
def declarations(folder: Path = PROJECT / "assets") -> Declarations:
    """Read all declarations below `folder`, once per process."""
    found: dict[str, dict[str, ContractPart]] = {kind: {} for kind in KINDS}
    faults: list[str] = []
    for path in sorted(folder.glob("*/*/defs.yaml")):
        kind, contract, problems = read_declaration(path)
        faults.extend(problems)
        if contract is not None and kind is not None:
            found[kind][path.parent.name] = contract
    return Declarations(
        MappingProxyType({name: c for name, c in found["Source"].items() if isinstance(c, SourceContract)}),
        MappingProxyType({name: c for name, c in found["Component"].items() if isinstance(c, ComponentContract)}),
        MappingProxyType({name: c for name, c in found["Product"].items() if isinstance(c, ProductContract)}),
        tuple(faults),
    )


def read_declaration(path: Path) -> tuple[str | None, ContractPart | None, list[str]]:
    """One defs.yaml: its kind, its contract, and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return None, None, [f"{path}: not UTF-8 text from byte {error.start} on"]
    try:
        tree = yaml.compose(text)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return None, None, [_pointed(path, text, mark, str(error.problem))]
    if not isinstance(document, dict) or tree is None:
        return None, None, [f"{path}:1: a declaration has the keys 'type' and 'attributes'"]
    kind = str(document.get("type", "")).rsplit(".", 1)[-1]
    if kind not in KINDS:
        return None, None, [_pointed(path, text, tree.start_mark, f"unknown type '{document.get('type')}'")]
    try:
        return kind, KINDS[kind].model_validate(document.get("attributes") or {}), []
    except ValidationError as error:
        faults = [
            _pointed(path, text, _mark(tree, ("attributes", *line["loc"]), line["msg"]), line["msg"])
            for line in error.errors(include_url=False)
        ]
        return kind, None, faults


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
