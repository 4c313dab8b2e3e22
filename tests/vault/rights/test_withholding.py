"""Who withdrew is not in raw, whichever way their rows come; every row left out is counted."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.erasure import apply_withdrawals, shred_erased, withdrawals_due
from tests.builders import NOON, rows
from tests.vault.rights.people import (
    ANN,
    BOB,
    CAI,
    DAN,
    IDS,
    LATER,
    by_consent,
    collected,
    gives,
    land,
    lines_of,
    people,
    unaccounted,
    withdraws,
)
from vault.contract import SourceContract
from vault.layers import Vault, connect
from vault.ledger import batches
from vault.received import received_path
from vault.received_keys import is_shredded
from vault.rights.withholding import Withheld

BROKEN = f"{ANN},1985-01-01"
QUOTED = f'"{ANN.lower()},1985-01-01,flu'


def follow(vault: Vault, contract: SourceContract, at: object = NOON) -> tuple[Withheld, ...]:
    return apply_withdrawals(vault, "people", contract, tuple, at)  # type: ignore[arg-type]


def present(vault: Vault) -> set[str]:
    return {each for (each,) in rows(vault, "select upper(trim(id_number)) from raw.raw.people")}


def without(*gone: str) -> set[str]:
    return {each.upper() for each in IDS} - {each.upper() for each in gone}


def accounts(vault: Vault) -> list[tuple[int, int, int, int]]:
    """received, loaded, quarantined and withdrawn of every batch, oldest first."""
    with connect(vault, read=("raw",)) as connection:
        return [(b.received, b.loaded, b.quarantined, b.withdrawn) for b in batches(connection)]


def due(vault: Vault, contract: SourceContract, at: object = NOON) -> bool:
    with connect(vault, read=("raw",)) as connection:
        return bool(withdrawals_due(vault, connection, {"people": contract}, at))  # type: ignore[arg-type]


def test_rows_of_who_withdrew_leave_and_are_counted(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract)
    withdraws(vault, BOB, "research")
    assert [each.loaded for each in follow(vault, contract)] == [1]
    assert present(vault) == without(BOB)
    assert accounts(vault) == [(4, 3, 0, 1)] and unaccounted(vault, contract) == 0


def test_the_number_is_found_however_it_is_written(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract, (CAI,), f"  {BOB.upper()} ,1990-02-02,flu", f"{BOB},1990-02-02,cold")
    withdraws(vault, BOB)
    follow(vault, contract)
    assert present(vault) == {CAI}


def test_a_file_that_comes_again_does_not_bring_them_back(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract)
    withdraws(vault, ANN)
    follow(vault, contract)
    land(vault, contract, lines_of((ANN, DAN)), "people_again.csv")
    assert present(vault) == without(ANN)
    assert accounts(vault) == [(4, 3, 0, 1), (2, 1, 0, 1)] and unaccounted(vault, contract) == 0


def test_lines_in_quarantine_that_name_them_leave_too(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract, (CAI,), BROKEN, f"{DAN},2020-04-04", QUOTED)
    assert accounts(vault) == [(4, 1, 3, 0)]
    withdraws(vault, ANN)
    assert follow(vault, contract) == (Withheld(batch_of(vault), "people", 0, 2),)
    assert rows(vault, "select original from raw.vault.quarantine") == [(f"{DAN},2020-04-04",)]
    assert accounts(vault) == [(4, 1, 1, 2)] and unaccounted(vault, contract) == 0


def test_lines_that_come_later_are_not_kept_either(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract, (CAI,))
    withdraws(vault, ANN)
    follow(vault, contract)
    land(vault, contract, lines_of((ANN, BOB), BROKEN, f"{DAN},x"), "people_again.csv")
    assert accounts(vault)[1] == (4, 1, 1, 2)
    assert rows(vault, "select original from raw.vault.quarantine") == [(f"{DAN},x",)]


def batch_of(vault: Vault) -> str:
    ((batch,),) = rows(vault, "select batch from raw.vault.batches")
    return str(batch)


def test_following_is_done_once(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract)
    assert not due(vault, contract)
    withdraws(vault, ANN)
    assert due(vault, contract)
    assert follow(vault, contract) and not due(vault, contract)
    assert follow(vault, contract) == ()


def test_who_agrees_again_comes_with_the_next_delivery(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract)
    withdraws(vault, ANN)
    follow(vault, contract)
    gives(vault, ANN)
    assert due(vault, contract) and follow(vault, contract) == ()
    land(vault, contract, lines_of((ANN,)), "people_again.csv")
    assert ANN in present(vault)


def test_a_source_that_rests_on_consent_keeps_who_agreed(tmp_path: Path) -> None:
    contract = by_consent()
    vault = collected(tmp_path, contract)
    assert present(vault) == set(), "nobody has agreed yet"
    assert accounts(vault) == [(4, 0, 0, 4)] and unaccounted(vault, contract) == 0
    gives(vault, ANN, BOB)
    gives(vault, CAI, purposes=("care",))
    follow(vault, contract)
    land(vault, contract, lines_of(IDS, ",1970-01-01,flu"), "people_again.csv")
    assert present(vault) == {ANN, BOB.upper()}, "one purpose is not enough, and nobody knows who has no number"
    assert accounts(vault)[1] == (5, 2, 0, 3)


def test_a_consent_that_ended_removes_the_rows(tmp_path: Path) -> None:
    contract = by_consent()
    vault = collected(tmp_path, contract, ())
    gives(vault, ANN, BOB)
    gives(vault, CAI, valid_until=LATER)
    follow(vault, contract)
    land(vault, contract, lines_of((ANN, CAI)), "people_again.csv")
    assert present(vault) == {ANN, CAI} and not due(vault, contract)
    assert due(vault, contract, LATER)
    follow(vault, contract, LATER)
    assert present(vault) == {ANN}


@pytest.mark.parametrize(
    ("identifier", "changes", "is_kept"),
    [
        (ANN, {"is_separate": False}, False),
        (ANN, {"is_separate": True}, True),
        (DAN, {}, False),
        (DAN, {"is_by_guardian": True}, True),
    ],
    ids=["sensitive data needs a consent of its own", "given", "a minor needs the guardian's", "given by the guardian"],
)
def test_what_is_asked_for_beyond_consent(
    tmp_path: Path, identifier: str, changes: dict[str, Any], is_kept: bool
) -> None:
    contract = by_consent()
    vault = collected(tmp_path, contract, ())
    gives(vault, identifier, **changes)
    follow(vault, contract)
    land(vault, contract, lines_of((identifier,)), "people_again.csv")
    assert present(vault) == ({identifier} if is_kept else set())


def test_erasure_destroys_the_bytes_of_the_batches_that_hold_them(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract, (ANN, BOB))
    land(vault, contract, lines_of((CAI,)), "people_of_others.csv")
    land(vault, contract, b"id_number,name\n1,2\n", "people_wrong.csv")
    withdraws(vault, ANN, is_erasure=True)
    follow(vault, contract)
    assert readable(vault) == {"people_of_others.csv"}, "nobody can tell whom a file holds that was refused whole"
    assert present(vault) == {BOB.upper(), CAI}, "the rows of the others stay"
    land(vault, contract, lines_of((ANN, DAN)), "people_again.csv")
    assert len(shred_erased(vault, "people", NOON)) == 1
    assert readable(vault) == {"people_of_others.csv"}
    assert shred_erased(vault, "people", NOON) == ()


def test_a_withdrawal_alone_destroys_no_bytes(tmp_path: Path) -> None:
    contract = people()
    vault = collected(tmp_path, contract)
    withdraws(vault, ANN)
    follow(vault, contract)
    assert readable(vault) == {"people.csv"}
    withdraws(vault, ANN, is_erasure=True)
    follow(vault, contract)
    assert readable(vault) == set(), "which batches held them is still known"


def readable(vault: Vault) -> set[str]:
    """Names of the files whose received bytes are still there and can be read."""
    return {
        batch.split("@")[0]
        for batch, sha256 in rows(vault, "select batch, sha256 from raw.vault.batches")
        if not is_shredded(vault.home, sha256) and received_path(vault.home, sha256).exists()
    }


def test_a_source_that_speaks_of_nobody_is_left_alone(tmp_path: Path) -> None:
    contract = people(subject=None, category="public")
    vault = collected(tmp_path, contract)
    assert follow(vault, contract) == () and not due(vault, contract)
