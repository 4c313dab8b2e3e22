"""The laws of double entry, whatever is done in whatever order: a model of a few lines beside the real ledger."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from market_api.idempotency import Answer, once, request_hash
from market_api.ledger.accounts import MARKET, OUTSIDE, PARTS, TAX, account_of
from market_api.ledger.holds import hold, hold_and_post, post_hold, void_hold
from market_api.ledger.posting import Posting, post, postings_of, reverse
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.ledger.tables import accounts, holds, ledger_transactions
from market_api.market import Market, Transaction
from market_api.problems import Problem
from tests.market_api.builders import a_market, with_funds
from tests.postgres import fresh_database

OWNERS = ("par_a", "par_b", "par_c")
Change = dict[str, int]
Do = Callable[[Transaction], dict[str, Any]]

owners = st.sampled_from(OWNERS)
amounts = st.integers(1, 1000) | st.sampled_from([1, 10**13])
splits = st.lists(st.tuples(st.sampled_from([*OWNERS, MARKET, TAX]), st.integers(1, 400)), min_size=1, max_size=4)


@dataclass
class Held:
    """A hold as the model knows it."""

    name: str
    owner_id: str
    amount_fen: int


class Ledger(RuleBasedStateMachine):
    """Every rule says what must change; a refusal must be one that the model foresees, and change nothing."""

    make_url: Callable[[], str | None] = staticmethod(lambda: None)
    open_holds = Bundle("open_holds")
    ended_holds = Bundle("ended_holds")
    posted = Bundle("posted")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="jinku-ledger-")
        self.market: Market = a_market(Path(self.folder.name), database_url=self.make_url())
        names = [account_of(owner, part) for owner in (*OWNERS, MARKET, TAX) for part in PARTS]
        self.balances = dict.fromkeys([*names, OUTSIDE], 0)
        self.answered: list[tuple[str, str, dict[str, Any]]] = []
        self.reversed: set[str] = set()
        self.held: dict[str, str] = {}
        for owner in OWNERS:
            self.market.act("market", partial(with_funds, owner_id=owner, amount_fen=0))

    def teardown(self) -> None:
        if not hasattr(self, "market"):
            return
        self.market.seal()
        assert self.market.verify().problems == ()
        self.market.engine.dispose()
        self.folder.cleanup()

    def wanted(self, changes: Sequence[Posting], do: Do) -> dict[str, Any] | None:
        """Do it as a request with a key of its own; None where it was refused for want of funds, as it must be."""
        after = moved(self.balances, changes)
        lacking = [name for name, fen in after.items() if fen < 0 and name != OUTSIDE]
        key, hashed = f"key-{len(self.answered):08d}", request_hash("POST", "/v1/test", {"n": len(self.answered)})

        def act() -> Answer:
            return self.market.act(
                "par_a", lambda transaction: once(transaction, "par_a", key, hashed, lambda: (201, do(transaction)))
            )

        if lacking:
            with pytest.raises(Problem, match="funds_missing"):
                act()
            return None
        answer = act()
        assert not answer.is_replay
        self.balances = after
        self.answered.append((key, hashed, dict(answer.document)))
        return dict(answer.document)

    @rule(owner=owners, amount=amounts, target=posted)
    def deposit(self, owner: str, amount: int) -> Any:
        changes = [Posting(OUTSIDE, account_of(owner), amount)]
        return self.named(changes, lambda transaction: post(transaction, "deposit", owner, changes))

    @rule(owner=owners, amount=amounts, target=posted)
    def payout(self, owner: str, amount: int) -> Any:
        changes = [Posting(account_of(owner), OUTSIDE, amount)]
        return self.named(changes, lambda transaction: post(transaction, "payout", owner, changes))

    @rule(source=owners, split=splits, target=posted)
    def pay_at_once(self, source: str, split: list[tuple[str, int]]) -> Any:
        lines = [(account_of(owner, "pending"), amount) for owner, amount in split]
        held = account_of(source, "held")
        total = sum(amount for _, amount in lines)
        changes = [Posting(account_of(source), held, total), *(Posting(held, *line) for line in lines)]

        def paid(transaction: Transaction) -> str:
            name = transaction.new_identifier("txn")
            hold_and_post(transaction, source, "ord_1", "settlement", lines, name)
            return name

        return self.named(changes, paid)

    @rule(owner=owners, amount=amounts, target=open_holds)
    def set_aside(self, owner: str, amount: int) -> Any:
        changes = [Posting(account_of(owner), account_of(owner, "held"), amount)]
        found = self.wanted(changes, lambda transaction: {"name": hold(transaction, owner, amount, "auc_1")})
        if found is None:
            return multiple()
        self.held[found["name"]] = "held"
        return Held(found["name"], owner, amount)

    @rule(held=consumes(open_holds), receiver=owners, share=st.integers(1, 100), target=ended_holds)
    def pay_from_hold(self, held: Held, receiver: str, share: int) -> Held:
        paid = max(1, held.amount_fen * share // 100)
        own, rest = account_of(held.owner_id, "held"), held.amount_fen - paid
        changes = [Posting(own, account_of(receiver, "pending"), paid)]
        changes += [Posting(own, account_of(held.owner_id), rest)] if rest else []
        lines = [(account_of(receiver, "pending"), paid)]
        self.wanted(changes, lambda t: {"name": post_hold(t, held.name, "settlement", lines)})
        self.held[held.name] = "posted"
        return held

    @rule(held=consumes(open_holds), target=ended_holds)
    def give_back_hold(self, held: Held) -> Held:
        changes = [Posting(account_of(held.owner_id, "held"), account_of(held.owner_id), held.amount_fen)]
        self.wanted(changes, lambda transaction: {"name": void_hold(transaction, held.name)})
        self.held[held.name] = "voided"
        return held

    @rule(held=ended_holds, is_paid=st.booleans())
    def a_hold_does_not_end_twice(self, held: Held, is_paid: bool) -> None:
        def end(transaction: Transaction) -> str:
            if is_paid:
                return post_hold(transaction, held.name, "settlement", [(account_of("par_a", "pending"), 1)])
            return void_hold(transaction, held.name)

        self.refused("wrong_state", end)

    @rule(name=posted)
    def take_back(self, name: str) -> None:
        if name in self.reversed:
            self.refused("wrong_state", lambda transaction: reverse(transaction, name, "reversal", "again"))
            return
        back = [
            Posting(each.destination, each.source.replace(":held", ":available"), each.amount_fen)
            for each in self.market.read(lambda connection: postings_of(connection, name))
        ]
        if self.wanted(back, lambda transaction: {"name": reverse(transaction, name, "reversal", "ord_1")}):
            self.reversed.add(name)

    @rule(owner=owners, amount=st.integers(1, 1000), target=posted)
    def earn(self, owner: str, amount: int) -> Any:
        changes = [Posting(account_of(owner, "pending"), account_of(owner), amount)]
        return self.named(changes, lambda transaction: post(transaction, "completion", "ord_1", changes))

    @rule(choice=st.randoms(use_true_random=False))
    def a_replay_moves_nothing(self, choice: Any) -> None:
        if not self.answered:
            return
        key, hashed, document = choice.choice(self.answered)
        answer = self.market.act("par_a", lambda transaction: once(transaction, "par_a", key, hashed, never))
        assert answer.is_replay and answer.document == document

    @rule(owner=owners, amount=amounts)
    def what_fails_later_leaves_nothing(self, owner: str, amount: int) -> None:
        def fail(transaction: Transaction) -> None:
            post(transaction, "deposit", owner, [Posting(OUTSIDE, account_of(owner), amount)])
            raise Problem("not_cleared", "in the end it may not be")

        self.refused("not_cleared", fail)

    def named(self, changes: Sequence[Posting], do: Callable[[Transaction], str]) -> Any:
        found = self.wanted(changes, lambda transaction: {"name": do(transaction)})
        return multiple() if found is None else found["name"]

    def refused(self, code: str, do: Callable[[Transaction], Any]) -> None:
        with pytest.raises(Problem) as refusal:
            self.market.act("par_a", do)
        assert refusal.value.code == code

    @invariant()
    def nothing_is_lost_or_made(self) -> None:
        if hasattr(self, "market"):
            self.market.read(self.hold_to_the_laws)

    def hold_to_the_laws(self, connection: sa.Connection) -> None:
        rows = connection.execute(sa.select(accounts)).all()
        assert {row.account_id: row.balance_fen for row in rows} == self.balances
        assert total_fen(connection) == 0 and ledger_faults(connection) == ()
        assert all(row.lowest_fen is None or row.balance_fen >= row.lowest_fen for row in rows)
        taken_back = sa.select(ledger_transactions.c.reverses).where(ledger_transactions.c.reverses.is_not(None))
        assert sorted(connection.execute(taken_back).scalars()) == sorted(self.reversed)
        states = connection.execute(sa.select(holds.c.hold_id, holds.c.state)).all()
        assert {name: state for name, state in states if name in self.held} == self.held


def moved(balances: Change, changes: Sequence[Posting]) -> Change:
    after = dict(balances)
    for each in changes:
        after[each.source] -= each.amount_fen
        after[each.destination] += each.amount_fen
    return after


def never() -> tuple[int, dict[str, Any]]:
    raise AssertionError("it was done before")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whatever_is_done_no_fen_is_lost_or_made(kind: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None

    class OnDatabase(Ledger):
        make_url = staticmethod(lambda: None if server is None else fresh_database(server))

    run_state_machine_as_test(
        OnDatabase,
        settings=settings(
            max_examples=10 if server is None else 3,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
