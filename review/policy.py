"""The policy of the security review: which checks block, and by which thresholds, for each release tier.

It stands in reviewed YAML, each entry with its reason. An empty policy, one without blocking checks of all three
parts, and one that cannot be read refuse everything.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from vault.errors import JinkuError

POLICY = Path(__file__).parent / "policies" / "standard.yaml"

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Blocking(_Part):
    """The checks that must pass, each with its reason."""

    origin: Annotated[Mapping[str, Words], Field(min_length=1)]
    model: Annotated[Mapping[str, Words], Field(min_length=1)]
    result: Annotated[Mapping[str, Words], Field(min_length=1)]


class _Document(_Part):
    version: Words
    approved_by: Words
    blocking: Blocking
    result: Mapping[str, object]


@dataclass(frozen=True)
class Policy:
    """A policy as it is in force. content_hash: of the file's text, so that any change asks for another review."""

    version: str
    approved_by: str
    blocking: frozenset[str]
    reasons: Mapping[str, str]
    result: Mapping[str, object]
    content_hash: str


def policy_from(path: Path = POLICY) -> Policy:
    """The policy of a file. Raises JinkuError `policy_unusable`, which names what is missing or wrong."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        document = _Document.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise _unusable(path, f"it cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise _unusable(path, "it is not YAML") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _unusable(path, f"{'.'.join(map(str, first['loc'])) or 'it is empty'}: {first['msg']}") from None
    reasons = {**document.blocking.origin, **document.blocking.model, **document.blocking.result}
    return Policy(
        document.version,
        document.approved_by,
        frozenset(reasons),
        reasons,
        document.result,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _unusable(path: Path, cause: str) -> JinkuError:
    return JinkuError(
        "policy_unusable",
        f"the review has no policy, so nothing can pass: {cause}",
        str(path),
        "Restore the reviewed policy file.",
    )
