"""Admission, commitments and settlement: who takes part, what was promised, and where the money goes."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.admission import Opening, Reveal, Submission, admitted, bid_commitment, commitment_kept, opened
from pricing.auction import SealedBid
from pricing.clearance import Clearance
from pricing.draw import drawn_order, drawn_side, seed_commitment, seed_kept
from pricing.settlement import Settlement, deposit, settled
from tests.pricing.markets import CLEARED, DRAW, NOON, NOT_FINITE, amounts_fen, minutes, shares, unhurried

CLOSE = NOON + minutes(60)
names = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), min_size=1, max_size=8)


def submission(name: str, amount_fen: int, minute: float = 1, owner: str = "", withdrawn: bool = False) -> Submission:
    return Submission(SealedBid(name, name, amount_fen), owner or name, NOON + minutes(minute), withdrawn)


def test_bids_that_are_late_withdrawn_uneven_or_of_the_seller_do_not_take_part() -> None:
    admission = admitted(
        [
            submission("fair", 500),
            submission("late", 500, minute=60),
            submission("withdrawn", 500, withdrawn=True),
            submission("uneven", 550),
            submission("affiliate", 900, owner="seller"),
        ],
        CLOSE,
        DRAW,
        increment_fen=100,
        barred_owners={"seller"},
    )
    assert [bid.bid_id for bid in admission.bids] == ["fair"]
    assert admission.refusals == {
        "late": "late",
        "withdrawn": "withdrawn",
        "uneven": "not_a_multiple",
        "affiliate": "barred",
    }


def test_of_several_bids_of_one_owner_the_highest_takes_part() -> None:
    submissions = [submission("a", 5, owner="x"), submission("b", 9, owner="x"), submission("c", 7, owner="x")]
    admission = admitted([*submissions, submission("d", 1)], CLOSE, DRAW)
    assert [bid.bid_id for bid in admission.bids] == ["b", "d"]
    assert admission.refusals == {"a": "same_owner", "c": "same_owner"}


@unhurried
@given(st.permutations([("a", 5, "x"), ("b", 5, "x"), ("c", 5, "x"), ("d", 5, "y")]))
def test_which_of_an_owners_equal_bids_takes_part_is_drawn(entered: list[tuple[str, int, str]]) -> None:
    admission = admitted([submission(name, amount, owner=owner) for name, amount, owner in entered], CLOSE, DRAW)
    assert {bid.bid_id for bid in admission.bids} == {min("abc", key=DRAW), "d"}


def test_a_commitment_is_the_hash_of_lot_bidder_amount_and_nonce() -> None:
    expected = hashlib.sha256(b"lot7|bidder3|120000|nonce").hexdigest()
    assert bid_commitment("lot7", "bidder3", 120000, "nonce") == expected
    assert commitment_kept(expected.upper(), "lot7", "bidder3", 120000, "nonce")


@unhurried
@given(names, names, amounts_fen, names, names, names, amounts_fen, names)
def test_only_the_bid_committed_to_keeps_the_commitment(
    lot: str, bidder: str, amount: int, nonce: str, lot2: str, bidder2: str, amount2: int, nonce2: str
) -> None:
    commitment = bid_commitment(lot, bidder, amount, nonce)
    same = (lot, bidder, amount, nonce) == (lot2, bidder2, amount2, nonce2)
    assert commitment_kept(commitment, lot2, bidder2, amount2, nonce2) == same
    assert commitment_kept(commitment, lot, bidder, amount, nonce)


def test_who_does_not_reveal_what_it_committed_to_forfeits() -> None:
    kept, other, stranger = (SealedBid(name, name, 500) for name in ("kept", "other", "stranger"))
    commitments = {name: bid_commitment("lot7", name, 500, "n") for name in ("kept", "other", "silent")}
    reveals = [Reveal(kept, "n"), Reveal(other, "another nonce"), Reveal(stranger, "n")]
    assert opened("lot7", commitments, reveals) == Opening((kept,), ("other", "silent"))


def test_the_seed_is_committed_to_and_the_draw_can_be_repeated() -> None:
    commitment = seed_commitment(b"seed")
    assert commitment == hashlib.sha256(b"seed").hexdigest()
    assert seed_kept(b"seed", commitment)
    assert not seed_kept(b"sown", commitment)
    drawn = hmac.new(b"seed", b"bid1", hashlib.sha256).digest()
    assert drawn_order(b"seed")("bid1") == drawn
    assert drawn_side(b"seed")("bid1") == int.from_bytes(drawn) % 2


def test_about_half_of_the_bidders_are_on_each_side() -> None:
    assert 450 < sum(drawn_side(b"seed")(f"bidder{number}") for number in range(1000)) < 550


@unhurried
@given(amounts_fen, shares, shares)
def test_seller_fee_and_tax_are_the_payment(payment: int, fee: object, tax: object) -> None:
    if fee + tax > 1:  # type: ignore[operator]
        with pytest.raises(ValueError, match=r"fee_share \+ tax_share must be 1 or less"):
            settled(payment, fee, tax, CLEARED)  # type: ignore[arg-type]
    else:
        parts = settled(payment, fee, tax, CLEARED)  # type: ignore[arg-type]
        assert parts.seller_fen + parts.fee_fen + parts.tax_fen == payment
        assert abs(parts.fee_fen - payment * fee) < 1  # type: ignore[operator]


def test_a_payment_is_split_to_the_fen() -> None:
    assert settled(10_001, 0.05, 0.06, CLEARED) == Settlement(8901, 500, 600)
    assert deposit(7_442_642) == 744_264
    assert deposit(5) == 1


def test_no_auction_closes_without_clearance() -> None:
    with pytest.raises(ValueError, match=r"S\(X\) = 0"):
        settled(100, 0, 0, Clearance(safe=False, gate_open=True))
    with pytest.raises(ValueError, match="the quality gate is closed"):
        settled(100, 0, 0, Clearance(safe=True, gate_open=False))


@pytest.mark.parametrize("wrong", [-0.01, *NOT_FINITE])
def test_a_value_outside_its_domain_is_refused(wrong: float) -> None:
    for refused in (
        lambda: settled(wrong, 0, 0, CLEARED),  # type: ignore[arg-type]
        lambda: settled(1, wrong, 0, CLEARED),
        lambda: settled(1, 0, wrong, CLEARED),
        lambda: deposit(wrong),  # type: ignore[arg-type]
        lambda: deposit(1, wrong),
        lambda: bid_commitment("lot", "bidder", wrong, "nonce"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValueError, match="must be"):
            refused()


@pytest.mark.parametrize("parts", [("lot|7", "b", "n"), ("lot", "b|1", "n"), ("lot", "b", "n|"), ("lot", "b", "")])
def test_a_commitment_that_two_bids_could_share_is_refused(parts: tuple[str, str, str]) -> None:
    lot, bidder, nonce = parts
    with pytest.raises(ValueError, match="must not be empty nor hold"):
        bid_commitment(lot, bidder, 1, nonce)


def test_refusals_say_what_is_wrong() -> None:
    for draw in (drawn_order, drawn_side, seed_commitment):
        with pytest.raises(ValueError, match="the seed is empty"):
            draw(b"")
    with pytest.raises(ValueError, match="increment_fen must be a whole number of fen, 1 or more"):
        admitted([], CLOSE, DRAW, increment_fen=0)
    with pytest.raises(ValueError, match="a bidder reveals twice"):
        opened("lot", {}, [Reveal(SealedBid("a", "same", 1), "n"), Reveal(SealedBid("b", "same", 2), "m")])
