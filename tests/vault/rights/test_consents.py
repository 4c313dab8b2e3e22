"""The last word of a person on a purpose holds, whatever the clock said; a consent ends on its day."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOON, fresh_vault
from tests.vault.rights.people import ANN, BOB, by_consent, gives, logged, people, pseudonym, withdraws
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import open_registry
from vault.rights.consents import consent_state, consents_in_force, consents_of, withdrawn

DAY = timedelta(days=1)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return fresh_vault(tmp_path / "home", {"people": people()})


def agreed(vault: Vault, purposes: Sequence[str] = ("care", "research"), days: int = 0) -> set[str]:
    with open_registry(vault.home).connect() as connection:
        return {row[0] for row in connection.execute(consents_in_force("people", purposes, NOON + days * DAY))}


def left_out(vault: Vault) -> tuple[tuple[str, bool], ...]:
    with open_registry(vault.home).connect() as connection:
        return withdrawn(connection, "people")


def test_a_consent_covers_the_purposes_it_names(vault: Vault) -> None:
    gives(vault, ANN, purposes=("care",))
    assert agreed(vault, ("care",)) == {pseudonym(vault, ANN)}
    assert agreed(vault) == set(), "research was not agreed to"


def test_a_consent_ends(vault: Vault) -> None:
    gives(vault, ANN, valid_until=NOON + DAY)
    assert agreed(vault) and not agreed(vault, days=1)


def test_a_withdrawal_ends_a_consent_and_leaves_the_person_out(vault: Vault) -> None:
    gives(vault, ANN, BOB)
    withdraws(vault, ANN, "research")
    assert agreed(vault) == {pseudonym(vault, BOB)}
    assert left_out(vault) == ((pseudonym(vault, ANN), False),)


def test_an_objection_needs_no_consent_before_it(vault: Vault) -> None:
    withdraws(vault, ANN, is_erasure=True)
    assert left_out(vault) == ((pseudonym(vault, ANN), True),)


def test_who_agrees_again_is_back(vault: Vault) -> None:
    withdraws(vault, ANN)
    gives(vault, ANN)
    assert left_out(vault) == () and agreed(vault) == {pseudonym(vault, ANN)}


def test_agreeing_to_one_purpose_again_is_not_enough(vault: Vault) -> None:
    withdraws(vault, ANN)
    gives(vault, ANN, purposes=("care",))
    assert len(left_out(vault)) == 1


def test_a_clock_that_went_back_does_not_undo_a_withdrawal(vault: Vault) -> None:
    gives(vault, ANN)
    withdraws(vault, ANN, at=NOON - 300 * DAY)
    assert len(left_out(vault)) == 1 and agreed(vault) == set()


def test_a_withdrawal_belongs_to_the_record_it_ends(vault: Vault) -> None:
    gives(vault, ANN)
    with open_registry(vault.home).connect() as connection:
        records = {each.record_id for each in consents_of(connection, pseudonym(vault, ANN))}
    assert {each.record_id for each in withdraws(vault, ANN)} == records and len(records) == 1


def test_what_is_incomplete_is_refused(vault: Vault) -> None:
    with pytest.raises(JinkuError, match="consent_incomplete"):
        gives(vault, ANN, purposes=())
    with pytest.raises(JinkuError, match="consent_incomplete"):
        gives(vault, ANN, valid_until=NOON)
    assert logged(vault, "consent") == []


def test_nobody_stands_in_the_clear(vault: Vault) -> None:
    gives(vault, ANN)
    withdraws(vault, ANN)
    subjects = [each["subject"] for each in logged(vault, "consent")]
    assert subjects == ["people", pseudonym(vault, ANN)]
    for path in (vault.home.root / "registry").iterdir():
        assert ANN.encode() not in path.read_bytes()


def test_the_same_person_is_the_same_however_the_number_is_written(vault: Vault) -> None:
    assert pseudonym(vault, BOB) == pseudonym(vault, f"  {BOB.upper()} ") != pseudonym(vault, ANN)
    with pytest.raises(JinkuError, match="identifier_missing"):
        pseudonym(vault, "  ")


def test_the_state_changes_with_every_word_and_with_every_end(vault: Vault) -> None:
    contract = by_consent()

    def state(days: int = 0, of: object = contract) -> str:
        with open_registry(vault.home).connect() as connection:
            return consent_state(connection, "people", of, NOON + days * DAY)  # type: ignore[arg-type]

    assert state(of=people()) == "0", "as a raw layer that nobody has touched"
    before = state()
    gives(vault, ANN, valid_until=NOON + DAY)
    assert before != state() != state(days=1)
    assert state() != state(of=by_consent(permittedPurposes=["care"])), "another purpose asks for other consents"


@dataclass(frozen=True)
class Word:
    person: str
    purpose: str
    is_given: bool


WORDS = st.lists(
    st.builds(Word, st.sampled_from([ANN, BOB]), st.sampled_from(["care", "research"]), st.booleans()), max_size=6
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS)
def test_the_last_word_on_each_purpose_counts(vault: Vault, words: list[Word]) -> None:
    turn = uuid.uuid4()  # other persons in every example, as what is on record stays
    last: dict[tuple[str, str], bool] = {}
    for word in words:
        if word.is_given:
            gives(vault, f"{word.person}{turn}", purposes=(word.purpose,))
        else:
            withdraws(vault, f"{word.person}{turn}", word.purpose)
        last[word.person, word.purpose] = word.is_given
    known = {person: pseudonym(vault, f"{person}{turn}") for person in (ANN, BOB)}
    both = {person for person in known if all(last.get((person, purpose)) for purpose in ("care", "research"))}
    out = {person for (person, _), is_given in last.items() if not is_given}
    assert agreed(vault) & {*known.values()} == {known[person] for person in both}
    assert {principal for principal, _ in left_out(vault)} & {*known.values()} == {known[person] for person in out}
