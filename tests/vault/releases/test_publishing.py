"""A release is there whole or not at all, once for each content, and only after nothing speaks against it."""

import errno
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from review.findings import Finding
from review.records import Content, Review, record_review
from tests.builders import PROJECT, opened
from tests.pricing.prices import document, facts
from tests.vault.releases.builds import (
    CHECKS,
    MORNING,
    NAME,
    NOON,
    ROWS,
    build,
    contract,
    evidence,
    grant_rights,
    release,
)
from tests.vault.releases.conftest import Ready
from vault.black_box.recording import recording
from vault.black_box.tables import entries
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.registry.database import open_registry
from vault.releases import publishing
from vault.releases.evidence import Evidence, Outcome
from vault.releases.publishing import DRAFT, publish, refuse, settle
from vault.releases.reading import delta_table, read_datasheet, releases_in, table_files
from vault.releases.register import (
    Refusal,
    latest_refusals,
    latest_releases,
    refusals_of,
    release_by_id,
    releases_of,
)
from vault.releases.table_files import write_table
from vault.releases.verifying import verify
from vault.rights.staleness import mark_stale
from vault.signing import public_keys
from vault.valuations import record

LATER = NOON + timedelta(hours=1)
FEWER = f"select * from ({ROWS}) where pickup_hour < 12"


def folders(vault: Vault) -> list[str]:
    return [each.release_id for each in releases_in(vault.home.releases)]


def logged(vault: Vault, kind: str) -> list[str]:
    with open_registry(vault.home).begin() as connection:
        return [row.subject for row in connection.execute(entries.select()) if row.kind == kind]


def problems(vault: Vault, number: int) -> tuple[str, ...]:
    path = vault.home.releases / NAME / str(number)
    return tuple(str(each) for each in verify(path, public_keys(vault.home), vault.home, f"{NAME}@{number}"))


def test_a_release_is_a_table_that_anything_reads_with_a_signed_datasheet(vault: Vault, given: Evidence) -> None:
    made = release(vault, given)
    path = vault.home.releases / NAME / "1"
    assert (made.release_id, made.rows, made.published_at) == (f"{NAME}@1", 1440, NOON)
    assert problems(vault, 1) == ()
    (parquet,) = table_files(path)
    rows = duckdb.read_parquet(str(parquet))
    assert rows.columns == [column.name for column in contract().columns]
    keys = rows.select(", ".join(contract().grain)).fetchall()
    assert len(keys) == 1440 and keys == sorted(keys), "the rows stand in the order of their grain"
    assert delta_table(path).version() == 0 and delta_table(path).to_pyarrow_table().num_rows == 1440
    with open_registry(vault.home).begin() as connection:
        assert latest_releases(connection) == {NAME: made} and release_by_id(connection, f"{NAME}@1") == made
    assert logged(vault, "release") == [f"{NAME}@1"]


def test_what_is_released_may_be_read_by_others_and_written_by_nobody(vault: Vault, given: Evidence) -> None:
    before = os.umask(0o077)
    try:
        release(vault, given)
    finally:
        os.umask(before)
    for path in [
        vault.home.releases,
        *vault.home.releases.glob(f"{NAME}"),
        *vault.home.releases.glob(f"{NAME}/1/**/*"),
    ]:
        wanted = 0o755 if path.is_dir() else 0o444
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_nothing_of_the_vault_stands_in_a_release(vault: Vault, given: Evidence) -> None:
    release(vault, given)
    for path in (vault.home.releases / NAME / "1").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(vault.home.root).encode() not in content and vault.master.hex().encode() not in content, path
    contract_told = read_datasheet(vault.home.releases / NAME / "1")["contract"]
    assert not {"cost", "rights", "authors", "anonymise", "population"} & set(contract_told)
    text = (vault.home.releases / NAME / "1" / "datasheet.json").read_text()
    assert "field_costs" not in text and "buyer_id" not in text, "the vault's costs and other buyers' trades stay in it"


