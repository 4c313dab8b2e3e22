"""Detecting whose copy a leaked file is: blind in the value channel, and beside the release in the omission channel.

For each buyer the bits of the chosen cells are compared with those of the buyer's copy: M of ω agree, and
p = P[Bin(ω, ½) >= M]. Of the rows that the buyer's copy lacks few may be in the file, x of them: p = P[X <= x], X
hypergeometric. Accused is who has p <= 1e-6 / buyers, p being the smaller of both times the number of channels
(Bonferroni). For a buyer whose copy had no part in the file each p is one of chance, whatever was done to the file: who
has no key cannot tell whose bits a value carries. Source: models §8.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from market_api.fingerprint.comparing import BitCounts, RowCounts, chosen_rows, compare_bits, compare_rows
from market_api.fingerprint.keys import FingerprintKey
from market_api.fingerprint.leaks import open_leak, unreadable
from market_api.fingerprint.planning import Plan
from market_api.fingerprint.probability import log10_of_matches, log10_of_misses, p_text

FALSE_ACCUSATION = 1e-6
"""How probable it may be that a file accuses any buyer wrongly."""

Outcome = Literal["traced", "nobody", "not_traceable"]


@dataclass(frozen=True)
class Evidence:
    """What speaks for one buyer. bits, rows: the counts of each channel, None where it was not used; log10_p: that of
    both channels together; log10_p_least: what it would be, had everything agreed."""

    buyer: str
    bits: BitCounts | None
    rows: RowCounts | None
    log10_p: float
    log10_p_least: float

    @property
    def p(self) -> str:
        """How probable it is that chance alone speaks as much for this buyer, such as '2.3e-78'."""
        return p_text(self.log10_p)


@dataclass(frozen=True)
class Verdict:
    """Whose copy a file is.

    reason: in one sentence; accused: whose copies it was made from, several where they colluded; evidence: of every
    buyer, the strongest first; chosen_rows: rows of the file that may be marked; log10_p_max: of an accusation.
    """

    release: str
    outcome: Outcome
    reason: str
    accused: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]
    chosen_rows: int
    log10_p_max: float


def detect(
    connection: duckdb.DuckDBPyConnection,
    leak: Path,
    plan: Plan,
    key: FingerprintKey,
    buyers: Sequence[str],
    original: Sequence[Path] = (),
) -> Verdict:
    """Whose copy of a release a file is.

    buyers: all who received the release; original: the Parquet files of the release; without them the omission channel
    is not used, and rows that never were of the release blur the marks. Another secret than that of the copies finds
    nobody. Raises JinkuError `leak_unreadable` and `leak_unrelated`, and ValueError for another component's key, and
    for a buyer named twice or not at all.
    """
    _check(plan, key, buyers)
    log10_p_max = math.log10(FALSE_ACCUSATION / max(1, len(buyers)))
    if plan.not_traceable:
        return _silent(plan, f"its copies carry no marks: {plan.not_traceable}", log10_p_max)
    found = open_leak(connection, leak, plan.columns)
    if missing := [each.name for each in plan.key if each.name not in found.columns]:
        return _silent(plan, f"the file lacks {', '.join(missing)}, by which a row is known again", log10_p_max)
    try:
        with chosen_rows(connection, found, plan, key, original) as chosen:
            bits = compare_bits(connection, found, plan, key, buyers) if chosen else {}
            rows = compare_rows(connection, key, buyers) if chosen and original and plan.omits_rows else {}
    except duckdb.Error as error:
        raise unreadable(leak, type(error).__name__) from None
    if not chosen:
        return _silent(plan, "no row of the file is one that could be marked", log10_p_max)
    evidence = [_weighed(buyer, bits.get(buyer), rows.get(buyer)) for buyer in buyers]
    return _verdict(plan, sorted(evidence, key=lambda each: (each.log10_p, each.buyer)), chosen, log10_p_max)


def _weighed(buyer: str, bits: BitCounts | None, rows: RowCounts | None) -> Evidence:
    """Both channels' p, and what they could be at the least."""
    found: list[tuple[float, float]] = []
    if bits is not None:
        found.append((log10_of_matches(bits.marks, bits.matches), log10_of_matches(bits.marks, bits.marks)))
    if rows is not None:
        drawn_least = max(0, rows.drawn + rows.omitted - rows.population)
        numbers = rows.population, rows.omitted, rows.drawn
        found.append((log10_of_misses(*numbers, rows.omitted_found), log10_of_misses(*numbers, drawn_least)))
    tries = math.log10(max(1, len(found)))
    log10_p, log10_p_least = (min((pair[place] for pair in found), default=0.0) for place in (0, 1))
    return Evidence(buyer, bits, rows, min(0.0, log10_p + tries), min(0.0, log10_p_least + tries))


def _verdict(plan: Plan, evidence: Sequence[Evidence], chosen: int, log10_p_max: float) -> Verdict:
    accused = tuple(each for each in evidence if each.log10_p <= log10_p_max)
    outcome: Outcome = "traced" if accused else "nobody"
    if accused:
        names = ", ".join(each.buyer for each in accused)
        reason = f"it was made from the copy of {names}"
    elif not evidence:
        reason = "nobody has received a copy"
    elif any(each.log10_p_least <= log10_p_max for each in evidence):
        reason = "no buyer's marks stand out against chance: it is no buyer's copy, or its values were changed too much"
    else:
        outcome = "not_traceable"
        least = p_text(min(each.log10_p_least for each in evidence))
        reason = f"too little is left of it: if all of it agreed, chance would still do so with p = {least}"
    return Verdict(plan.release, outcome, reason, accused, tuple(evidence), chosen, log10_p_max)


def _silent(plan: Plan, reason: str, log10_p_max: float) -> Verdict:
    return Verdict(plan.release, "not_traceable", reason, (), (), 0, log10_p_max)


def _check(plan: Plan, key: FingerprintKey, buyers: Sequence[str]) -> None:
    if key.component != plan.component:
        raise ValueError(f"the key is that of {key.component}, and the plan that of {plan.component}")
    if len(set(buyers)) < len(buyers) or "" in buyers:
        raise ValueError("a buyer is named twice, or not at all")
