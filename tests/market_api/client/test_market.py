"""What an app developer does with the client, against the market's own server."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from market_api.client import Market, MarketError, Terms, replayed_awards
from tests.market_api.client.places import FUNDS_FEN, NAME, OFFERED, PURPOSES, Place
from vault.releases.reading import unsigned
from vault.signing import public_keys_in, verify_signature


def refused(code: str, error: pytest.ExceptionInfo[MarketError]) -> MarketError:
    assert error.value.code == code, error.value.detail
    return error.value


def test_what_is_listed_is_found_by_its_words(place: Place) -> None:
    listed = place.listing
    (found,) = place.buyer.market.search("hourly mobil", field="governance")
    assert (found.component, found.listing_id, found.price_fen) == (NAME, listed.listing_id, listed.price_fen)
    assert found.terms == OFFERED and found.columns[:2] == ("zone_id", "day_type") and found.rows == 1440
    assert list(place.buyer.market.search("nothing of the kind")) == []


def test_a_component_that_is_not_there_is_refused_by_name(place: Place) -> None:
    with pytest.raises(MarketError) as caught:
        place.buyer.market.component("no_such")
    error = refused("not_found", caught)
    assert (error.status, error.field) == (404, "component") and "no_such" in str(error)
    assert error.request_id.startswith("req_")


def test_a_price_is_explained_down_to_who_gets_what(place: Place) -> None:
    posted_fen = place.listing.price_fen
    told = place.buyer.market.price(NAME)
    assert told.prices["posted_fen"] == told.sale["price_fen"] == posted_fen
    assert [step.symbol for step in told.steps if step.symbol in ("I", "P¹", "P²")] == ["I", "P¹", "P²"]
    parts = sum(told.sale[part] for part in ("vat_fen", "fee_fen", "seller_fen", "providers_fen"))
    assert parts == posted_fen and told.effects and told.moves_most["guide"]["words"]
    assert (
        place.buyer.market.price(NAME, price_fen=told.prices["cost_fen"]).sale["price_fen"] == told.prices["cost_fen"]
    )


def test_preview_and_datasheet_are_had_before_anything_is_paid(place: Place) -> None:
    assert place.listing.state == "listed"
    preview, sheet = place.buyer.market.preview(NAME), dict(place.buyer.market.datasheet(NAME))
    assert preview.document["synthetic"] is True and len(preview.schema["columns"]) == len(preview.rows[0])
    assert verify_signature(unsigned(sheet), sheet["signature"], public_keys_in(place.folder / "public"))
    assert [each["number"] for each in place.buyer.market.versions(NAME)] == [1]


def test_a_purchase_moves_money_and_entitlement_at_once(place: Place) -> None:
    price_fen = place.listing.price_fen or 0
    buyer = place.joined(funds_fen=FUNDS_FEN)
    bought = buyer.market.buy(NAME, PURPOSES, users=2)
    (entitlement,), (order,) = buyer.market.entitlements(), buyer.market.orders()
    assert bought.price_fen == price_fen and buyer.market.account().available_fen == FUNDS_FEN - price_fen
    assert (entitlement.entitlement_id, entitlement.pulls_left) == (bought.entitlement_id, 12)
    assert order == buyer.market.order(bought.order_id) and order.terms == Terms(("urban_management",), users=2)
    assert buyer.market.entitlement(bought.entitlement_id).document["releases"] == [f"{NAME}@1"]
    told = buyer.market.statement()
    assert told.closing["total_fen"] - told.opening["total_fen"] == sum(each.change_fen for each in told.entries)
    place.let_pass(seconds=1)
    (invoice,) = buyer.market.invoices()
    assert invoice.net_fen + invoice.vat_fen == invoice.gross_fen == price_fen


def test_another_price_than_was_seen_is_refused(place: Place) -> None:
    price_fen = place.listing.price_fen or 0
    with pytest.raises(MarketError) as caught:
        place.buyer.market.buy(NAME, PURPOSES, price_fen=price_fen - 1)
    assert refused("price_changed", caught).document["price_fen"] == price_fen


def test_terms_wider_than_offered_are_refused(place: Place) -> None:
    assert place.listing.state == "listed"
    with pytest.raises(MarketError) as caught:
        place.buyer.market.buy(NAME, ["model_training"])
    assert refused("invalid_request", caught).field == "terms.purposes"


def test_the_same_key_buys_once(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer = place.joined(funds_fen=FUNDS_FEN)
    first, second = (buyer.market.buy(NAME, PURPOSES, key="night-of-2026-11-27") for _ in range(2))
    assert first.order_id == second.order_id and len(list(buyer.market.orders())) == 1


def test_a_negotiation_ends_in_an_order_that_is_paid(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer, seller = place.joined(funds_fen=FUNDS_FEN).market, place.developer.market
    talk = buyer.negotiate(NAME, PURPOSES, users=5)
    low, high = talk.lowest_fen, talk.highest_fen
    buyer.offer(talk, low)
    answered = seller.offer(talk, high)
    assert [(each.party, each.price_fen) for each in answered.offers] == [("buyer", low), ("seller", high)]
    with pytest.raises(MarketError) as caught:
        seller.offer(talk, high - 1)
    refused("offer_refused", caught)
    buyer.offer(talk, low + 10_000)
    agreed = seller.accept(talk, low + 10_000)
    assert (agreed.state, agreed.agreed_fen) == ("agreed", low + 10_000)
    paid = buyer.pay(str(agreed.order_id))
    assert paid.price_fen == low + 10_000 and buyer.negotiation(talk.negotiation_id).order_id == paid.order_id


@pytest.mark.parametrize("way", ["withdraw", "reject"])
def test_a_negotiation_is_left(place: Place, way: str) -> None:
    assert place.listing.state == "listed"
    buyer = place.buyer.market
    talk = buyer.negotiate(NAME, PURPOSES)
    place.developer.market.offer(talk, talk.highest_fen)
    left = getattr(buyer, way)(talk)
    assert left.state == {"withdraw": "withdrawn", "reject": "rejected"}[way]
    assert talk.negotiation_id in {each.negotiation_id for each in buyer.negotiations()}


def test_an_order_that_was_negotiated_may_be_left_unpaid(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer = place.buyer.market
    talk = buyer.negotiate(NAME, PURPOSES)
    place.developer.market.offer(talk, talk.highest_fen)
    agreed = buyer.accept(talk, talk.highest_fen)
    assert buyer.cancel(str(agreed.order_id)).state == "cancelled"


def test_a_dispute_is_opened_answered_and_withdrawn(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer = place.joined(funds_fen=FUNDS_FEN).market
    bought = buyer.buy(NAME, PURPOSES)
    dispute = buyer.dispute(bought.order_id, "quality", "Zone 7 is missing.")
    assert (dispute.state, dispute.order_id) == ("opened", bought.order_id)
    place.clock.move(seconds=1)
    answered = place.developer.market.say(dispute.dispute_id, "Its first day is empty, as the datasheet says.")
    assert [each["party"] for each in answered.statements] == ["buyer", "seller"]
    assert buyer.withdraw_dispute(dispute.dispute_id).state == "withdrawn"
    assert [each.dispute_id for each in buyer.disputes("withdrawn")] == [dispute.dispute_id]


def test_an_english_auction_is_bid_in_up_to_a_limit(place: Place) -> None:
    one, other = (place.joined(funds_fen=FUNDS_FEN).market for _ in range(2))
    opens_at = place.clock() + timedelta(days=7)
    auction = place.developer.market.selling.announce(
        place.listing.listing_id, "english", OFFERED, 100, opens_at, opens_at + timedelta(days=1)
    )
    reserve_fen = -(-auction.rules["reserve_fen"] // 100) * 100
    place.let_pass(days=7)
    assert one.bid(auction.auction_id, reserve_fen + 1_000).is_leading
    assert other.bid(auction.auction_id, reserve_fen + 5_000).is_leading
    assert one.entry(auction.auction_id).is_leading is False
    assert (one.auction(auction.auction_id).price_fen or 0) == reserve_fen + 1_100
    place.let_pass(days=2)
    won = other.entry(auction.auction_id)
    assert other.auction(auction.auction_id).state == "closed" and won.order_id is not None
    assert other.pay(won.order_id).price_fen == reserve_fen + 1_100


def test_a_sealed_auction_keeps_the_nonce_and_its_record_is_replayed(place: Place, tmp_path: Path) -> None:
    one, other = (place.joined(funds_fen=FUNDS_FEN).market for _ in range(2))
    opens_at = place.clock() + timedelta(days=7)
    closes_at = opens_at + timedelta(days=1)
    auction = place.developer.market.selling.announce(
        place.listing.listing_id, "sealed_second", OFFERED, 1, opens_at, closes_at, closes_at + timedelta(days=1)
    )
    place.let_pass(days=7)
    reserve_fen = auction.rules["reserve_fen"]
    kept = tmp_path / "bid.json"
    first = one.commit(auction.auction_id, reserve_fen + 700, kept)
    assert one.commit(auction.auction_id, reserve_fen + 700, kept) == first  # the same act again
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="keeps another bid"):
        one.commit(auction.auction_id, reserve_fen + 800, kept)
    other.commit(auction.auction_id, reserve_fen + 300, tmp_path / "other.json")
    place.let_pass(days=1)
    one.reveal(kept)
    other.reveal(tmp_path / "other.json")
    place.let_pass(days=1)
    record = other.record(auction.auction_id)
    assert replayed_awards(record) == list(record["awards"]) and record["awards"][0]["price_fen"] == reserve_fen + 300
    assert one.entry(auction.auction_id).order_id is not None


@pytest.fixture(scope="module")
def record(place: Place) -> dict[str, object]:
    """Of the sealed auction above."""
    closed = [each for each in place.buyer.market.auctions("closed") if each.rules["format"] == "sealed_second"]
    return dict(place.buyer.market.record(closed[-1].auction_id))


@pytest.mark.parametrize("part", ["rules", "seed", "bid"])
def test_a_record_that_was_changed_is_not_replayed(record: dict[str, object], part: str) -> None:
    changed = json.loads(json.dumps(record))
    if part == "rules":
        changed["rules"]["reserve_fen"] -= 1
    elif part == "seed":
        changed["seed"] = "00" * 32
    else:
        changed["items"][0]["amount_fen"] += 1
    with pytest.raises(ValueError, match=r"not (those|the one|what)"):
        replayed_awards(changed)


def test_an_auction_that_is_not_open_yet_is_taken_back(place: Place) -> None:
    opens_at = place.clock() + timedelta(days=8)
    selling = place.developer.market.selling
    auction = selling.announce(
        place.listing.listing_id, "english", OFFERED, 100, opens_at, opens_at + timedelta(days=1)
    )
    assert selling.take_back(auction.auction_id).state == "cancelled"


def test_a_secret_is_rotated_without_a_gap(place: Place) -> None:
    buyer = place.joined()
    (first,) = buyer.market.credentials()
    secret = buyer.market.new_secret()
    buyer.market.revoke(first["credential_id"])
    with Market(place.url, buyer.participant_id, secret) as market:
        assert market.account().participant_id == buyer.participant_id
    with pytest.raises(MarketError) as caught:
        Market(place.url, *buyer.login).account()
    refused("invalid_client", caught)


def test_funds_are_paid_out_or_come_back(place: Place) -> None:
    buyer = place.joined(funds_fen=50_000).market
    one, other = buyer.request_payout(20_000), buyer.request_payout(10_000)
    assert buyer.account().available_fen == 20_000
    waiting = {each.payout_id for each in place.operator.operating.payouts()}
    assert {one.payout_id, other.payout_id} <= waiting
    assert place.operator.operating.confirm_payout(one.payout_id, "OUT-1").state == "paid"
    assert place.operator.operating.reject_payout(other.payout_id, "Not in your name.").state == "rejected"
    assert buyer.account().available_fen == 30_000 and len(list(buyer.payouts())) == 2


def test_the_operator_decides_on_participants(place: Place) -> None:
    operating, buyer = place.operator.operating, place.joined()
    assert operating.suspend(buyer.participant_id, "Under examination.").state == "suspended"
    with pytest.raises(MarketError):
        buyer.market.account()
    assert operating.reinstate(buyer.participant_id, "Nothing was found.").state == "admitted"
    assert buyer.market.account().state == "admitted"
    assert buyer.participant_id in {each.participant_id for each in operating.participants("admitted")}


def test_the_operator_fetches_what_was_cleared_and_verifies_the_black_box(place: Place) -> None:
    day = place.clock().date().isoformat()
    assert place.operator.operating.cleared_trades(day)["signature"]["key_id"]
    assert place.operator.operating.verification()["is_whole"] is True


def test_a_role_does_what_it_may_and_nothing_else(place: Place) -> None:
    with pytest.raises(MarketError) as caught:
        place.buyer.market.operating.admit(place.developer.participant_id)
    assert refused("not_permitted", caught).status == 403
    with pytest.raises(MarketError) as caught:
        place.buyer.market.selling.list_release(f"{NAME}@1", OFFERED, {place.buyer.participant_id: "1"})
    refused("not_permitted", caught)


def test_a_later_release_takes_the_place_of_the_first_and_holders_are_told(own_place: Place) -> None:
    assert own_place.listing.state == "listed"
    holder, selling = own_place.joined(funds_fen=FUNDS_FEN).market, own_place.developer.market.selling
    holder.buy(NAME, PURPOSES)
    own_place.clock.move(seconds=1)
    later = selling.list_release(f"{NAME}@2", OFFERED, {own_place.developer.participant_id: "1"})
    (notice,) = holder.notices()
    assert (notice.kind, notice.component) == ("change", NAME)
    assert [each.state for each in selling.listings()] == ["superseded", "listed"]
    band = holder.price(NAME).negotiation
    assert band is not None
    assert selling.reprice(later.listing_id, band["lowest_fen"]).price_fen == band["lowest_fen"]
    retired = selling.retire(later.listing_id, "The survey was ended.", "2027-06-30")
    assert retired.state == "retired" and list(holder.search()) == []
