"""What exactly is reviewed, by hash: the rows, the compiled models below them, all contracts, the policy."""

import hashlib
from collections.abc import Mapping

from orchestration.dbt_assets import Models
from review.model.under_review import Table
from review.policy import Policy
from review.records import Content


def content_of(
    models: Models,
    name: str,
    sources: tuple[str, ...],
    data_hash: str,
    statements: Mapping[Table, str],
    policy: Policy,
) -> Content:
    """The content of a component as it stands now. sources: those it rests on; data_hash: of its rows."""
    compiled = {f"{schema}.{table}": sql for (schema, table), sql in statements.items()}
    contracts = {f"source {each}": models.known.sources[each].model_dump_json() for each in sources}
    contracts[f"component {name}"] = models.known.components[name].model_dump_json()
    return Content(data_hash, _hash(compiled), _hash(contracts), policy.content_hash)


def _hash(texts: Mapping[str, str]) -> str:
    """One hash of all texts and their names, in whatever order they come."""
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\n{len(text)}\n{text}".encode())
    return digest.hexdigest()