def test_the_same_content_is_released_once_and_another_becomes_the_next_release(vault: Vault, given: Evidence) -> None:
    first = release(vault, given)
    assert release(vault, at=LATER) == first, "reviewed and valued again, it is still the same"
    build(vault, f"select * from ({ROWS}) order by random()")
    assert release(vault, at=LATER) == first, "the order of rows is no content"
    build(vault, FEWER)
    second = release(vault, at=LATER)
    assert (second.number, second.rows) == (2, 720)
    build(vault)
    assert release(vault, at=LATER).number == 3, "the last release counts, not one before it"
    assert folders(vault) == [f"{NAME}@1", f"{NAME}@2", f"{NAME}@3"]
    assert problems(vault, 1) == problems(vault, 2) == problems(vault, 3) == ()


def test_another_part_of_the_content_makes_another_release(vault: Vault, given: Evidence) -> None:
    release(vault, given)
    changes: list[Callable[[], Evidence]] = [
        lambda: replace(given, batches=given.batches[:1]),
        lambda: changed_on_record(vault, given, "price"),
        lambda: changed_on_record(vault, given, "model"),
        lambda: evidence(vault, contract=contract(purpose="Planning of something else")),
        lambda: evidence(vault, contract=contract(releaseTier="public")),
    ]
    for number, changed in enumerate(changes, 2):
        assert release(vault, changed(), LATER).number == number
    assert [problems(vault, number) for number in range(1, 7)] == [()] * 6


def changed_on_record(vault: Vault, given: Evidence, change: str) -> Evidence:
    """Another model, reviewed as such, or another price, valued as such."""
    assert given.review is not None and given.valuation is not None
    if change == "price":
        measured = replace(facts().measures, component_hash=given.component_hash, snapshot_hash=given.review.data_hash)
        told = {**document(measures=measured, model_cost_fen=900_000), "measures": given.valuation.document["measures"]}
        return replace(given, valuation=record(vault.home.pricing, replace(given.valuation, document=told)))
    model_hash = "9" * 64
    content = Content(given.review.data_hash, model_hash, given.contract_hash, given.review.policy_hash)
    findings = tuple(Finding(each.check, each.part, each.outcome, each.reason) for each in given.review.checks)
    with recording(vault, MORNING) as on_record:
        made = record_review(on_record, Review(NAME, content, "", findings, given.review.blocking, "run", MORNING))
    review = replace(given.review, review_id=made.review_id, model_hash=model_hash)
    return replace(given, model_hash=model_hash, review=review)


def test_a_stale_release_is_released_anew_though_nothing_else_changed(vault: Vault, given: Evidence) -> None:
    release(vault, given)
    with recording(vault, NOON) as on_record:
        mark_stale(on_record.connection, NAME, "a withdrawal", NOON + timedelta(minutes=1))
    assert release(vault, at=LATER).number == 2
    assert release(vault, at=LATER).number == 2, "and then it is fresh"


def changed_review(**changes: Any) -> Any:
    return lambda given: replace(given, review=replace(given.review, **changes))


def changed_quality(**changes: Any) -> Any:
    return lambda given: replace(given, quality=replace(given.quality, **changes))


def without_check(given: Evidence) -> Evidence:
    assert given.review is not None
    return replace(given, review=replace(given.review, checks=given.review.checks[1:]))


def failed_check(outcome: Outcome) -> Any:
    def changed(given: Evidence) -> Evidence:
        assert given.review is not None
        first = replace(given.review.checks[0], outcome=outcome, reason="it has ended")
        return replace(given, review=replace(given.review, checks=(first, *given.review.checks[1:])))

    return changed


def check_twice(given: Evidence) -> Evidence:
    assert given.review is not None
    return replace(given, review=replace(given.review, checks=(given.review.checks[0], *given.review.checks)))


def other_price(given: Evidence) -> Evidence:
    assert given.valuation is not None
    price = given.valuation.price
    negotiated = {**price["negotiated"], "price_fen": 1, "listed_fen": 1}
    told = {**given.valuation.document, "price": {**price, "negotiated": negotiated}}
    return replace(given, valuation=replace(given.valuation, document=told))


def ended_right(given: Evidence) -> Evidence:
    ended = replace(given.rights[0].application, valid_until=date(2026, 11, 23))
    return replace(given, rights=(replace(given.rights[0], application=ended), *given.rights[1:]))


