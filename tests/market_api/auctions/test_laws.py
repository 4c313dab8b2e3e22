"""Laws of every auction, whatever is bid: prices between reserve and own bid, losers free, money kept, replay equal."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_api.auctions.outcome import awards_of, outcome_of
from market_api.auctions.recording import bids_of, replayed_outcome
from market_api.auctions.rules import Rules
from market_api.ledger.accounts import MARKET, TAX, balances
from market_api.ledger.proof import ledger_faults, total_fen
from market_api.problems import Problem
from tests.market_api.auctions.lots import INCREMENT_FEN, NONCE, RESERVE_FEN, Sale, a_sale

NAMES = ("ada", "bo", "chen", "dee", "eve")
FUNDS_FEN = 10**9
amounts_fen = st.integers(18, 40).map(lambda steps: steps * INCREMENT_FEN)
a_few = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def one_sale(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Sale:
    sale = a_sale(released, tmp_path_factory.mktemp("laws"))
    for name in NAMES:
        sale.bidder(name, funds_fen=FUNDS_FEN)
    return sale


def available_fen(sale: Sale) -> dict[str, int]:
    return {name: sum(sale.funds_fen(sale.bidder(name)).values()) for name in NAMES}


def earned_fen(sale: Sale) -> int:
    """What seller, market and tax office have between them."""
    owners = (sale.seller.participant_id, MARKET, TAX)
    return sale.market.read(lambda connection: sum(sum(balances(connection, owner).values()) for owner in owners))


def next_lot(sale: Sale, form: str, **changes: Any) -> str:
    opens = sale.clock.at + timedelta(days=7)
    reveals = None if form == "english" else opens + timedelta(days=2)
    name = sale.announced(form, opens_at=opens, closes_at=opens + timedelta(days=1), reveals_until=reveals, **changes)
    sale.clock.at = opens
    return name


def check_laws(sale: Sale, name: str, best_fen: dict[str, int], before: dict[str, int], earned_before: int) -> None:
    """best_fen: of each bidder that kept the rules, the most that it bid."""
    awards = sale.awards(name)
    for winner, price_fen in awards.items():
        assert RESERVE_FEN <= price_fen <= best_fen[winner]
        sale.pay(name, winner)
    after = available_fen(sale)
    for each in NAMES:
        forfeited = 10_000 if sale.deposit(name, each) == "forfeited" else 0
        assert (each in best_fen) or each not in awards
        assert before[each] - after[each] == awards.get(each, 0) + forfeited
        assert sale.funds_fen(sale.bidder(each))["held"] == 0
    assert earned_fen(sale) - earned_before == sum(before.values()) - sum(after.values())
    assert sale.market.read(ledger_faults) == () and sale.market.read(total_fen) == 0
    replayed = sale.market.read(lambda connection: replayed_outcome(connection, name))
    assert awards_of(replayed) == sale.seen(name)["awards"]


@a_few
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), amounts_fen, st.integers(0, 400)), max_size=10),
)
def test_the_laws_of_an_open_auction(one_sale: Sale, tried: list[tuple[str, int, int]]) -> None:
    sale, name = one_sale, next_lot(one_sale, "english")
    before, earned_before = available_fen(sale), earned_fen(sale)
    best_fen: dict[str, int] = {}
    codes: set[str] = set()
    for who, limit_fen, minutes in tried:
        try:
            sale.bid(name, who, limit_fen, timedelta(minutes=minutes))
        except Problem as problem:
            codes.add(problem.code)
            continue
        best_fen[who] = max(best_fen.get(who, 0), limit_fen)
    sale.close(sale.clock.at + timedelta(days=2))
    assert sale.seen(name)["state"] == "closed"
    assert codes <= {"bid_refused", "wrong_state"}
    assert bool(sale.awards(name)) == bool(best_fen)
    check_laws(sale, name, best_fen, before, earned_before)


@pytest.mark.parametrize("form", ["sealed_first", "sealed_second", "sealed_uniform", "rsop"])
@a_few
@given(
    amounts=st.dictionaries(st.sampled_from(NAMES), amounts_fen.filter(lambda fen: fen >= RESERVE_FEN)),
    silent=st.sets(st.sampled_from(NAMES), max_size=2),
    licences=st.integers(1, 4),
    shuffled=st.randoms(use_true_random=False),
)
def test_the_laws_of_a_sealed_auction(
    one_sale: Sale, form: str, amounts: dict[str, int], silent: set[str], licences: int, shuffled: Any
) -> None:
    sale, several = one_sale, form in ("sealed_first", "sealed_uniform")
    name = next_lot(sale, form, licences=licences if several else None)
    before, earned_before = available_fen(sale), earned_fen(sale)
    for who, amount_fen in amounts.items():
        sale.commit(name, who, amount_fen)
    sale.clock.move(days=1)
    told = {who: fen for who, fen in amounts.items() if who not in silent}
    for who, amount_fen in told.items():
        sale.reveal(name, who, amount_fen, NONCE)
    sale.clock.move(days=1)
    sale.close()
    check_laws(sale, name, told, before, earned_before)

    rules = Rules.read(sale.seen(name)["rules"])
    seed = bytes.fromhex(sale.rows(f"select seed from auctions where auction_id = '{name}'")[0][0])
    found = list(sale.market.read(lambda connection: bids_of(connection, name)))
    outcome = outcome_of(rules, found, seed)
    shuffled.shuffle(found)
    assert outcome_of(rules, found, seed) == outcome
    if form != "rsop":
        sold = min(len(told), licences if several else 1)
        best = sorted(told.values(), reverse=True)[:sold]
        assert sorted((told[winner] for winner in sale.awards(name)), reverse=True) == best
