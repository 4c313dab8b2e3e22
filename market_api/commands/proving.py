"""`jinku market verify`: that nothing was lost, and nothing changed unnoticed."""

from market_api.commands.machine import standing_market
from market_api.commands.terminal import console, say
from market_api.ledger.proof import ledger_faults, total_fen
from vault.black_box.verification import Verified


def verify_market() -> int:
    """Hold the ledger against its postings and the black box against its signatures; 1 where either is not whole."""
    market = standing_market()
    faults = market.read_one_state(ledger_faults)
    balance_fen = market.read(total_fen)
    verified = market.verify()
    for fault in faults:
        say(f"ledger     {fault}")
    if balance_fen:
        say(f"ledger     all balances together are {balance_fen} fen, not 0")
    if not faults and not balance_fen:
        console.print(
            "[green]ledger[/]     adds up: every balance follows from its postings, and all together are 0 fen"
        )
    _tell_black_box(verified)
    return int(bool(faults or balance_fen or not verified.is_whole))


def _tell_black_box(verified: Verified) -> None:
    for problem in verified.problems:
        say(f"black box  {problem.kind}: {problem.what}")
    if verified.more_problems:
        say("black box  and more of them")
    if verified.is_whole:
        signed = verified.checkpoint
        until = "not signed yet" if signed is None else f"the first {signed.size:,} signed"
        console.print(f"[green]black box[/]  whole: {verified.entries:,} entries, {until}")