def revoked_right(given: Evidence) -> Evidence:
    return replace(given, rights=(given.rights[0], replace(given.rights[1], verdict="revoked")))


REFUSED = {
    "no review": (lambda given: replace(given, review=None), "there is no security review"),
    "S = 0": (changed_review(security=0), "the review says S = 0"),
    "a check failed": (failed_check("fail"), "O1_legal_basis: fail: it has ended"),
    "a check waits": (failed_check("pending"), "O1_legal_basis: pending"),
    "a checker failed": (failed_check("error"), "O1_legal_basis: error"),
    "a check is missing": (without_check, "O1_legal_basis: error: it left no finding"),
    "a check twice": (check_twice, "a check stands twice"),
    "an empty policy": (changed_review(blocking=frozenset()), "asks for nothing"),
    "a longer policy": (changed_review(blocking=frozenset({"R1_k_anonymity"})), "R1_k_anonymity: error"),
    "other rows reviewed": (changed_review(data_hash="0" * 64), "other rows were reviewed"),
    "another model reviewed": (changed_review(model_hash="0" * 64), "other models were reviewed"),
    "other contracts reviewed": (changed_review(contract_hash="0" * 64), "other contracts were reviewed"),
    "another model built": (lambda given: replace(given, model_hash="0" * 64), "other models were reviewed"),
    "another policy than recorded": (changed_review(policy_hash="0" * 64), "on record says something else"),
    "a review nobody recorded": (changed_review(review_id=99), "review 99 is not on record"),
    "a review of tomorrow": (changed_review(reviewed_at=LATER), "a clock was moved"),
    "no quality": (lambda given: replace(given, quality=None), "its quality was not evaluated"),
    "a closed quality gate": (changed_quality(gate_closed=True), "its quality gate is closed"),
    "a quality of tomorrow": (changed_quality(evaluated_at=LATER), "a clock was moved"),
    "no price": (lambda given: replace(given, valuation=None), "it has no price"),
    "another price": (other_price, "does not follow from its facts: negotiated.listed_fen, negotiated.price_fen"),
    "another build priced": (lambda given: replace(given, component_hash="0" * 64), "another build was priced"),
    "a price not on record": (
        lambda given: replace(given, valuation=replace(given.valuation, valuation_id=0)),
        "its price is not on record",
    ),
    "the price of another": (
        lambda given: replace(given, valuation=replace(given.valuation, component="other")),
        "the price is that of another component",
    ),
    "no rights": (lambda given: replace(given, rights=()), "no holding right on 'taxi_trips' is on record"),
    "only one right": (lambda given: replace(given, rights=given.rights[:1]), "no processing right on 'zone_hours'"),
    "an ended right": (ended_right, "the holding right on 'taxi_trips' is not in force: ended"),
    "a revoked right": (revoked_right, "the processing right on 'zone_hours' is not in force: revoked"),
    "no lineage": (lambda given: replace(given, batches=()), "not known from which batches"),
    "a source without right": (
        lambda given: replace(given, batches=(replace(given.batches[0], source="clinic_visits"), *given.batches)),
        "no holding right on 'clinic_visits'",
    ),
    "the sandbox": (lambda given: replace(given, contract=contract(releaseTier="sandbox")), "its tier is sandbox"),
    "an undeclared column": (
        lambda given: replace(given, contract=contract(columns=contract().model_dump(by_alias=True)["columns"][:-1])),
        "the column 'is_busy' is not in the contract",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_whatever_speaks_against_a_release_refuses_it_and_is_put_on_record(
    refusing: Vault, given: Evidence, case: str
) -> None:
    change, cause = REFUSED[case]
    with pytest.raises(JinkuError, match="release_refused") as refused:
        release(refusing, change(given))
    assert cause in refused.value.what
    assert folders(refusing) == [] and logged(refusing, "release") == []
    assert not (refusing.home.releases / NAME / DRAFT).exists(), "not even a draft was written"
    with open_registry(refusing.home).begin() as connection:
        last = refusals_of(connection, NAME, most=1)[0]
    assert any(cause.split(":")[0] in each for each in last.causes) and last.run_id == "run-1"
    assert logged(refusing, "refusal")[-1] == NAME


def test_a_newer_review_that_refuses_counts_not_an_older_one_that_passed(vault: Vault, given: Evidence) -> None:
    evidence(vault, outcomes={CHECKS[0][0]: "fail"})
    with pytest.raises(JinkuError, match="is not the last one of this component"):
        release(vault, given)


def test_other_rows_than_reviewed_refuse(vault: Vault, given: Evidence) -> None:
    build(vault, FEWER)
    with pytest.raises(JinkuError, match="other rows were reviewed; other rows were priced"):
        release(vault, given)
    assert folders(vault) == []


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        (f"select * from ({ROWS}) limit 0", "the table has no rows"),
        (f"select *, 1 as extra from ({ROWS})", "the column 'extra' is not in the contract"),
        (f"select * exclude (trips) from ({ROWS})", "the column 'trips' of the contract is not in the table"),
        (f"select * replace (trips::ubigint as trips) from ({ROWS})", "the column 'trips' has the type uint64"),
        (f"select * replace (to_hours(1) as pickup_hour) from ({ROWS})", "'pickup_hour' has the type interval"),
        (f"select * replace (newest::timestamp_s as newest) from ({ROWS})", "'newest' has the type timestamp(0)"),
    ],
)  # fmt: skip
def test_rows_that_are_not_what_the_contract_says_refuse(vault: Vault, given: Evidence, rows: str, cause: str) -> None:
    build(vault, rows)
    with pytest.raises(JinkuError, match="release_refused") as refused:
        release(vault, given)
    assert cause in refused.value.what


