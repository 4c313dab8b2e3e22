"""Builders: a source that speaks of persons, a vault that has collected it, and what persons do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders import NOON, collect_all, column, drop, fresh_vault, source_contract
from vault.black_box.recording import recording
from vault.black_box.tables import entries
from vault.contract import ComponentContract, SourceContract
from vault.home import Home, Settings, prepare
from vault.keys import create_master_key
from vault.layers import Vault, connect, open_vault
from vault.ledger import tables_of, unaccounted_rows
from vault.registry.database import open_registry
from vault.rights.consents import Consent, ConsentEvent, give, withdraw
from vault.rights.pseudonyms import pseudonym_of

ANN, BOB, CAI, DAN = "440304198501011234", "44030419900202123x", "440304200003031236", "440304202004041237"
IDS = (ANN, BOB, CAI, DAN)
BIRTHS = {ANN: "1985-01-01", BOB: "1990-02-02", CAI: "2000-03-03", DAN: "2020-04-04"}
LATER = NOON + timedelta(days=400)
COLUMNS = [
    column("id_number", role="identifier"),
    column("birth_date", logicalType="date", role="quasi_identifier"),
    column("illness", role="sensitive"),
]


def people(**changes: Any) -> SourceContract:
    """A register of persons, held by statute."""
    return source_contract(
        **{
            "title": {"en": "People", "zh": "居民"},
            "category": "personal",
            "permittedPurposes": ["care", "research"],
            "files": ["people*"],
            "columns": COLUMNS,
            "subject": {"kind": "person", "column": "id_number"},
            "providerContract": {"reference": "Agreement 7", "expires": "2030-12-31"},
            **changes,
        }
    )


def by_consent(**changes: Any) -> SourceContract:
    """The same register where it rests on consent."""
    basis = {"basis": "consent", "reference": "Form 7", "expires": "2030-12-31"}
    rules = {"sensitive": "separate", "minors": "guardian", "birthDate": "birth_date"}
    return people(**{"legalBasis": basis, "consent": rules, **changes})


def component(**changes: Any) -> ComponentContract:
    """A component of counts, made from people."""
    return ComponentContract.model_validate(
        {
            "title": {"en": "Illness", "zh": "疾病"},
            "description": "Persons by illness.",
            "applicationField": "livelihood",
            "form": "standard",
            "subject": "aggregate",
            "grain": ["illness"],
            "columns": [column("illness"), column("persons", logicalType="integer", role="measure")],
            "purpose": "Planning",
            "permittedUses": ["care"],
            "refreshPeriod": "yearly",
            "cost": {"developmentFen": 1},
            "pricing": {},
            "owner": "team:health",
            "provider": "City data vault",
            "rights": {"holding": "Water office", "processing": "City data vault", "resources": ["people"]},
            **changes,
        }
    )


def bare_vault(root: Path) -> Vault:
    """A vault with keys and a registry, and nothing collected."""
    home = Home(root)
    prepare(home)
    create_master_key(home)
    return open_vault(home, Settings(memory_limit="1GiB", threads=2, settle_seconds=0))


def lines_of(ids: Sequence[str], *more: str) -> bytes:
    """A file of the register."""
    rows = [f"{each},{BIRTHS[each]},flu" for each in ids]
    return ("\n".join(["id_number,birth_date,illness", *rows, *more]) + "\n").encode()


def collected(tmp_path: Path, contract: SourceContract, ids: Sequence[str] = IDS, *more: str) -> Vault:
    """A vault that has collected one file of the register."""
    vault = fresh_vault(tmp_path / "home", {"people": contract})
    land(vault, contract, lines_of(ids, *more))
    return vault


def land(vault: Vault, contract: SourceContract, content: bytes, name: str = "people.csv") -> None:
    """Collect one more file."""
    drop(vault, name, content, "people")
    collect_all(vault, {"people": contract})


def pseudonym(vault: Vault, identifier: str) -> str:
    """Of a person, as the resource layer would write it."""
    with connect(vault, read=("raw",)) as connection:
        return pseudonym_of(connection, "person", identifier)


def gives(vault: Vault, *ids: str, at: datetime = NOON, **changes: Any) -> None:
    """Persons consent to every purpose, separately for sensitive data, for a long time."""
    terms: dict[str, Any] = {
        "source": "people",
        "purposes": ("care", "research"),
        "privacy_notice": "7",
        "valid_until": datetime(2030, 1, 1, tzinfo=UTC),
        "is_separate": True,
        "is_by_guardian": False,
        "entity_id": "person:li.wei",
    }
    principals = [pseudonym(vault, each) for each in ids]
    with recording(vault, at) as record:
        assert give(record, principals, Consent(**{**terms, **changes}), at) == len(ids)


def withdraws(
    vault: Vault, identifier: str, *purposes: str, at: datetime = NOON, is_erasure: bool = False
) -> tuple[ConsentEvent, ...]:
    """A person withdraws, from every purpose where none is named."""
    principal = pseudonym(vault, identifier)
    with recording(vault, at) as record:
        return withdraw(
            record, principal, "people", purposes or ("care", "research"), at, "subject", is_erasure=is_erasure
        )


def unaccounted(vault: Vault, contract: SourceContract) -> int:
    """By how many rows ledger and tables disagree."""
    with connect(vault, read=("raw",)) as connection:
        return sum(unaccounted_rows(connection, table) for table in tables_of("people", contract))


def logged(vault: Vault, kind: str) -> list[Mapping[str, Any]]:
    """Subject and actor of the black box's entries of a kind, oldest first."""
    with open_registry(vault.home).connect() as connection:
        found = connection.execute(entries.select().where(entries.c.kind == kind).order_by(entries.c.leaf_index))
        return [dict(row) for row in found.mappings()]
