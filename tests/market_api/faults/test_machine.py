"""A market in which anybody does anything in any order, as Hypothesis chooses: after every step the books are right.

All is done over HTTP, by participants whose requests may be wrong, late, repeated or forbidden; what is refused must
change nothing, and nothing may fail.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from httpx import Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from market_api.auctions.outcome import commitment_of
from market_api.auctions.recording import replayed_outcome
from market_api.entitlements.metering import deliver
from market_api.entitlements.tables import entitlements
from market_api.housekeeping import TASKS, run_once, seal
from market_api.ledger.tables import accounts, holds
from market_api.market import Market
from market_api.permissions import scopes_of
from market_api.problems import Problem
from tests.market_api.builders import Participant, SetClock, a_market, a_participant, a_token, served
from tests.market_api.faults.asking import log_size
from tests.market_api.faults.busy import OFTEN
from tests.market_api.faults.proofs import faults_in
from tests.market_api.goods import ASKED, EXCLUSIVE, OFFERED, a_listing, copied

PRICE_FEN = 100_000
BUYERS = 3
NEWEST = 4
NONCE = "0123456789abcdef" * 2
TASKS_OF_TRADE = tuple(task for task in TASKS if task is not seal and task.__name__ != "load_engines")

Item = TypeVar("Item")
FORMATS = ("english", "english", "english", "sealed_first", "sealed_second", "sealed_uniform", "rsop")
PICK = st.integers(0, 1_000)
SELDOM = st.sampled_from([False, False, False, True])
AMOUNTS = st.sampled_from([1, 999, 10_000, PRICE_FEN - 1, PRICE_FEN, 3 * PRICE_FEN, 10**13])


@dataclass(frozen=True)
class Sent:
    """A changing request that was done, and its answer."""

    who: str
    path: str
    body: Any
    key: str
    status: int
    document: dict[str, Any]


class Trade(RuleBasedStateMachine):
    """Participants, and the names of what there is by now."""

    released: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="jinku-trade-"))
        self.clock = SetClock()
        self.market: Market = a_market(copied(self.released, self.folder), self.clock, rate_limit=OFTEN)
        self.client = served(self.market)
        self.people: dict[str, Participant] = {}
        self.done: list[Sent] = []
        self.known: dict[str, list[str]] = {}
        self.owners: dict[str, str] = {}
        self.committed: dict[tuple[str, str], int] = {}
        self.ended_holds: dict[str, str] = {}
        self.requests = 0

    def teardown(self) -> None:
        self.market.seal()
        assert self.market.verify().is_whole
        self.market.engine.dispose()
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize(is_exclusive_offered=st.booleans())
    def people_come(self, is_exclusive_offered: bool) -> None:
        for role in ("developer", "provider", "operator", "regulator", "evaluator"):
            self.people[role] = a_participant(self.market, role)
        for number in range(BUYERS):
            self.people[f"buyer{number}"] = a_participant(self.market, funds_fen=5 * PRICE_FEN * (number + 1))
        seller, provider = self.people["developer"], self.people["provider"]
        listing_id = a_listing(
            self.market,
            seller,
            price_fen=PRICE_FEN,
            price_order_fen=PRICE_FEN,
            shares=json.dumps([[seller.participant_id, "2/3"], [provider.participant_id, "1/3"]]),
            terms=json.dumps(replace(OFFERED, exclusive_days=90 if is_exclusive_offered else 0).document()),
        )
        self.known["listing"] = [listing_id]

    # asking

    def post(self, who: str, path: str, body: Any = None) -> Response:
        """Change something; what was done is remembered, what was refused has changed nothing."""
        self.requests += 1
        key, before = f"request-{self.requests:06d}", log_size(self.market)
        answer = self._sent(who, path, body, key)
        if answer.is_success:
            self.done.append(Sent(who, path, body, key, answer.status_code, answer.json()))
        else:
            assert 400 <= answer.status_code < 500, answer.text
            assert log_size(self.market) == before, "a refusal changed something"
        return answer

    def _sent(self, who: str, path: str, body: Any, key: str) -> Response:
        person = self.people[who]
        token = a_token(self.market, person.participant_id, person.credential_id, scopes_of(person.role))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return self.client.post(path, json=body, headers=headers)

    def learn(self, kind: str, answer: Response, name: str, owner: str = "") -> None:
        if answer.is_success and answer.json().get(name):
            self.known.setdefault(kind, []).append(answer.json()[name])
            self.owners[answer.json()[name]] = owner

    def one(self, kind: str, pick: int) -> str:
        """One of the newest."""
        return _one(self.known[kind][-NEWEST:], pick)

    def owner_of(self, name: str, pick: int) -> str:
        """Whose it is; once in a while somebody else."""
        return self.buyer(pick) if pick % 8 == 0 else self.owners[name]

    def has(self, kind: str) -> bool:
        return bool(self.known.get(kind))

    def buyer(self, pick: int) -> str:
        return f"buyer{pick % BUYERS}"

    @property
    def listing_id(self) -> str:
        return self.known["listing"][0]

    # money that comes and goes

    @rule(pick=PICK, amount=AMOUNTS)
    def a_deposit_is_booked(self, pick: int, amount: int) -> None:
        who = self.people[self.buyer(pick)].participant_id
        body = {"amount_fen": min(amount, PRICE_FEN), "bank_reference": f"TRANSFER {self.requests % 7}"}
        self.learn("deposit", self.post("operator", f"/v1/participants/{who}/deposits", body), "deposit_id", who)

    @precondition(lambda self: self.has("deposit"))
    @rule(pick=PICK)
    def a_deposit_is_reversed(self, pick: int) -> None:
        self.post("operator", f"/v1/deposits/{self.one('deposit', pick)}/reverse", {"reason": "It was another's."})

    @rule(who=st.sampled_from(["buyer0", "buyer1", "developer", "provider"]), amount=AMOUNTS)
    def a_payout_is_asked_for(self, who: str, amount: int) -> None:
        self.learn("payout", self.post(who, "/v1/account/payouts", {"amount_fen": amount}), "payout_id", who)

    @precondition(lambda self: self.has("payout"))
    @rule(pick=PICK, how=st.sampled_from(["confirm", "reject", "cancel"]))
    def a_payout_is_decided(self, pick: int, how: str) -> None:
        name = self.one("payout", pick)
        if how == "cancel":
            self.post(self.owner_of(name, pick), f"/v1/account/payouts/{name}/cancel")
        else:
            body = {"reason": "No."} if how == "reject" else {"bank_reference": f"OUT {self.requests % 5}"}
            self.post("operator", f"/v1/payouts/{name}/{how}", body)

    # orders

    @rule(pick=PICK, is_exclusive=SELDOM, price=st.sampled_from([*[PRICE_FEN] * 5, 1]))
    def somebody_buys(self, pick: int, is_exclusive: bool, price: int) -> None:
        terms = (EXCLUSIVE if is_exclusive else ASKED).document()
        body = {"listing_id": self.listing_id, "terms": terms, "price_fen": price}
        buyer = self.buyer(pick)
        answer = self.post(buyer, "/v1/orders", body)
        self.learn("order", answer, "order_id", buyer)
        self.learn("entitlement", answer, "entitlement_id")

    @precondition(lambda self: self.has("order"))
    @rule(pick=PICK, who=PICK, act=st.sampled_from(["pay", "pay", "cancel"]))
    def an_order_is_paid_or_left(self, pick: int, who: int, act: str) -> None:
        name = self.one("order", pick)
        answer = self.post(self.owner_of(name, who), f"/v1/orders/{name}/{act}")
        self.learn("entitlement", answer, "entitlement_id")

    # negotiations

    @rule(pick=PICK, is_exclusive=SELDOM)
    def a_negotiation_is_opened(self, pick: int, is_exclusive: bool) -> None:
        terms = (EXCLUSIVE if is_exclusive else ASKED).document()
        body = {"listing_id": self.listing_id, "terms": terms}
        buyer = self.buyer(pick)
        self.learn("negotiation", self.post(buyer, "/v1/negotiations", body), "negotiation_id", buyer)

    @precondition(lambda self: self.has("negotiation"))
    @rule(
        pick=PICK,
        who=PICK,
        act=st.sampled_from(["offers", "offers", "accept", "accept", "reject", "withdraw"]),
        price=st.sampled_from([85_000, 95_000, 100_000, 115_000, 84_999, 1]),
    )
    def somebody_negotiates(self, pick: int, who: int, act: str, price: int) -> None:
        name = self.one("negotiation", pick)
        buyer = self.owners[name]
        party = "developer" if who % 2 else self.owner_of(name, who // 2)
        seen = self.read(party, f"/v1/negotiations/{name}")
        if seen is None:
            assert self.post(party, f"/v1/negotiations/{name}/withdraw").status_code in (401, 404)
            return
        others = "buyer" if party == "developer" else "seller"
        standing = [offer["price_fen"] for offer in seen["offers"] if offer["party"] == others]
        told = {"price_fen": standing[-1] if act == "accept" and standing else price, "terms_hash": seen["terms_hash"]}
        answer = self.post(party, f"/v1/negotiations/{name}/{act}", told if act in ("offers", "accept") else None)
        self.learn("order", answer, "order_id", buyer)

    # auctions

    @rule(form=st.sampled_from(FORMATS), days=st.integers(6, 9), is_waited_for=st.booleans())
    def an_auction_is_announced(self, form: str, days: int, is_waited_for: bool) -> None:
        opens = self.clock.at + timedelta(days=days)
        body: dict[str, Any] = {
            "listing_id": self.listing_id,
            "format": form,
            "terms": ASKED.document(),
            "increment_fen": 5_000,
            "opens_at": opens.isoformat(),
            "closes_at": (opens + timedelta(days=1)).isoformat(),
        }
        if form != "english":
            body["reveals_until"] = (opens + timedelta(days=2)).isoformat()
        answer = self.post("developer", "/v1/auctions", body)
        self.learn("auction", answer, "auction_id")
        if answer.is_success and is_waited_for:
            self.clock.at = opens

    @precondition(lambda self: self.has("auction"))
    @rule(who=PICK, steps=st.integers(-1, 12))
    def somebody_bids(self, who: int, steps: int) -> None:
        name, bidder, amount = self.known["auction"][-1], self.buyer(who), PRICE_FEN + 5_000 * steps
        answer = self.post(bidder, f"/v1/auctions/{name}/bids", {"limit_fen": amount})
        if answer.status_code != 201:
            entry = self.read(bidder, f"/v1/auctions/{name}/entry")
            if entry is not None:
                told = {"commitment": commitment_of(name, entry["bidder"], amount, NONCE)}
                if self.post(bidder, f"/v1/auctions/{name}/commitments", told).is_success:
                    self.committed[name, bidder] = amount

    @precondition(lambda self: self.has("auction"))
    @rule()
    def the_time_of_an_auction_comes(self) -> None:
        """The beginning of its next stage."""
        seen = self.read("regulator", f"/v1/auctions/{self.known['auction'][-1]}")
        if seen["state"] not in ("closed", "cancelled"):
            self.clock.at = max(self.clock.at, datetime.fromisoformat(seen["stage_until"]))
            run_once(self.market, TASKS_OF_TRADE)
            for name in self.known["auction"]:
                self._learn_orders_of(name)

    def _learn_orders_of(self, auction_id: str) -> None:
        for number in range(BUYERS):
            entry = self.read(self.buyer(number), f"/v1/auctions/{auction_id}/entry") or {}
            if entry.get("order_id") and entry["order_id"] not in self.owners:
                self.known.setdefault("order", []).append(entry["order_id"])
                self.owners[entry["order_id"]] = self.buyer(number)

    @precondition(lambda self: bool(self.committed))
    @rule(pick=PICK, is_honest=st.sampled_from([True, True, True, False]))
    def a_bid_is_revealed(self, pick: int, is_honest: bool) -> None:
        (name, bidder), amount = _one(sorted(self.committed.items()), pick)
        body = {"amount_fen": amount if is_honest else amount + 5_000, "nonce": NONCE}
        self.post(bidder, f"/v1/auctions/{name}/reveal", body)

    @precondition(lambda self: self.has("auction"))
    @rule(pick=PICK.filter(lambda pick: pick % 4 == 0))
    def the_seller_takes_an_auction_back(self, pick: int) -> None:
        self.post("developer", f"/v1/auctions/{self.one('auction', pick)}/cancel")

    # disputes

    @precondition(lambda self: self.has("order"))
    @rule(pick=PICK, who=PICK)
    def an_order_is_disputed(self, pick: int, who: int) -> None:
        body = {"order_id": self.one("order", pick), "ground": "quality", "statement": "One zone is missing."}
        buyer = self.owner_of(body["order_id"], who)
        self.learn("dispute", self.post(buyer, "/v1/disputes", body), "dispute_id", buyer)

    @precondition(lambda self: self.has("dispute"))
    @rule(pick=PICK, how=st.sampled_from(["all", "part", "one", "rejected", "withdraw", "too much"]))
    def a_dispute_ends(self, pick: int, how: str) -> None:
        name = self.one("dispute", pick)
        if how == "withdraw":
            self.post(self.owner_of(name, pick), f"/v1/disputes/{name}/withdraw")
            return
        refund = {"all": PRICE_FEN, "part": PRICE_FEN // 3, "one": 1, "too much": 10**13}.get(how)
        body: dict[str, Any] = {"outcome": "rejected" if how == "rejected" else "upheld", "reason": "So it is."}
        if refund is not None:
            body |= {"refund_fen": refund, "licence": "keeps" if how in ("part", "one") else "ends"}
        self.post("operator", f"/v1/arbitration/disputes/{name}/decide", body)

    # what others decide

    @rule(who=st.sampled_from(["buyer0", "developer"]), act=st.sampled_from(["suspend", *["reinstate"] * 5]))
    def the_operator_suspends(self, who: str, act: str) -> None:
        name = self.people[who].participant_id
        self.post("operator", f"/v1/participants/{name}/{act}", {"reason": "It is looked into."})

    @rule(act=st.sampled_from(["freeze", *["release"] * 5]))
    def the_regulator_freezes(self, act: str) -> None:
        self.post("regulator", f"/v1/listings/{self.listing_id}/{act}", {"reason": "It is looked into."})

    # data

    @precondition(lambda self: self.has("entitlement"))
    @rule(pick=PICK)
    def something_is_pulled(self, pick: int) -> None:
        name, before = self.one("entitlement", pick), log_size(self.market)
        refusal = refused_by(lambda: self.market.act("market", lambda each: deliver(each, name, 1, "0" * 64, "http")))
        assert refusal in (None, "not_entitled") and (refusal is None or log_size(self.market) == before)

    # time, and the same again

    @rule(step=st.sampled_from([timedelta(minutes=4), timedelta(hours=25), timedelta(days=3), timedelta(days=8)]))
    def time_passes(self, step: timedelta) -> None:
        self.clock.at += step
        run_once(self.market, TASKS_OF_TRADE)

    @precondition(lambda self: bool(self.done))
    @rule(pick=PICK)
    def a_request_comes_again(self, pick: int) -> None:
        sent, before = _one(self.done, pick), log_size(self.market)
        again = self._sent(sent.who, sent.path, sent.body, sent.key)
        assert log_size(self.market) == before, "a replay moved something"
        if again.status_code != 401:
            assert (again.status_code, again.json()) == (sent.status, sent.document)

    def read(self, who: str, path: str) -> Any:
        person = self.people[who]
        token = a_token(self.market, person.participant_id, person.credential_id, scopes_of(person.role))
        answer = self.client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401, 404), answer.text
        return answer.json() if answer.status_code == 200 else None

    # what must hold after every step

    @invariant()
    def the_books_are_right(self) -> None:
        self.market.read_one_state(self._check)

    def _check(self, connection: sa.Connection) -> None:
        assert list(faults_in(connection)) == []
        own = accounts.c
        below = sa.select(own.account_id).where(own.balance_fen < own.lowest_fen)
        assert connection.execute(below).first() is None, "a balance is below its limit"
        over = sa.select(holds.c.hold_id, holds.c.state).where(holds.c.state != "held")
        ended = dict(connection.execute(over).tuples().all())
        assert self.ended_holds.items() <= ended.items(), "a hold that ended has ended otherwise"
        self.ended_holds = ended
        used = sa.select(entitlements.c.entitlement_id).where(entitlements.c.pulls_used > entitlements.c.pulls_max)
        assert connection.execute(used).first() is None

    @precondition(lambda self: self.has("auction"))
    @invariant()
    def what_is_closed_has_the_outcome_of_its_record(self) -> None:
        for name in self.known["auction"]:
            asked = partial(replayed_outcome, auction_id=name)
            assert refused_by(partial(self.market.read, asked)) in (None, "wrong_state")


def refused_by(do: Callable[[], Any]) -> str | None:
    """The code by which something is refused; None where it is done."""
    try:
        do()
    except Problem as problem:
        return problem.code
    return None


def _one(items: Sequence[Item], pick: int) -> Item:
    return items[pick % len(items)]


@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(10, 50, id="few"), pytest.param(150, 80, id="many", marks=pytest.mark.faults)],
)
def test_whatever_is_done_in_whatever_order_the_books_are_right(released: Path, examples: int, steps: int) -> None:
    made: Callable[[], Trade] = type("TradeHere", (Trade,), {"released": released})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        made,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
