"""Two reviewers, neither the author, each blind to the other; everyone else is turned away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from review.sign_off import (
    Decision,
    SignOff,
    Verdict,
    admit_reviewer,
    admitted,
    authenticate,
    decide,
    revoke_reviewer,
    sign_off,
)
from tests.builders import NOON, fresh_vault
from vault.black_box.recording import Record, recording
from vault.errors import JinkuError
from vault.layers import Vault

AUTHORS = ("person:chen.yu",)
KEY = "the hash of what was looked at"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return fresh_vault(tmp_path, {})


@pytest.fixture
def record(vault: Vault) -> Iterator[Record]:
    with recording(vault, NOON) as record:
        yield record


def decided(record: Record, reviewer: str, verdict: Verdict = "approve", key: str = KEY) -> SignOff:
    return decide(record, "health", key, Decision(reviewer, verdict, "read it", NOON), AUTHORS)


def test_two_who_approve_let_it_out(record: Record) -> None:
    assert decided(record, "person:li.wei").state == "pending"
    both = decided(record, "person:zhao.min")
    assert both.state == "approved"
    assert [each.reviewer for each in both.decisions] == ["person:li.wei", "person:zhao.min"]


@pytest.mark.parametrize("verdicts", [("approve", "refuse"), ("refuse", "approve"), ("refuse", "refuse")])
def test_one_who_refuses_is_enough(record: Record, verdicts: tuple[Verdict, Verdict]) -> None:
    decided(record, "person:li.wei", verdicts[0])
    assert decided(record, "person:zhao.min", verdicts[1]).state == "refused"


def test_each_is_blind_until_both_have_decided(record: Record) -> None:
    decided(record, "person:li.wei", "refuse")
    seen = sign_off(record.connection, "health", KEY)
    assert seen == SignOff("pending", 1, ())


def test_an_author_is_no_reviewer(record: Record) -> None:
    with pytest.raises(JinkuError, match=r"reviewer_is_author: person:chen\.yu"):
        decided(record, "person:chen.yu")


def test_a_component_without_an_author_cannot_be_signed_off(record: Record) -> None:
    with pytest.raises(JinkuError, match="no_author"):
        decide(record, "health", KEY, Decision("person:li.wei", "approve", "read it", NOON), ())


def test_one_reviewer_does_not_count_for_two(record: Record) -> None:
    decided(record, "person:li.wei")
    with pytest.raises(JinkuError, match="decided_before"):
        decided(record, "person:li.wei")
    assert sign_off(record.connection, "health", KEY).state == "pending"


def test_a_third_cannot_turn_it_round(record: Record) -> None:
    decided(record, "person:li.wei", "refuse")
    decided(record, "person:zhao.min", "refuse")
    with pytest.raises(JinkuError, match="decided_by_all"):
        decided(record, "person:wu.jie")


def test_a_decision_holds_for_one_content_only(record: Record) -> None:
    decided(record, "person:li.wei")
    decided(record, "person:zhao.min")
    assert sign_off(record.connection, "health", "another hash") == SignOff("pending", 0, ())


def test_a_decision_without_a_reason_is_none(record: Record) -> None:
    with pytest.raises(JinkuError, match="reason_missing"):
        decide(record, "health", KEY, Decision("person:li.wei", "approve", "  ", NOON), AUTHORS)


def test_a_reviewer_is_who_holds_the_token(record: Record) -> None:
    admit_reviewer(record, "person:li.wei", b"t" * 32, b"salt", NOON)
    authenticate(record.connection, "person:li.wei", b"t" * 32)
    with pytest.raises(JinkuError, match="reviewer_token"):
        authenticate(record.connection, "person:li.wei", b"u" * 32)
    with pytest.raises(JinkuError, match="reviewer_unknown"):
        authenticate(record.connection, "person:zhao.min", b"t" * 32)


def test_the_registry_does_not_hold_the_token(record: Record) -> None:
    admit_reviewer(record, "person:li.wei", b"t" * 32, b"salt", NOON)
    held = record.connection.execute(sa.text("select * from reviewer")).one()
    assert (b"t" * 32).hex() not in str(held)


def test_whose_right_ended_may_decide_no_more(record: Record) -> None:
    admit_reviewer(record, "person:li.wei", b"t" * 32, b"salt", NOON)
    revoke_reviewer(record, "person:li.wei", NOON + timedelta(days=1))
    assert admitted(record.connection) == ()
    with pytest.raises(JinkuError, match="reviewer_unknown"):
        authenticate(record.connection, "person:li.wei", b"t" * 32)
    with pytest.raises(JinkuError, match="reviewer_known"):
        admit_reviewer(record, "person:li.wei", b"v" * 32, b"salt", NOON)


def test_a_decision_that_is_not_logged_is_none(vault: Vault) -> None:
    def decided_without_a_log() -> None:
        with recording(vault, NOON) as record:
            decided(record, "person:li.wei")
            raise RuntimeError("the log is gone")

    with pytest.raises(RuntimeError, match="the log is gone"):
        decided_without_a_log()
    with recording(vault, NOON) as record:
        assert sign_off(record.connection, "health", KEY).decided == 0
