"""The end of the play: who earned what, and the proof that nothing was lost."""

from market_api.commands.terminal import money
from market_api.demo.cast import Cast
from market_api.demo.stage import Stage
from market_api.demo.telling import figures, heading, must, tell
from market_api.ledger.accounts import MARKET, TAX, balances
from market_api.ledger.proof import ledger_faults, total_fen

SALES = 3


def paid_out(stage: Stage, cast: Cast) -> None:
    """The terms for disputes pass, what was earned is its owners' own, and the developer has it paid out."""
    stage.let_pass(days=8)
    heading("8  What was earned", stage.clock())
    sellers = (cast.developer, cast.provider)
    must(all(each.market.account().funds["pending_fen"] == 0 for each in sellers), "something stays pending")
    earned = [(each.name, each.market.account().available_fen) for each in sellers]
    earned += [(name, _available_fen(stage, owner)) for name, owner in (("the market's fees", MARKET), ("VAT", TAX))]
    bought = [each for buyer in (cast.navigation, cast.logistics) for each in buyer.market.orders()]
    paid_fen = sum(each.price_fen for each in bought)
    must(len(bought) == SALES and sum(fen for _, fen in earned) == paid_fen, "what was paid is not what was earned")
    lines = [(name, money(fen), "") for name, fen in earned]
    figures(*lines, ("in all", money(paid_fen), f"what the buyers paid in {SALES} sales, to the fen"))
    _pay_out(cast)
    (invoice,) = cast.navigation.market.invoices()
    must(invoice.net_fen + invoice.vat_fen == invoice.gross_fen, "net and VAT of an invoice are not its sum")
    tell(
        f"{cast.navigation.name} has invoice {invoice.number}: {money(invoice.net_fen)} net and "
        f"{money(invoice.vat_fen)} VAT."
    )


def proven(stage: Stage, cast: Cast) -> None:
    """The ledger to the fen, the black box against its signatures, and the trades for the next quarter's prices."""
    heading("9  Proof", stage.clock())
    faults = stage.market.read_one_state(ledger_faults)
    total = stage.market.read(total_fen)
    must(not faults and total == 0, f"the ledger does not add up: {'; '.join(faults) or total}")
    tell("The ledger adds up: every balance follows from its postings, and all together are 0 fen.")
    stage.market.seal()
    verified = cast.operator.operating.verification()
    must(bool(verified["is_whole"]), f"the black box is not whole: {verified['problems']}")
    tell(f"The black box is whole: {verified['entries']:,} entries against their signatures and the witness outside.")
    trades = cast.operator.operating.cleared_trades(stage.clock().date().isoformat())
    must(len(trades["sales"]) == SALES and len(trades["trades"]) == 1, "not all trades were cleared")
    tell(
        f"{SALES} sales, one of them negotiated, go back to the vault, signed and without names, for the prices of the "
        "next quarter."
    )


def _pay_out(cast: Cast) -> None:
    seller = cast.developer.market
    payout = seller.request_payout(seller.account().available_fen)
    paid = cast.operator.operating.confirm_payout(payout.payout_id, "2026-0002")
    must(paid.state == "paid" and seller.account().available_fen == 0, "a payout that was confirmed is not paid")
    tell(f"{cast.developer.name} has its {money(paid.amount_fen)} paid out.")


def _available_fen(stage: Stage, owner: str) -> int:
    return stage.market.read(lambda connection: balances(connection, owner))["available"]