def test_a_refusal_without_any_evidence_is_on_record(vault: Vault) -> None:
    made = refuse(vault, "other", ["it was never built"], NOON, "run-7")
    with open_registry(vault.home).begin() as connection:
        assert latest_refusals(connection) == {"other": made}
    assert made == Refusal("other", ("it was never built",), "run-7", NOON, made.entry)
    assert logged(vault, "refusal") == ["other"] and folders(vault) == []
    with pytest.raises(ValueError, match="a refusal needs a cause"):
        refuse(vault, "other", [], NOON)


def test_releases_and_refusals_are_never_changed(released: Vault) -> None:
    refuse(released, NAME, ["a cause"], NOON)
    for table, column in (("release", "rows"), ("refusal", "run_id")):
        for statement in (f'update "{table}" set {column} = 1', f'delete from "{table}"'):
            with (
                pytest.raises(sa.exc.IntegrityError, match=f"a {table} is never changed"),
                open_registry(released.home).begin() as connection,
            ):
                connection.execute(sa.text(statement))


def test_two_components_are_published_at_once_and_one_component_one_after_the_other(
    vault: Vault, given: Evidence
) -> None:
    build(vault, name="second")
    grant_rights(vault, "second")
    waiting = [given, evidence(vault, "second")] * 2
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        tables = [component_table(stack, vault, each.component) for each in waiting]
        work = [pool.submit(publish, vault, each, table, NOON) for each, table in zip(waiting, tables, strict=True)]
        made = [each.result() for each in work]
    assert made[:2] == made[2:] and folders(vault) == ["second@1", f"{NAME}@1"]
    assert sorted(logged(vault, "release")) == ["second@1", f"{NAME}@1"]


def component_table(stack: ExitStack, vault: Vault, name: str) -> Any:
    connection = stack.enter_context(connect(vault, read=("components",)))
    return ibis_table(connection, "components", "components", name)


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from tests.builders import opened
from tests.vault.releases.builds import release
from vault.releases import publishing

