"""The standard contracts of the three confirmations of rights (三次确权), as data; a grant holds its terms' hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import rfc8785

from vault.errors import JinkuError
from vault.marked_yaml import YamlFault, read_marked

FOLDER = Path(__file__).parent / "contracts"
Confirmation = Literal["holding", "processing", "operating"]
CONFIRMATIONS: tuple[Confirmation, ...] = get_args(Confirmation)
KEYS = {"confirmation", "version", "title", "parties", "terms"}


@dataclass(frozen=True)
class StandardContract:
    """One standard contract: what it confirms, its version and its terms by name.

    terms_hash: SHA-256 of the whole document as canonical JSON (RFC 8785), so that any change of a word is another one.
    """

    confirmation: Confirmation
    version: str
    title: Mapping[str, str]
    terms: Mapping[str, str]
    terms_hash: str

    @property
    def name(self) -> str:
        """As it stands beside a right: 'holding@1'."""
        return f"{self.confirmation}@{self.version}"


@cache
def standard_contract(confirmation: Confirmation, folder: Path = FOLDER) -> StandardContract:
    """The contract in force for one confirmation. Raises JinkuError `standard_contract`."""
    path = folder / f"{confirmation}.yaml"
    try:
        document = read_marked(path).value
    except YamlFault as fault:
        raise _unusable(path, f"line {fault.line}: {fault}") from None
    _refuse_incomplete(path, confirmation, document)
    terms = {term["id"]: term["text"] for term in document["terms"]}
    return StandardContract(
        confirmation,
        document["version"],
        document["title"],
        terms,
        hashlib.sha256(rfc8785.dumps(document)).hexdigest(),
    )


def _refuse_incomplete(path: Path, confirmation: Confirmation, document: Any) -> None:
    if not isinstance(document, dict) or set(document) != KEYS:
        raise _unusable(path, f"its keys must be {', '.join(sorted(KEYS))}")
    terms = document["terms"]
    if document["confirmation"] != confirmation:
        raise _unusable(path, f"it confirms '{document['confirmation']}'")
    if not isinstance(document["version"], str) or not document["version"]:
        raise _unusable(path, "its version must be a text")
    is_list = isinstance(terms, list) and terms and all(isinstance(each, dict) for each in terms)
    if not is_list or any(set(each) != {"id", "text"} or not each["text"] for each in terms):
        raise _unusable(path, "it needs terms, each with an id and a text")


def _unusable(path: Path, cause: str) -> JinkuError:
    return JinkuError(
        "standard_contract",
        f"a standard contract cannot be used, so no right can be granted on it: {cause}",
        str(path),
        "Restore the reviewed file.",
    )
