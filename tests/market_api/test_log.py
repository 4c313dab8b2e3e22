"""The market's black box: entries stand with what they record, and what was tampered with is found."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.ledger.proof import ledger_faults
from market_api.market import Market, Transaction
from tests.builders import PROJECT
from tests.market_api.builders import SetClock, a_market, with_funds
from vault.black_box.log import last_entries, size_of
from vault.black_box.proofs import prove_inclusion, proves_inclusion
from vault.black_box.witness import FILE_NAME
from vault.errors import JinkuError
from vault.signing import key_id


def test_an_action_that_fails_leaves_no_entry(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, 3, database_url)

    def fail(transaction: Transaction) -> None:
        transaction.log("order.settle", "ord_9", {"price_fen": 1})
        raise RuntimeError("in the end")

    with pytest.raises(RuntimeError, match="in the end"):
        market.act("market", fail)
    assert size(market) == 3
    step(market, "ord_3")
    assert [each.entry.subject for each in entries(market)] == ["ord_0", "ord_1", "ord_2", "ord_3"]
    assert is_whole(market)


def test_an_action_whose_entry_cannot_be_written_is_not_done(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, 1, database_url)

    def unloggable(transaction: Transaction) -> None:
        with_funds(transaction, "par_a", 5)
        transaction.log("order.settle", "ord_9", {"price_fen": 2**60})  # canonical JSON knows no such number

    with pytest.raises(ValueError, match="1152921504606846976"):
        market.act("market", unloggable)
    assert size(market) == 1 and market.read(ledger_faults) == ()
    assert (
        market.read(lambda connection: connection.execute(sa.text("select count(*) from postings")).scalar_one()) == 0
    )


def test_what_was_sealed_and_what_came_since_is_whole(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, 5, database_url)
    assert market.seal() == 5 and market.seal() == 5
    step(market, "ord_5")
    verified = market.verify()
    assert verified.is_whole and (verified.entries, verified.checkpoint and verified.checkpoint.size) == (6, 5)


def test_an_entry_is_proved_to_whoever_holds_the_public_key(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, 5, database_url)
    market.seal()
    proof = market.read(lambda connection: prove_inclusion(connection, 2))
    own = market.keys.signing.public_key()
    assert proves_inclusion(proof, {key_id(own): own})
    forged = {**proof, "entry": {**proof["entry"], "subject": "ord_4"}}
    assert not proves_inclusion(forged, {key_id(own): own})


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "update black_box_payloads set payload = replace(payload, 'ord', 'odd') where leaf_index = 2",
            "payload of entry 2",
        ),
        ("update black_box_entries set actor = 'par_other' where leaf_index = 2", "entry 2 is not what was logged"),
        ("update black_box_entries set at = '2020-01-01T00:00:00.000000+00:00' where leaf_index = 0", "entry 0 is not"),
        ("delete from black_box_entries where leaf_index = 2", "entry 2 is gone"),
        ("delete from black_box_payloads where leaf_index = 4", "payload of entry 4 is gone"),
        ("delete from black_box_entries where leaf_index >= 4", "2 short of its last checkpoint"),
        ("update black_box_nodes set hash = zeroblob(32) where position = 2", "of the tree"),
        ("delete from black_box_checkpoints", "rolled back or changed"),
        ("update black_box_checkpoints set line = replace(line, 'Ed25519', 'none')", "not signed by a key"),
        ("update log_head set size = 7", "log's head"),
        ("update log_head set hashes = zeroblob(64)", "log's head"),
        (
            "insert into black_box_entries select 6, at, kind, actor, subject, payload_hash from black_box_entries "
            "where leaf_index = 5",
            "payload of entry 6 is gone",
        ),
    ],
)
def test_a_changed_removed_or_added_row_is_found(tmp_path: Path, statement: str, found: str) -> None:
    market = with_entries(tmp_path, 6)
    market.seal()
    assert is_whole(market)
    tamper(market, statement)
    problems = market.verify().problems
    assert problems and any(found in problem.what for problem in problems)


def test_the_database_refuses_to_change_the_log(tmp_path: Path, database_url: str | None) -> None:
    market = with_entries(tmp_path, 2, database_url)
    market.seal()
    for statement in (
        "update black_box_entries set actor = 'par_other'",
        "delete from black_box_entries",
        "update black_box_payloads set payload = '{}'",
        "update black_box_nodes set position = 77",
        "delete from black_box_nodes",
        "update black_box_checkpoints set line = ''",
        "delete from black_box_checkpoints",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="black box is never changed"), market.engine.begin() as connection:
            connection.execute(sa.text(statement))
    assert is_whole(market)


def test_nothing_is_signed_where_entries_were_removed(tmp_path: Path) -> None:
    market = with_entries(tmp_path, 3)
    market.seal()
    step(market, "ord_3")
    tamper(market, "delete from black_box_entries where leaf_index = 3")
    with pytest.raises(JinkuError) as refusal:
        market.seal()
    assert refusal.value.code == "black_box_broken"


@pytest.mark.parametrize(
    "statement",
    [
        "delete from black_box_entries where leaf_index = 2",
        "insert into black_box_entries select 3, at, kind, actor, subject, payload_hash from black_box_entries limit 1",
    ],
)
def test_a_log_of_another_length_than_its_head_is_found_though_nothing_is_to_be_signed(
    tmp_path: Path, statement: str
) -> None:
    market = with_entries(tmp_path, 3)
    market.seal()
    tamper(market, statement)
    with pytest.raises(JinkuError, match="other entries than were logged"):
        market.seal()


def test_a_database_that_was_rolled_back_is_found_at_the_next_seal(tmp_path: Path) -> None:
    market = with_entries(tmp_path, 3)
    market.seal()
    market.engine.dispose()
    path = database_path(market)
    saved = shutil.copy(path, tmp_path / "earlier.sqlite")
    step(market, "ord_3")
    market.seal()
    market.engine.dispose()
    shutil.copy(saved, path)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    step(market, "ord_other")
    with pytest.raises(JinkuError, match="rolled back"):
        market.seal()
    assert {problem.kind for problem in market.verify().problems} == {"rolled_back"}


def test_a_witness_that_is_gone_is_not_quietly_written_anew(tmp_path: Path) -> None:
    market = with_entries(tmp_path, 1)
    market.seal()
    step(market, "ord_1")
    market.seal()
    witness = market.settings.witness / FILE_NAME
    kept = witness.read_text()
    witness.unlink()
    with pytest.raises(JinkuError) as refusal:
        market.seal()
    assert refusal.value.code == "witness_missing"
    assert {problem.kind for problem in market.verify().problems} == {"witness"}
    witness.touch()  # the operator's word that it may begin anew
    market.seal()
    assert witness.read_text() == kept and is_whole(market)


def test_a_writer_killed_before_the_witness_has_it_written_by_the_next(
    tmp_path: Path, database_url: str | None
) -> None:
    market = with_entries(tmp_path, 2, database_url)
    witness = market.settings.witness / FILE_NAME
    for number in range(3):
        market.seal()
        before = witness.read_text()
        step(market, f"ord_{number}")
        market.seal()
        witness.write_text(before[: len(before) // 2] if number == 2 else before)  # as where it was killed in between
        assert number == 2 or is_whole(market)
        step(market, f"ord_{number}")
        market.seal()
        assert is_whole(market) and len(witness.read_text().splitlines()) == 3 + 2 * number


def test_a_clock_that_goes_backwards_breaks_no_seal(tmp_path: Path) -> None:
    clock = SetClock()
    market = a_market(tmp_path, clock)
    for number in range(4):
        step(market, f"ord_{number}")
        market.seal()
        clock.move(days=-400)
    assert is_whole(market)


def test_the_log_stays_whole_while_others_write_and_verify(tmp_path: Path, database_url: str | None) -> None:
    """A verification sees one moment of a log that grows under it."""
    market = with_entries(tmp_path, 50, database_url)

    def write(number: int) -> None:
        for each in range(10):
            step(market, f"ord_{number}_{each}")
            if each % 4 == 0:
                market.seal()

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, number) for number in range(4)]
        verified = [pool.submit(market.verify) for _ in range(6)]
        assert [each.result().problems for each in verified] == [()] * 6
        assert all(each.result() is None for each in writing)
    market.seal()
    assert is_whole(market) and size(market) == 90


WRITER = """
import sys
from pathlib import Path
from functools import partial
from tests.market_api.builders import SetClock, market_settings, with_funds
from market_api.ledger.accounts import OUTSIDE, account_of
from market_api.ledger.posting import Posting, post
from market_api.market import open_market
market = open_market(market_settings(Path(sys.argv[1]), sys.argv[2] or None), SetClock())
moved = [Posting(OUTSIDE, account_of("par_a"), 1), Posting(account_of("par_a"), account_of("par_b"), 1)]
print("ready", flush=True)
while True:
    market.act("par_a", lambda transaction: post(transaction, "transfer", "r", moved))
    market.seal()
