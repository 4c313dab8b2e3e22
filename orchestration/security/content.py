"""What exactly is reviewed, by hash: the rows, the compiled models below them, all contracts, the policy."""

import hashlib
from collections.abc import Mapping

from orchestration.dbt_assets import Models
from orchestration.security.compiled import models_hash
from orchestration.subjects import sources_below
from review.model.under_review import Table
from review.policy import Policy
from review.records import Content
from vault.contract import ContractPart


def content_of(models: Models, name: str, data_hash: str, statements: Mapping[Table, str], policy: Policy) -> Content:
    """The content of a component as it stands now. data_hash: of its rows."""
    return Content(data_hash, models_hash(statements), contracts_hash(models, name), policy.content_hash)


def contracts_hash(models: Models, name: str) -> str:
    """One hash of a component's contract and of those of all sources it rests on."""
    contracts: dict[str, ContractPart] = {f"component {name}": models.known.components[name]}
    contracts |= {f"source {each}": models.known.sources[each] for each in sources_below(models, name)}
    digest = hashlib.sha256()
    for key, contract in sorted(contracts.items()):
        text = contract.model_dump_json()
        digest.update(f"{key}\n{len(text)}\n{text}".encode())
    return digest.hexdigest()
