"""What the operator does with the client: books, reverses, decides, helps who lost all secrets."""

import pytest

from market_api.client import Market, MarketError, enrol
from tests.market_api.client.places import FUNDS_FEN, NAME, PURPOSES, Place


def test_a_wrong_deposit_is_seen_reversed_and_booked_rightly(place: Place) -> None:
    operating, right = place.operator.operating, place.joined()
    wrong = place.joined(funds_fen=5_000)
    (booked,) = operating.deposits(wrong.participant_id)
    assert (booked.amount_fen, booked.reversal) == (5_000, None)
    place.clock.move(seconds=1)
    taken_back = operating.reverse_deposit(booked.deposit_id, "It was another's.")
    assert taken_back.reversal is not None and taken_back.reversal["reason"] == "It was another's."
    assert operating.deposit(right.participant_id, 5_000, booked.bank_reference).participant_id == right.participant_id
    assert (wrong.market.account().available_fen, right.market.account().available_fen) == (0, 5_000)
    place.clock.move(seconds=1)
    kinds = [(each.kind, each.change_fen) for each in wrong.market.statement().entries]
    assert kinds == [("deposit", 5_000), ("deposit_reversal", -5_000)]


def test_a_deposit_that_was_spent_is_not_reversed(place: Place) -> None:
    spender = place.joined(funds_fen=5_000)
    spender.market.request_payout(1_200)
    (booked,) = place.operator.operating.deposits(spender.participant_id)
    with pytest.raises(MarketError) as caught:
        place.operator.operating.reverse_deposit(booked.deposit_id, "It was another's.")
    assert (caught.value.code, caught.value.document["missing_fen"]) == ("funds_missing", 1_200)


def test_what_is_decided_for_the_buyer_is_credited(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer, operating = place.joined(funds_fen=FUNDS_FEN).market, place.operator.operating
    bought = buyer.buy(NAME, PURPOSES)
    dispute = buyer.dispute(bought.order_id, "quality", "Zone 7 is missing.")
    assert dispute.price_fen == bought.price_fen and dispute.component == NAME
    assert dispute.dispute_id in {each.dispute_id for each in operating.disputes("opened")}
    with pytest.raises(MarketError) as caught:
        operating.decide(dispute.dispute_id, "upheld", "One zone of 30 is missing.")
    assert caught.value.code == "invalid_request"
    place.let_pass(seconds=1)
    decided = operating.decide(dispute.dispute_id, "upheld", "One zone of 30 is missing.", 201, "keeps")
    assert (decided.state, decided.refund_fen, decided.licence) == ("upheld", 201, "keeps")
    place.let_pass(seconds=1)
    (note,), invoice = list(buyer.credit_notes()), buyer.invoice(bought.order_id)
    assert (note.gross_fen, note.invoice_number) == (201, invoice.number) and note == buyer.credit_note(note.order_id)
    assert note.net_fen + note.vat_fen == 201 and 0 < note.fee_fen < note.net_fen
    assert invoice.credit_note is not None and invoice.credit_note["number"] == note.number
    assert place.developer.market.credit_note(bought.order_id) == note
    told = {each.voucher for each in buyer.statement().entries}
    assert {invoice.number, note.number} <= told


def test_an_evaluator_says_what_it_found_with_evidence(place: Place) -> None:
    assert place.listing.state == "listed"
    buyer, evaluating = place.joined(funds_fen=FUNDS_FEN).market, place.joined("evaluator").market.evaluating
    bought = buyer.buy(NAME, PURPOSES)
    dispute_id = buyer.dispute(bought.order_id, "quality", "Zone 7 is missing.").dispute_id
    place.let_pass(seconds=1)
    assert dispute_id in {each.dispute_id for each in evaluating.disputes()}
    settled = next(each for each in evaluating.entries(dispute_id) if each.step == "order.settle")
    assert settled == next(each for each in buyer.dispute_entries(dispute_id) if each.index == settled.index)
    said = evaluating.say(dispute_id, "It was paid for.", [settled.reference])
    assert said.statements[-1]["evidence"][0]["index"] == settled.index and said == evaluating.dispute(dispute_id)
    with pytest.raises(MarketError) as caught:
        evaluating.say(dispute_id, "It was paid for.", [{**settled.reference, "entry_hash": "0" * 64}])
    assert caught.value.code == "invalid_request"
    assert place.operator.operating.decide(dispute_id, "rejected", "All zones are there.").state == "rejected"
    with pytest.raises(MarketError) as caught:
        buyer.evaluating.dispute(dispute_id)
    assert caught.value.code == "not_permitted"


def test_a_payout_is_taken_back_by_its_owner(place: Place) -> None:
    owner = place.joined(funds_fen=5_000).market
    asked = owner.request_payout(1_200)
    assert owner.cancel_payout(asked.payout_id).state == "cancelled" and owner.account().available_fen == 5_000
    assert list(owner.payouts("requested")) == [] and len(list(owner.payouts("cancelled"))) == 1


def test_who_lost_all_secrets_comes_back_by_a_code(place: Place) -> None:
    lost = place.joined()
    lost.market.account()
    issued = place.operator.operating.enrolment_code(lost.participant_id, "Called back.", ttl_hours=2)
    assert issued.enrolment_code not in repr(issued) and issued.participant_id == lost.participant_id
    enrolled = enrol(place.url, lost.participant_id, issued.enrolment_code)
    assert enrolled.client_secret not in repr(enrolled)
    for closed in (lost.market, Market(place.url, *lost.login)):
        with pytest.raises(MarketError):
            closed.account()
    with Market(place.url, enrolled.client_id, enrolled.client_secret) as again:
        assert again.account().participant_id == lost.participant_id
    with pytest.raises(MarketError) as caught:
        enrol(place.url, lost.participant_id, issued.enrolment_code)
    assert caught.value.code == "wrong_state"
