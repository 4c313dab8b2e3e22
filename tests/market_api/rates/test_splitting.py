"""Every fen of a payment is somebody's, whoever comes first, and a refund takes back as it was given."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.ledger import accounts
from market_api.rates.receivers import Receiver
from market_api.rates.splitting import MARKET, TAX, Split, SplitLine, remaining, reversal, split
from market_api.rates.tables import SaleRates
from pricing.clearance import Clearance
from pricing.settlement import settled
from tests.market_api.rates.sales import CLEARED, amounts_fen, rate_pairs, rates, receiver_lists, sale, told
from tests.pricing.markets import unhurried


def test_a_sale_is_split_into_tax_fee_and_shares() -> None:
    found = sale(106_000, Fraction(3, 10))
    assert told(found) == [
        ("par_seller", "seller", 68_600),  # 70 % of 98,000
        ("par_0", "provider", 29_400),
        (MARKET, "fee", 2_000),  # 2 % of 100,000
        (TAX, "tax", 6_000),  # 6/106 of the payment
    ]
    assert found.of_kind("tax") == 6_000 and found.payment_fen == 106_000
    told_why = " ".join(found.explanation)
    assert "VAT at 6 %, which is 3/53 of it (a law" in told_why and "seller par_seller 70 %" in told_why


def test_the_tax_and_the_fee_go_where_the_ledger_keeps_them() -> None:
    assert (TAX, MARKET) == (accounts.TAX, accounts.MARKET)


def test_a_payment_of_nothing_has_no_lines_and_who_gets_nothing_has_none() -> None:
    assert sale(0, Fraction(1, 2)).lines == ()
    assert told(sale(100, Fraction(0), fee=Fraction(0), vat=Fraction(0))) == [("par_seller", "seller", 100)]


def test_no_sale_closes_without_clearance() -> None:
    for clearance in (Clearance(False, True), Clearance(True, False)):
        with pytest.raises(ValueError, match=r"security review|quality gate"):
            split(100, rates(), [Receiver("a", "seller", Fraction(1))], clearance)


@pytest.mark.parametrize("payment_fen", [-1, 1.0, True, "100"])
def test_what_is_no_amount_of_fen_is_not_split(payment_fen: int) -> None:
    with pytest.raises(ValueError, match="payment_fen"):
        split(payment_fen, rates(), [Receiver("a", "seller", Fraction(1))], CLEARED)


def test_a_line_of_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="amount_fen"):
        SplitLine("a", "fee", 0)


@unhurried
@given(amounts_fen, rate_pairs, receiver_lists())
def test_the_lines_sum_to_the_payment_and_each_is_within_a_fen_of_its_share(
    payment_fen: int, given_rates: SaleRates, receivers: tuple[Receiver, ...]
) -> None:
    found = split(payment_fen, given_rates, receivers, CLEARED)
    assert found.payment_fen == payment_fen
    vat = given_rates.vat.rate
    assert abs(found.of_kind("tax") - payment_fen * vat / (1 + vat)) < 1
    assert abs(found.of_kind("fee") - payment_fen / (1 + vat) * given_rates.fee.rate) < 1


@unhurried
@given(amounts_fen, rate_pairs)
def test_with_one_receiver_it_is_the_settlement_of_the_price(payment_fen: int, given_rates: SaleRates) -> None:
    vat, fee = given_rates.vat.rate, given_rates.fee.rate
    found = split(payment_fen, given_rates, [Receiver("a", "seller", Fraction(1))], CLEARED)
    expected = settled(payment_fen, fee / (1 + vat), vat / (1 + vat), CLEARED)
    assert (found.of_kind("seller"), found.of_kind("fee"), found.of_kind("tax")) == (
        expected.seller_fen,
        expected.fee_fen,
        expected.tax_fen,
    )


@unhurried
@given(amounts_fen, rate_pairs, receiver_lists(), st.randoms(use_true_random=False))
def test_the_order_of_the_receivers_changes_nothing(
    payment_fen: int, given_rates: SaleRates, receivers: tuple[Receiver, ...], random: st.DataObject
) -> None:
    shuffled = list(receivers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split(payment_fen, given_rates, receivers, CLEARED) == split(payment_fen, given_rates, shuffled, CLEARED)


@unhurried
@given(amounts_fen, rate_pairs, receiver_lists())
def test_a_larger_share_never_gets_less(
    payment_fen: int, given_rates: SaleRates, receivers: tuple[Receiver, ...]
) -> None:
    found = split(payment_fen, given_rates, receivers, CLEARED)
    amounts = {line.receiver: line.amount_fen for line in found.lines}
    by_share = sorted(receivers, key=lambda each: (each.share, amounts.get(each.receiver, 0)))
    for smaller, larger in pairwise(by_share):
        assert amounts.get(smaller.receiver, 0) <= amounts.get(larger.receiver, 0)


@unhurried
@given(amounts_fen, st.integers(0, 10**6), rate_pairs, receiver_lists())
def test_who_pays_more_lets_nobody_fall_by_more_than_a_fen(
    payment_fen: int, more_fen: int, given_rates: SaleRates, receivers: tuple[Receiver, ...]
) -> None:
    before = split(payment_fen, given_rates, receivers, CLEARED)
    after = {
        line.receiver: line.amount_fen for line in split(payment_fen + more_fen, given_rates, receivers, CLEARED).lines
    }
    assert all(after.get(line.receiver, 0) >= line.amount_fen - 1 for line in before.lines)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    return split(draw(amounts_fen), draw(rate_pairs), draw(receiver_lists()), CLEARED)


def amounts_of(found: Split) -> dict[tuple[str, str], int]:
    return {(line.receiver, line.kind): line.amount_fen for line in found.lines}


@unhurried
@given(splits(), st.data())
def test_a_refund_is_the_amount_and_no_line_gives_back_more_than_it_got(whole: Split, data: st.DataObject) -> None:
    refund_fen = data.draw(st.integers(0, whole.payment_fen))
    given_back, left = reversal(whole, refund_fen), amounts_of(whole)
    assert given_back.payment_fen == refund_fen
    for line in given_back.lines:
        assert line.amount_fen <= left[line.receiver, line.kind]
        share = Fraction(left[line.receiver, line.kind], whole.payment_fen)
        assert abs(line.amount_fen - refund_fen * share) < 1


@unhurried
@given(splits(), st.data())
def test_refunds_one_after_the_other_take_back_all_of_it_and_no_more(whole: Split, data: st.DataObject) -> None:
    left, given_back = whole, 0
    for _ in range(3):
        part = reversal(left, data.draw(st.integers(0, left.payment_fen)))
        left, given_back = remaining(left, part), given_back + part.payment_fen
        assert left.payment_fen == whole.payment_fen - given_back
    assert remaining(left, reversal(left, left.payment_fen)).lines == ()


def test_more_than_was_paid_is_not_given_back() -> None:
    whole = sale(1_000)
    with pytest.raises(ValueError, match="more than the 1000 fen"):
        reversal(whole, 1_001)
    with pytest.raises(ValueError, match="refund_fen"):
        reversal(whole, -1)


def test_what_is_no_reversal_of_a_split_is_not_taken_from_it() -> None:
    with pytest.raises(ValueError, match="not one of this split"):
        remaining(sale(1_000), sale(2_000))
    with pytest.raises(ValueError, match="not one of this split"):
        remaining(sale(1_000), Split((SplitLine("stranger", "seller", 1),), ()))
