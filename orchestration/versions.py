"""Versions of the models' code: what a table was built by, all the way up to raw."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def code_versions(
    manifest: Mapping[str, Any], project_settings: str, noise_claims: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """A hash per model, by name, of its SQL, the project's macros it uses, and the versions of the models it reads.

    noise_claims: by model, what is declared of the noise that its rows are drawn with. It changes when the model,
    anything above it, its noise or a setting of the project changes, and with nothing else.
    """
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    macros = {key: macro for key, macro in manifest["macros"].items() if macro["package_name"] == "jinku"}
    found: dict[str, str] = {}

    def version(key: str) -> str:
        if key not in found:
            node = models[key]
            texts = [project_settings, node["raw_code"]]
            texts += [macros[each]["macro_sql"] for each in sorted(_macros_of(node, macros))]
            texts += [version(parent) for parent in sorted(node["depends_on"]["nodes"]) if parent in models]
            texts += [noise_claims[models[key]["name"]]] if models[key]["name"] in noise_claims else []
            found[key] = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
        return found[key]

    return {models[key]["name"]: version(key) for key in models}


def _macros_of(node: Mapping[str, Any], macros: Mapping[str, Any]) -> set[str]:
    """The project's macros that a node uses, directly or through other macros."""
    used: set[str] = set()
    waiting = list(node["depends_on"]["macros"])
    while waiting:
        key = waiting.pop()
        if key in macros and key not in used:
            used.add(key)
            waiting.extend(macros[key]["depends_on"]["macros"])
    return used
