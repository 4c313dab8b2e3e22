"""Reads a YAML file of this folder into a frozen model, and refuses what does not fit by file, key and cause."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from vault.contract import ContractPart
from vault.errors import JinkuError

Part = TypeVar("Part", bound=ContractPart)


class _Loader(yaml.SafeLoader):
    """YAML as it should be: a key given twice is a mistake, not a second chance."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_document(path: Path, model: type[Part], code: str) -> Part:
    """The file as a model. Raises JinkuError `code` where it cannot be read, is no YAML or does not fit the model."""
    action = f"Correct {path.name} and run again."
    try:
        document = yaml.load(path.read_text("utf-8"), _Loader)
        return model.model_validate(document)
    except ValidationError as error:
        causes = "; ".join(
            f"{'.'.join(str(part) for part in line['loc']) or 'file'}: {line['msg']}"
            for line in error.errors(include_url=False, include_input=False)
        )
        raise JinkuError(code, causes, str(path), action) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise JinkuError(code, f"{line}{error.problem}", str(path), action) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        cause = getattr(error, "strerror", None) or "the file is no readable text"
        raise JinkuError(code, cause, str(path), action) from None
