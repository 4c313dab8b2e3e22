"""A lower grade needs a signature, and holds for the sources it was given for; core data has none."""

from pathlib import Path

import pytest

from tests.builders import NOON
from tests.vault.rights.people import bare_vault
from vault.black_box.recording import recording
from vault.contract import Grade
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.rights.grading import Downgrade, downgrade, downgrade_on_record, highest_grade
from vault.signing import public_keys, signing_key


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return bare_vault(tmp_path / "home")


def lowered(vault: Vault, *sources: tuple[str, Grade], reason: str = "only counts") -> None:
    with recording(vault, NOON) as record:
        downgrade(record, signing_key(vault), "illness_counts", sources, reason, "person:li.wei", NOON)


def on_record(vault: Vault) -> Downgrade | None:
    with open_registry(vault.home).connect() as connection:
        return downgrade_on_record(connection, "illness_counts", public_keys(vault.home))


def test_the_highest_grade_counts() -> None:
    assert highest_grade([]) == "general"
    assert highest_grade(["general", "core", "important"]) == "core"


def test_a_decision_is_signed_and_names_its_sources(vault: Vault) -> None:
    assert on_record(vault) is None
    lowered(vault, ("people", "important"), ("cars", "general"))
    found = on_record(vault)
    assert found == Downgrade(
        "illness_counts", "general", ("cars", "people"), "only counts", "person:li.wei", NOON, True
    )


def test_the_last_decision_counts(vault: Vault) -> None:
    lowered(vault, ("people", "important"))
    lowered(vault, ("cars", "important"))
    found = on_record(vault)
    assert found is not None and found.sources == ("cars",)


def test_core_data_is_never_graded_down(vault: Vault) -> None:
    with pytest.raises(JinkuError, match="grade_core: core data is never graded down: people"):
        lowered(vault, ("people", "core"))
    with pytest.raises(JinkuError, match="grade_reason"):
        lowered(vault, ("people", "important"), reason=" ")
    assert on_record(vault) is None


def test_a_decision_that_somebody_wrote_into_the_database_is_not_genuine(vault: Vault) -> None:
    lowered(vault, ("people", "important"))
    with open_registry(vault.home).begin() as connection:
        connection.exec_driver_sql(
            "insert into grade_decision (component, document, signature, decided_at) select component, "
            'replace(document, \'"people"\', \'"people", "cars"\'), signature, decided_at from grade_decision'
        )
    found = on_record(vault)
    assert found is not None and found.sources == ("people", "cars") and not found.is_genuine
