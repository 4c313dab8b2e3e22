"""A right is what was applied for, granted by somebody else, has begun, has not ended and was not revoked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.builders import NOON
from tests.vault.rights.people import bare_vault, component, logged, people
from vault.black_box.recording import Record, recording
from vault.contract import ComponentContract, ProductContract, SourceContract
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.rights.confirmations import (
    Application,
    Right,
    apply,
    grant,
    refuse,
    revoke,
    right_in_force,
    rights_on_record,
    why_not_in_force,
)
from vault.rights.declared import confirm_declared
from vault.rights.standard_contracts import standard_contract

TODAY = NOON.date()
ASKED = Application(
    "processing", "Lab", "illness_counts", ("people",), ("care",), "Request 9", TODAY, TODAY + timedelta(days=30)
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return bare_vault(tmp_path / "home")


def applied(vault: Vault, application: Application = ASKED, by: str = "person:ann") -> int:
    with recording(vault, NOON) as record:
        return apply(record, application, by, NOON)


def decided(vault: Vault, number: int, how: object = grant, by: str = "person:bob", reason: str = "fits") -> None:
    with recording(vault, NOON) as record:
        how(record, number, reason, by, NOON)  # type: ignore[operator]


def on_record(vault: Vault) -> tuple[Right, ...]:
    with open_registry(vault.home).connect() as connection:
        return rights_on_record(connection)


def in_force(vault: Vault, day: date = TODAY) -> Right | None:
    return right_in_force(on_record(vault), "processing", "illness_counts", day)


def why_not(vault: Vault, day: date = TODAY) -> str:
    return why_not_in_force(on_record(vault), "processing", "illness_counts", day)


def test_what_was_granted_is_in_force_on_the_standard_terms(vault: Vault) -> None:
    decided(vault, applied(vault))
    right = in_force(vault)
    assert right is not None and right.application == ASKED
    assert (right.contract, right.terms_hash) == ("processing@1", standard_contract("processing").terms_hash)
    assert (right.applied_by, right.decided_by, right.reason) == ("person:ann", "person:bob", "fits")


def test_every_step_is_in_the_black_box(vault: Vault) -> None:
    number = applied(vault)
    decided(vault, number)
    decided(vault, number, revoke, "person:bob", "misused")
    entries = logged(vault, "grant")
    assert [(each["subject"], each["actor"]) for each in entries] == [
        ("illness_counts", "person:ann"),
        ("illness_counts", "person:bob"),
        ("illness_counts", "person:bob"),
    ]


def test_what_nobody_asked_for_is_no_right(vault: Vault) -> None:
    assert in_force(vault) is None
    assert why_not(vault) == "no processing right on 'illness_counts' is on record"


def test_what_nobody_decided_on_is_no_right(vault: Vault) -> None:
    applied(vault)
    assert in_force(vault) is None and "nobody has decided" in why_not(vault)


def test_a_refusal_is_no_right_and_says_why(vault: Vault) -> None:
    decided(vault, applied(vault), refuse, reason="too wide")
    assert in_force(vault) is None and why_not(vault).endswith("was refused: too wide")


def test_a_revoked_right_is_none(vault: Vault) -> None:
    number = applied(vault)
    decided(vault, number)
    decided(vault, number, revoke, reason="misused")
    assert in_force(vault) is None and why_not(vault).endswith("was revoked: misused")


@pytest.mark.parametrize(
    ("day", "told"),
    [(TODAY - timedelta(days=1), f"begins on {TODAY}"), (TODAY + timedelta(days=31), "ended on 2026-12-24")],
)
def test_a_right_holds_within_its_term_only(vault: Vault, day: date, told: str) -> None:
    decided(vault, applied(vault))
    assert in_force(vault, day) is None and told in why_not(vault, day)
    assert in_force(vault, TODAY) is not None and in_force(vault, TODAY + timedelta(days=30)) is not None


def test_nobody_grants_their_own_application(vault: Vault) -> None:
    with pytest.raises(JinkuError, match=r"right_self_granted: person:ann applied"):
        decided(vault, applied(vault), by="person:ann")
    assert in_force(vault) is None


@pytest.mark.parametrize("second", [grant, refuse])
def test_a_verdict_stands(vault: Vault, second: object) -> None:
    number = applied(vault)
    decided(vault, number, refuse)
    with pytest.raises(JinkuError, match="right_decided: it is refused and cannot be"):
        decided(vault, number, second, by="person:eve")
    with pytest.raises(JinkuError, match="right_decided: it is refused and cannot be revoked"):
        decided(vault, number, revoke)


def test_what_was_not_granted_cannot_be_revoked(vault: Vault) -> None:
    with pytest.raises(JinkuError, match="right_decided: it is not decided on and cannot be revoked"):
        decided(vault, applied(vault), revoke)


def test_a_verdict_needs_a_reason_and_an_application(vault: Vault) -> None:
    with pytest.raises(JinkuError, match="right_reason"):
        decided(vault, applied(vault), reason="  ")
    with pytest.raises(JinkuError, match="right_unknown"):
        decided(vault, 99)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"purposes": ()}, "purposes"),
        ({"holder": " "}, "holder"),
        ({"basis": ""}, "basis"),
        ({"valid_until": TODAY - timedelta(days=1)}, "it ends before it begins"),
    ],
)
def test_an_application_for_nothing_is_none(vault: Vault, changes: dict[str, object], told: str) -> None:
    with pytest.raises(JinkuError, match=f"right_incomplete: .*{told}"):
        applied(vault, replace(ASKED, **changes))  # type: ignore[arg-type]
    assert on_record(vault) == () and logged(vault, "grant") == []


def test_a_grant_that_cannot_be_logged_is_none(vault: Vault) -> None:
    number = applied(vault)

    def broken(record: Record) -> None:
        grant(record, number, "fits", "person:bob", NOON)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError), recording(vault, NOON) as record:
        broken(record)
    assert in_force(vault) is None and len(logged(vault, "grant")) == 1


@pytest.mark.parametrize("statement", ["update right_verdict set verdict = 'granted'", "delete from right_application"])
def test_nothing_on_record_can_be_changed(vault: Vault, statement: str) -> None:
    decided(vault, applied(vault), refuse)
    with (
        pytest.raises(sa.exc.IntegrityError, match="is never changed"),
        open_registry(vault.home).begin() as connection,
    ):
        connection.exec_driver_sql(statement)


def confirmed(
    vault: Vault,
    source: SourceContract | None = None,
    made: ComponentContract | None = None,
    at: datetime = NOON,
    products: dict[str, ProductContract] | None = None,
) -> tuple[int, ...]:
    sources = {"people": source or people()}
    with recording(vault, at) as record:
        return confirm_declared(record, sources, {"illness_counts": made or component()}, at, products)


def test_what_is_declared_is_granted_without_a_step_by_hand(vault: Vault) -> None:
    assert len(confirmed(vault)) == 2
    holding, processing = on_record(vault)
    assert holding.application.holder == "Water office" and holding.application.purposes == ("care", "research")
    assert holding.application.basis == "statutory: Ordinance 7"
    assert processing.application.resources == ("people",) and processing.application.purposes == ("care",)
    assert {each.state(TODAY) for each in (holding, processing)} == {"granted"}
    assert {each.reason for each in (holding, processing)} == {"by declaration"}


def test_declaring_the_same_again_adds_nothing(vault: Vault) -> None:
    confirmed(vault)
    assert confirmed(vault) == ()
    assert confirmed(vault, at=NOON + timedelta(days=3)) == ()
    assert len(logged(vault, "grant")) == 4


def test_a_processing_right_ends_with_the_first_holding_right(vault: Vault) -> None:
    confirmed(vault)
    assert on_record(vault)[1].application.valid_until == date(2030, 12, 31)
    rights = {"holding": "Water office", "processing": "City data vault", "resources": ["people"]}
    confirmed(vault, made=component(rights={**rights, "expires": "2027-01-01"}))
    assert on_record(vault)[-1].application.valid_until == date(2027, 1, 1)


def test_a_changed_declaration_takes_the_place_of_the_former(vault: Vault) -> None:
    confirmed(vault)
    assert len(confirmed(vault, people(permittedPurposes=["care"]))) == 1
    holding, _, narrowed = on_record(vault)
    assert (holding.state(TODAY), narrowed.state(TODAY)) == ("superseded", "granted")
    assert len(confirmed(vault)) == 1, "and back again"
    assert [each.state(TODAY) for each in on_record(vault) if each.application.confirmation == "holding"] == [
        "superseded",
        "superseded",
        "granted",
    ]


def test_a_right_that_is_declared_no_more_ends(vault: Vault) -> None:
    confirmed(vault)
    with recording(vault, NOON) as record:
        confirm_declared(record, {}, {}, NOON)
    assert {each.state(TODAY) for each in on_record(vault)} == {"superseded"}


def test_what_a_person_revoked_no_declaration_brings_back(vault: Vault) -> None:
    _, number = confirmed(vault)
    decided(vault, number, revoke, "person:bob", "misused")
    assert confirmed(vault) == ()
    assert in_force(vault) is None and why_not(vault).endswith("was revoked: misused")


def test_a_component_of_an_unknown_source_is_refused_on_record(vault: Vault) -> None:
    rights = {"holding": "Water office", "processing": "City data vault", "resources": ["people", "cars"]}
    confirmed(vault, made=component(rights=rights))
    assert in_force(vault) is None and why_not(vault).endswith("was refused: no source is called cars")
    assert confirmed(vault, made=component(rights=rights)) == (), "said once"
    assert len(confirmed(vault)) == 1 and in_force(vault) is not None


def test_an_ended_basis_gives_a_right_that_has_ended(vault: Vault) -> None:
    basis = {"basis": "statutory", "reference": "Ordinance 7", "expires": "2026-01-01"}
    confirmed(vault, people(legalBasis=basis))
    assert {each.state(TODAY) for each in on_record(vault)} == {"ended"}


def test_a_product_is_operated_by_its_operator(vault: Vault) -> None:
    product = ProductContract.model_validate(
        {
            "title": {"en": "Plan", "zh": "规划"},
            "description": "A plan.",
            "applicationField": "governance",
            "grain": ["illness"],
            "columns": [component().columns[0].model_dump(by_alias=True)],
            "purpose": "Planning",
            "refreshPeriod": "yearly",
            "owner": "team:health",
            "operator": "Planning office",
        }
    )
    confirmed(vault, products={"plan": product})
    right = right_in_force(on_record(vault), "operating", "plan", datetime(2090, 1, 1, tzinfo=UTC).date())
    assert right is not None and right.application.holder == "Planning office"
    assert confirmed(vault, products={"plan": product}, at=NOON + timedelta(days=1)) == ()