"""


def test_killed_writers_leave_a_whole_log_and_a_whole_ledger(tmp_path: Path, database_url: str | None) -> None:
    market = a_market(tmp_path, database_url=database_url)
    for owner in ("par_a", "par_b"):
        market.act("market", partial(with_funds, owner_id=owner, amount_fen=0))
    sizes = [size(market)]
    for wait_seconds in (0.02, 0.11):
        command = [sys.executable, "-c", WRITER, str(tmp_path), database_url or ""]
        writer = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        time.sleep(wait_seconds)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert market.read_one_state(ledger_faults) == () and market.verify().problems == ()
        market.seal()
        assert is_whole(market)
        sizes.append(size(market))
    assert sizes == sorted(sizes) and sizes[-1] > sizes[0]


def with_entries(folder: Path, count: int, database_url: str | None = None) -> Market:
    """A market in which so many steps were logged, each on its own."""
    market = a_market(folder, database_url=database_url)
    for number in range(count):
        step(market, f"ord_{number}")
    return market


def step(market: Market, subject: str) -> None:
    market.act("par_a", lambda transaction: transaction.log("order.settle", subject, {"price_fen": 5, "of": subject}))


def entries(market: Market) -> Any:
    return market.read(lambda connection: last_entries(connection, 100))


def size(market: Market) -> int:
    return market.read(size_of)


def is_whole(market: Market) -> bool:
    return market.verify().problems == ()


def database_path(market: Market) -> Path:
    return Path(str(market.engine.url.database))


def tamper(market: Market, statement: str) -> None:
    """Change rows as no trigger would let anyone."""
    market.engine.dispose()
    with closing(sqlite3.connect(database_path(market), isolation_level=None)) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        connection.execute(statement)