def die_at(name, call):
    original, calls = getattr(publishing, name), 0

    def dying(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == int(call):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(publishing, name, dying)
    release(opened(Path(sys.argv[1])), pickle.loads(Path(sys.argv[2]).read_bytes()))

for point in sys.stdin:
    child = os.fork()
    if child == 0:
        die_at(*point.split())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_release_is_there_whole_or_not_at_all_whenever_its_process_is_killed(
    vault: Vault, given: Evidence, tmp_path: Path
) -> None:
    """Before the rows are read back, in the transaction before its commit, and after it before the release is seen."""
    (tmp_path / "evidence").write_bytes(pickle.dumps(given))
    draft = vault.home.releases / NAME / DRAFT
    command = [sys.executable, "-c", KILLED, str(vault.home.root), str(tmp_path / "evidence")]
    with subprocess.Popen(command, cwd=PROJECT, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as killed:

        def killed_at(function: str, call: int) -> None:
            assert killed.stdin and killed.stdout
            killed.stdin.write(f"{function} {call}\n")
            assert killed.stdout.readline() == f"{-signal.SIGKILL}\n"
            assert folders(vault) == [] and stat.S_IMODE(draft.stat().st_mode) == 0o700, "nobody else sees a draft"

        killed_at("columns_told", 1)
        killed_at("add_release", 1)
        assert logged(vault, "release") == []
        settle(vault)
        assert not draft.exists(), "what is not on record is no release"
        killed_at("_settle", 2)
        assert logged(vault, "release") == [f"{NAME}@1"], "it is on record, so it will be there"
    settle(vault)
    assert folders(vault) == [f"{NAME}@1"] and problems(vault, 1) == ()
    assert release(vault, given).number == 1


def test_leftovers_are_removed_before_the_next_release(vault: Vault, given: Evidence) -> None:
    draft = vault.home.releases / NAME / DRAFT
    draft.mkdir(parents=True)
    (draft / "datasheet.json").write_text("{}")
    assert release(vault, given).number == 1 and not draft.exists()


def test_a_release_that_was_removed_is_made_anew_and_its_number_is_not_used_again(
    released: Vault, given: Evidence
) -> None:
    shutil.rmtree(released.home.releases / NAME / "1")
    assert release(released, given, LATER).number == 2
    (released.home.releases / NAME / "7").mkdir()
    build(released, FEWER)
    assert release(released, at=LATER).number == 8, "a folder that is there is nobody's to overwrite"


def test_a_failure_leaves_no_release_and_no_draft(ready: Ready, tmp_path: Path) -> None:
    shutil.copytree(ready.home, tmp_path / "home [1]")
    vault = opened(tmp_path / "home [1]")
    with pytest.raises(JinkuError, match="release_unwritable") as refused:
        release(vault, ready.given)
    assert "whose path holds [ ]" in refused.value.what
    assert folders(vault) == [] and logged(vault, "release") == []
    assert not (vault.home.releases / NAME / DRAFT).exists()


def test_what_is_written_is_read_back_before_it_is_released(
    vault: Vault, given: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing_rows(table: Any, *arguments: Any) -> None:
        write_table(table.limit(1439), *arguments)

    monkeypatch.setattr(publishing, "write_table", losing_rows)
    with pytest.raises(JinkuError, match="release_unfaithful"):
        release(vault, given)
    assert folders(vault) == [] and not (vault.home.releases / NAME / DRAFT).exists()


def test_a_full_disk_leaves_nothing_and_is_told(vault: Vault, given: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publishing, "seal", full)
    with pytest.raises(JinkuError, match="disk_full"):
        release(vault, given)
    assert folders(vault) == [] and not (vault.home.releases / NAME / DRAFT).exists()
    monkeypatch.undo()
    assert release(vault, given).number == 1


def test_no_log_no_release(vault: Vault, given: Evidence) -> None:
    (vault.home.witness / "checkpoints.jsonl").unlink()
    with pytest.raises(JinkuError, match="witness"):
        release(vault, given)
    assert folders(vault) == [] and not (vault.home.releases / NAME / DRAFT).exists()
    with open_registry(vault.home).begin() as connection:
        assert releases_of(connection, NAME) == ()


def test_a_name_that_is_no_component_is_a_mistake(vault: Vault, given: Evidence) -> None:
    with ExitStack() as stack:
        table = component_table(stack, vault, NAME)
        with pytest.raises(ValueError, match="no component"):
            publish(vault, replace(given, component="../elsewhere"), table, NOON)
