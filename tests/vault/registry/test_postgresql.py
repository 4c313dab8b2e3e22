"""The registry's tables are made, guarded and used on PostgreSQL as they are in the home's own file."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orchestration.security.standing import _last_decided
from review.findings import Finding
from review.records import Content, Review, latest_review, record_review
from tests.builders import NOON
from tests.postgres import fresh_database, throwaway_postgres
from tests.vault.black_box.logs import empty_vault
from tests.vault.registry.test_database import DECLARING
from vault.black_box.checkpoints import add_line, checkpoint_line, state_of
from vault.black_box.entries import Event
from vault.black_box.kept import Kept
from vault.black_box.log import append, erase_payload, frontier_of, size_of
from vault.black_box.proofs import (
    prove_consistency,
    prove_growth,
    prove_inclusion,
    proves_consistency,
    proves_inclusion,
)
from vault.black_box.recording import Record
from vault.black_box.verification import Verified, verify
from vault.disclosure.budgets import Loss, Query, commit, give_back, reserve, spends_of, spent
from vault.errors import JinkuError
from vault.layers import Vault
from vault.registry.database import NEWEST_REVISION, migrate
from vault.registry.guards import never_changed
from vault.registry.tables import METADATA
from vault.rights.confirmations import Application, apply, grant, rights_on_record
from vault.signing import public_keys, signing_key

LIMIT = Loss(Decimal(4), Decimal("0.000001"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with throwaway_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def registry(server: str) -> Iterator[sa.Engine]:
    """An empty database, brought to the registry's newest form."""
    engine = sa.create_engine(fresh_database(server), isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        migrate(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return empty_vault(tmp_path)


def signed(vault: Vault, connection: sa.Connection, events: list[Event]) -> str:
    """Entries and the checkpoint over them, as a recording appends them; gives its line."""
    before, size = state_of(connection)
    frontier = frontier_of(connection, size)
    append(connection, frontier, events, NOON)
    return sealed(vault, connection, before, size, frontier.size, frontier.root)


def sealed(vault: Vault, connection: sa.Connection, before: str | None, old: int, new: int, root: bytes) -> str:
    line = checkpoint_line(signing_key(vault), new, root, NOON, before)
    assert add_line(connection, old, new, line)
    return line


def checks(count: int) -> list[Event]:
    return [Event("check", f"component {number}", {"k": number}, "jinku") for number in range(count)]


def verified(vault: Vault, registry: sa.Engine, lines: list[str]) -> Verified:
    with registry.begin() as connection:
        return verify(connection, iter(lines), public_keys(vault.home), is_copy=False)


def test_the_migrations_make_what_the_modules_declare(registry: sa.Engine) -> None:
    for module in DECLARING:
        import_module(module)
    with registry.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar() == NEWEST_REVISION
        migrate(connection)


def test_a_migration_that_fails_leaves_nothing(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise RuntimeError("killed here")

    engine = sa.create_engine(fresh_database(server))
    monkeypatch.setattr("vault.registry.guards._postgresql_guard", fails)
    with pytest.raises(RuntimeError), engine.begin() as connection:
        migrate(connection)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_a_log_is_appended_erased_proved_and_verified(registry: sa.Engine, vault: Vault) -> None:
    lines = []
    for count in (3, 5):
        with registry.begin() as connection:
            lines.append(signed(vault, connection, checks(count)))
    with registry.begin() as connection:
        before, size = state_of(connection)
        frontier = frontier_of(connection, size)
        assert erase_payload(connection, frontier, 4, NOON, "person:li.wei") == 8
        lines.append(sealed(vault, connection, before, size, frontier.size, frontier.root))
    found = verified(vault, registry, lines)
    assert (found.is_whole, found.entries, found.erased) == (True, 9, 1), found.problems
    keys = public_keys(vault.home)
    with registry.begin() as connection:
        assert all(proves_inclusion(prove_inclusion(connection, index), keys) for index in range(9))
        assert proves_consistency(prove_growth(connection, 3), keys)
        assert proves_consistency(prove_consistency(connection, 3, 8), keys)
        with pytest.raises(JinkuError, match="unknown_entry"):
            prove_growth(connection, 4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update black_box_entries set actor = 'x' where leaf_index = 1", "entry 1 is not what was logged"),
        ("delete from black_box_entries where leaf_index = 2", "entry 2 is gone"),
        ("delete from black_box_payloads where leaf_index = 0", "the payload of entry 0 is gone"),
        ("update black_box_nodes set hash = '\\x00' where position = 2", "node 0 of level 1 of the tree"),
        ("update black_box_checkpoints set line = '{}'", "the checkpoint of 4 entries cannot be read"),
    ],
)
def test_whoever_takes_the_guards_away_is_found(registry: sa.Engine, vault: Vault, change: str, told: str) -> None:
    with registry.begin() as connection:
        line = signed(vault, connection, checks(4))
        table = next(word for word in change.split() if word.startswith("black_box"))
        connection.exec_driver_sql(f"alter table {table} disable trigger all")
        connection.exec_driver_sql(change)
    assert told in "; ".join(problem.what for problem in verified(vault, registry, [line]).problems)


def filled(vault: Vault, connection: sa.Connection) -> None:
    """A row of the tables that a review, a right, a noisy query and an entry make."""
    record = record_over(vault, connection)
    purposes = ("public_health",)
    asked = Application("holding", "Bureau", "residents", (), purposes, "Law 1", date(2026, 1, 1), date(2030, 1, 1))
    grant(record, apply(record, asked, "person:li.wei", NOON), "read it", "person:zhao.min", NOON)
    findings = (Finding("O1_legal_basis", "origin", "pass", "there is one"),)
    review = Review("burden", Content("d", "m", "c", "p"), "key", findings, frozenset({"O1_legal_basis"}), "run", NOON)
    record_review(record, review)
    reserve(connection, Query("q1", "burden", ("visits",), "person", Loss(Decimal(1))), LIMIT, NOON)
    commit(connection, "q1")


def record_over(vault: Vault, connection: sa.Connection) -> Record:
    kept = Kept(vault, Path("registry"), (), vault.home.witness, signing_key(vault), connection)
    return Record(kept, frontier_of(connection, size_of(connection)), NOON)


def test_rights_reviews_and_budgets_are_kept_and_found_again(registry: sa.Engine, vault: Vault) -> None:
    with registry.begin() as connection:
        filled(vault, connection)
    with registry.begin() as connection:
        (right,) = rights_on_record(connection, ["residents"])
        assert (right.verdict, right.state(NOON.date()), right.is_declared) == ("granted", "granted", False)
        review = latest_review(connection, "burden")
        assert review is not None and review.security == 1 and review.review_id == 1
        assert spent(connection, "visits", "person", 2026) == (1, 0)
        assert [each.state for each in spends_of(connection, ["q1"])] == ["committed"]
        assert set(_last_decided(connection)) == {"residents"}


def test_a_budget_is_never_exceeded(registry: sa.Engine) -> None:
    with registry.begin() as connection:
        reserve(connection, Query("q1", "burden", ("visits",), "person", Loss(Decimal("3.9"))), LIMIT, NOON)
    for loss in (Loss(Decimal("0.100001")), Loss(Decimal("0.1"), Decimal("0.9"))):
        with pytest.raises(JinkuError, match="privacy_budget_spent"), registry.begin() as connection:
            reserve(connection, Query("q2", "burden", ("visits",), "person", loss), LIMIT, NOON)
    with registry.begin() as connection:
        reserve(connection, Query("q2", "burden", ("visits",), "person", Loss(Decimal("0.1"))), LIMIT, NOON)
        give_back(connection, "q1")
        assert spent(connection, "visits", "person", 2026)[0] == Decimal("0.1")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("right_application", "holder"),
        ("right_verdict", "reason"),
        ("review", "run_id"),
        ("privacy_spend", "component"),
        ("black_box_entries", "actor"),
        ("black_box_nodes", "hash"),
    ],
)
def test_what_is_on_record_is_never_changed(registry: sa.Engine, vault: Vault, table: str, column: str) -> None:
    with registry.begin() as connection:
        filled(vault, connection)
    for change in (f'update "{table}" set {column} = {column}', f'delete from "{table}"'):
        with pytest.raises(sa.exc.DBAPIError, match="is never changed"), registry.begin() as connection:
            connection.exec_driver_sql(change)


def test_a_database_without_guards_gets_no_registry() -> None:
    connection = sa.create_mock_engine("mysql://", lambda *_: None)
    with pytest.raises(ValueError, match="no guards for mysql"):
        never_changed(connection, "release", "a release is never changed")  # type: ignore[arg-type]
