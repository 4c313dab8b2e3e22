"""YAML that people review, read strictly: a key given twice is a mistake, and every fault has its line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BOOLEAN = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Words stay words, as in YAML 1.2: `on` and `no` are keys and codes here, and only true and false are truths."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(BOOLEAN, re.compile(r"^(?:true|false)$"), ["t", "f"])


class YamlFault(Exception):
    """What is wrong with a file, and at which line, from 1 on."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class MarkedYaml:
    """A document, and the nodes that know where each part of it stands."""

    value: Any
    tree: yaml.Node

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a place such as ('price', 'margin'), or of the nearest part around it that is there."""
        node, line = self.tree, self.tree.start_mark.line
        for step in place:
            found = _entry(node, step)
            if found is None:
                break
            mark, node = found
            line = mark.line
        return line + 1

    def line_told(self, message: str, place: Sequence[str]) -> int:
        """The line, below a place, of what a message speaks of: 'price.marign is no …', 'guide: margin must be …'."""
        node, found = self.tree, []
        for word in (*place, *re.findall(r"\w+", re.split(r" (?:must|is)\b", message)[0])):
            entry = _entry(node, word)
            if entry is not None:
                node = entry[1]
                found.append(word)
        return self.line(found)


def read_marked(path: Path) -> MarkedYaml:
    """The one document of a file. Raises YamlFault where it cannot be read, is no YAML, or gives a key twice."""
    try:
        loader = _Loader(path.read_text("utf-8"))
        tree = loader.get_single_node()
        if tree is None:
            raise YamlFault(1, "the file is empty")
        _refuse_twice(tree)
        return MarkedYaml(loader.construct_document(tree), tree)
    except yaml.MarkedYAMLError as error:
        raise YamlFault(error.problem_mark.line + 1 if error.problem_mark else 1, str(error.problem)) from None
    except OSError as error:
        raise YamlFault(1, error.strerror or "the file cannot be read") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise YamlFault(1, "the file is no readable text") from None
    except ValueError as error:  # a day such as 2026-13-01
        raise YamlFault(1, str(error)) from None


def _entry(node: yaml.Node, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    """Where an entry of a mapping or a list begins, and its value; None where there is no such entry."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def _refuse_twice(node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twice(each)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise YamlFault(key.start_mark.line + 1, f"key '{name}' is given twice")
            seen.add(name)
            _refuse_twice(value)
