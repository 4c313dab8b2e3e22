"""From the catalogue to the data at the terminal, by each way of buying."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.market_api.client.places import FUNDS_FEN, NAME, Place, Player
from tests.market_api.commands.conftest import Terminals
from tests.market_api.commands.terminals import Terminal

PURPOSE = ("--purpose", "urban_management")


def as_player(terminal: Terminal, player: Player) -> Terminal:
    """A terminal at which a participant is logged in."""
    terminal.done("login", "--id", player.participant_id, given=player.secret)
    return terminal


@pytest.fixture
def developer(place: Place, terminal: Terminals) -> Terminal:
    return as_player(terminal("developer"), place.developer)


@pytest.fixture
def buyer(place: Place, terminal: Terminals) -> Terminal:
    assert place.listing.state == "listed"
    return as_player(terminal("buyer"), place.joined(funds_fen=FUNDS_FEN))


def yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def test_a_component_is_found_shown_and_priced(place: Place, buyer: Terminal) -> None:
    posted = yuan(place.listing.price_fen or 0)
    assert posted in buyer.done("search", "hourly").out
    assert "nothing is listed" in buyer.done("search", "zebra").out
    assert "nothing is listed" in buyer.done("search", "--max-price", "0.01").out
    shown = buyer.done("show", NAME).out
    assert "zone_id × day_type × pickup_hour" in shown and "distance_km_mean" in shown and "10 users" in shown
    told = buyer.done("price", NAME).out
    for part in ("Information value", "Cost and negotiated price", "Guide price", "Ways to buy", "What moves it most"):
        assert part in told
    sale = told.split("Who gets what of a sale")[1]
    assert "100 % of the rest" in sale and posted in sale and "V · Q · D" in told
    buyer.refused("not_found", "price", "no_such")
    assert "¥1,000.00" in buyer.done("price", NAME, "--at", "1,000").out.split("Who gets what of a sale")[1]


def test_it_is_bought_and_pulled(place: Place, buyer: Terminal) -> None:
    price_fen = place.listing.price_fen or 0
    buyer.refused("price_changed", "buy", NAME, *PURPOSE, "--at", f"{(price_fen + 1) / 100:.2f}")
    buyer.refused("invalid_request", "buy", NAME, "--purpose", "flying")
    buyer.refused("terms", "buy", NAME, *PURPOSE, "--users", "0")
    bought = buyer.done("buy", NAME, *PURPOSE, "--at", f"{price_fen / 100:.2f}")
    assert bought.identifier("ord") in buyer.done("orders").out
    assert f"{NAME}@1" in buyer.done("entitlements").out
    buyer.done("pull", NAME, "--format", "csv", "--to", "data.csv")
    assert duckdb.sql(f"select count(*) from '{buyer.folder / 'data.csv'}'").fetchone() == (1440,)
    buyer.done("pull", NAME)
    assert (buyer.folder / f"{NAME}.parquet").exists()
    buyer.done("profile", "own.share", "--days", "7")
    assert stat.S_IMODE((buyer.folder / "own.share").stat().st_mode) == 0o600


def test_a_refusal_of_a_pull_leaves_no_file(buyer: Terminal) -> None:
    buyer.run("pull", NAME)
    assert not (buyer.folder / f"{NAME}.parquet").exists()


def test_a_price_is_negotiated_and_paid(buyer: Terminal, developer: Terminal) -> None:
    opened = buyer.done("negotiate", NAME, *PURPOSE, "--users", "5")
    negotiation = opened.identifier("neg")
    low = opened.out.split("between ¥")[1].split()[0].replace(",", "")
    assert f"buyer   ¥{float(low):,.2f}" in buyer.done("offer", negotiation, low).out
    developer.refused("price_changed", "accept", negotiation, f"{float(low) + 1:.2f}")
    agreed = developer.done("accept", negotiation, low)
    assert "agreed" in buyer.done("negotiations").out
    assert f"¥{float(low):,.2f}" in buyer.done("pay", agreed.identifier("ord")).out
    left = buyer.done("negotiate", NAME, *PURPOSE).identifier("neg")
    assert "withdrawn" in buyer.done("leave", left).out and left in buyer.done("negotiations", left).out


def test_an_open_auction_is_bid_in(place: Place, buyer: Terminal, developer: Terminal) -> None:
    auction = announced(place, developer, "english", "1.00")
    place.let_pass(days=7)
    reserve = reserve_yuan(place, auction)
    assert "you lead, deposit" in buyer.done("bid", auction, f"{reserve + 10}").out
    buyer.refused("bid_refused", "bid", auction, "0.01")
    place.let_pass(days=1, hours=1)
    assert auction in buyer.done("auctions", "--state", "closed").out
    won = buyer.done("orders").identifier("ord")
    assert "paid" in buyer.done("pay", won).out


def test_a_sealed_bid_is_kept_and_revealed(place: Place, buyer: Terminal, developer: Terminal) -> None:
    auction = announced(place, developer, "sealed_first", "0.01", "--reveals-until", at(place, days=9))
    place.let_pass(days=7)
    reserve = reserve_yuan(place, auction)
    buyer.done("bid", auction, f"{reserve + 1}")
    kept = buyer.folder / f"buyer-{auction}.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and json.loads(kept.read_text())["auction_id"] == auction
    buyer.refused("bid_unknown", "bid", auction, f"{reserve + 2}")
    place.let_pass(days=1, hours=1)
    kept.rename(kept.with_suffix(".away"))
    buyer.refused("bid_unknown", "reveal", auction)
    kept.with_suffix(".away").rename(kept)
    assert "revealing" in buyer.done("reveal", auction).out


def test_releases_are_listed_with_their_shares(place: Place, developer: Terminal) -> None:
    assert place.listing.state == "listed"
    developer.refused("wrong_state", "list", f"{NAME}@1", *PURPOSE)
    developer.refused("share", "list", f"{NAME}@2", *PURPOSE, "--share", "half")
    developer.refused("amount", "list", f"{NAME}@2", *PURPOSE, "--price", "1.234")
    developer.refused("moment", "announce", place.listing.listing_id, *PURPOSE, "--step", "1",
                      "--opens", "tomorrow", "--closes", "later")  # fmt: skip
    assert place.listing.listing_id in developer.done("listings").out


def test_the_operator_pays_out_and_fetches_the_trades(place: Place, terminal: Terminals) -> None:
    operator = terminal("operator")
    client_id, secret = place.operator_login
    operator.done("login", given=f"client_id {client_id}\nclient_secret {secret}\n")
    payout = place.joined(funds_fen=20_000).market.request_payout(12_345)
    assert "¥123.45" in operator.done("payouts").out
    assert "¥123.45" in operator.done("paid", payout.payout_id, "--reference", "OUT-77").out
    day = place.clock().date().isoformat()
    operator.done("trades", "--until", day, "--to", "trades.json")
    assert json.loads((operator.folder / "trades.json").read_text())["signature"]["key_id"]
    operator.refused("invalid_request", "trades", "--until", "2999-01-01")


def announced(place: Place, developer: Terminal, form: str, step: str, *more: str) -> str:
    """An auction that opens in a week, for a day."""
    times = ("--opens", at(place, days=7), "--closes", at(place, days=8))
    told = developer.done("announce", place.listing.listing_id, *PURPOSE, "--form", form, "--step", step, *times, *more)
    return told.identifier("auc")


def reserve_yuan(place: Place, auction: str) -> int:
    """The reserve, in whole yuan upwards."""
    return -(-int(place.buyer.market.auction(auction).rules["reserve_fen"]) // 100)


def at(place: Place, **later: float) -> str:
    return (place.clock() + timedelta(**later)).isoformat()


def test_a_file_that_cannot_be_written_is_one_line(buyer: Terminal, place: Place) -> None:
    buyer.done("buy", NAME, *PURPOSE)
    missing = Path("no") / "such" / "folder.csv"
    found = buyer.run("pull", NAME, "--format", "csv", "--to", str(missing))
    assert found.status == 1 and len(found.err.splitlines()) == 1 and found.err.startswith("error ")
