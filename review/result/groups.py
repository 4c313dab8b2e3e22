"""R7, R8 and R11: rows that are cells or enterprises, judged by who stands behind them. Source: models §7."""

from collections.abc import Iterator, Sequence

from review.findings import Finding
from review.result.agreement import cells_apart
from review.result.cells import (
    DETERMINED,
    CountFigures,
    DominanceFigures,
    DominanceRule,
    Margin,
    cells_left_out,
    measure_counts,
    measure_dominance,
    measure_margin,
)
from review.result.classes import Unmeasurable
from review.result.facts import NOISY, PublishedTable, ResultFacts, counted, found, judged
from review.result.microdata import measure_microdata
from review.result.thresholds import Thresholds
from vault.disclosure.linear_queries import TooLarge, blocks, isolates

GROUP_MINIMUM, DOMINANCE, SECONDARY = "R7_group_minimum", "R8_dominance", "R11_secondary_suppression"


def group_minimum(facts: ResultFacts, thresholds: Thresholds) -> int:
    """The fewest subjects behind a cell: of persons, else of organisations, or what the contract promises if more."""
    of_policy = thresholds.persons if facts.of_persons else thresholds.organisations if facts.of_organisations else 1
    return max(of_policy, facts.contract.minimum_group)


def review_group_minimum(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R7: every cell counts no subject or at least the minimum; enterprises by rows are as many alike."""
    if facts.is_noisy:
        return found(GROUP_MINIMUM, "pass", NOISY)
    if facts.rows == "persons":
        return found(GROUP_MINIMUM, "pass", "it does not apply: a row is a person, and R1_k_anonymity judges that")
    if facts.rows == "organisations":
        return _by_classes(facts, group_minimum(facts, thresholds))
    if facts.contract.count_columns:
        return _by_counts(facts, group_minimum(facts, thresholds))
    if not (facts.of_persons or facts.of_organisations):
        reason = "it does not apply: no source of persons or enterprises is behind the rows, and no count is declared"
        return found(GROUP_MINIMUM, "pass", reason)
    who = "persons" if facts.of_persons else "enterprises"
    reason = f"{who} stand behind the rows, and the contract declares no column that counts them (countColumns)"
    return found(GROUP_MINIMUM, "fail", reason)


def review_dominance(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R8: no cell is mostly one or two enterprises, by (n, k) and by p %; each sum is that of its contributions."""
    if facts.is_noisy:
        return found(DOMINANCE, "pass", NOISY)
    if not facts.of_organisations or facts.rows != "cells":
        return found(DOMINANCE, "pass", "it does not apply: no sums over enterprises are shown")
    measures = [name for name in facts.columns("measure", "target") if name not in facts.contract.count_columns]
    if not measures:
        return found(DOMINANCE, "pass", "it does not apply: enterprises are counted, and nothing of theirs is summed")
    causes = [f"the contributions to {name} cannot be relied on: {why}" for name, why in facts.unreliable.items()]
    unknown = [name for name in measures if name not in facts.contributions and name not in facts.unreliable]
    if unknown:
        causes.append(f"it is not known what each enterprise contributed to {', '.join(unknown)} (contributions)")
    causes += list(_otherwise(facts, [name for name in measures if name in facts.contributions]))
    if causes:
        return found(DOMINANCE, "fail", "; ".join(causes))
    rule = DominanceRule(thresholds.dominance_largest, thresholds.dominance_share_percent, thresholds.p_percent)
    figures = [
        measure_dominance(facts.table, facts.contract.grain, name, facts.contributions[name], rule) for name in measures
    ]
    return _dominance(figures, rule, group_minimum(facts, thresholds))


def _otherwise(facts: ResultFacts, measures: Sequence[str]) -> Iterator[str]:
    """Figures that are not what their contributions make."""
    for name in measures:
        aggregate = facts.contract.contributions[name].aggregate
        apart = cells_apart(facts.table, facts.contract.grain, name, facts.contributions[name], aggregate)
        if apart:
            yield f"{name} is not what its contributions make in {counted(apart, 'cell')}"


def review_secondary(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R11: published totals do not give away a cell that was left out, alone or by adding and subtracting them.

    Whichever was published first, the component's cells under the totals or its totals over the cells.
    """
    if facts.is_noisy:
        return found(SECONDARY, "pass", NOISY)
    if facts.rows != "cells" or not (facts.of_persons or facts.of_organisations):
        return found(SECONDARY, "pass", "it does not apply: the rows are no groups of persons or enterprises")
    if facts.related_releases is None:
        return found(
            SECONDARY, "fail", "it is not known whether totals over the same counts, or their cells, are published"
        )
    unseen = sorted(set(facts.related_releases) - {each.name for each in facts.published})
    if unseen:
        return found(SECONDARY, "fail", f"it was not looked at what {', '.join(unseen)} publishes of the same counts")
    if not facts.published:
        return found(
            SECONDARY, "pass", "it does not apply: no totals over the same counts, or their cells, are published"
        )
    try:
        return _secondary(facts, group_minimum(facts, thresholds))
    except TooLarge as error:
        return found(SECONDARY, "error", f"it is too large to be checked: {error}")


def _secondary(facts: ResultFacts, minimum: int) -> Finding:
    counts = set(facts.contract.count_columns)
    for each in facts.published:
        if counts.isdisjoint(each.table.columns):
            raise Unmeasurable(f"{each.name} has none of the columns {', '.join(sorted(counts))}")
    exposed: dict[str, int] = {}
    determined: list[str] = []
    contradictory = 0
    for count in facts.contract.count_columns:
        for cells, margins in _covered(facts, count):
            for margin in margins:
                figures = measure_margin(cells.table, count, margin, minimum)
                exposed[f"{cells.name} under {margin.name}"] = figures.exposed
                contradictory += figures.contradictory
            left_out = cells_left_out(cells.table, cells.by, count, margins)
            if any(isolates(block, DETERMINED) for block in blocks(left_out)):
                determined.append(cells.name)
    few = [name for name, groups in exposed.items() if groups]
    reason = f"what the totals say beyond the cells is about nobody, or {minimum} or more"
    if few:
        reason = f"{', '.join(few)} leaves a group of fewer than {minimum}: leave out another cell of it"
    elif determined:
        reason = f"a cell that {', '.join(determined)} leaves out can be computed from the totals: leave out another"
    return judged(
        SECONDARY,
        not (few or determined),
        reason,
        exposed=exposed,
        determined=determined,
        contradictory=contradictory,
        minimum=minimum,
    )


def _covered(facts: ResultFacts, count: str) -> Iterator[tuple[PublishedTable, list[Margin]]]:
    """The tables of cells, each with all totals over a count of theirs. Raises Unmeasurable where two cannot be
    compared: the cells of neither are those of the other by fewer columns."""
    own = PublishedTable(facts.component, facts.table, facts.contract.grain)
    over_own = []
    for each in facts.published:
        if count not in each.table.columns:
            continue
        if set(each.by) < set(own.by):
            over_own.append(Margin(each.name, each.table, each.by, count))
        elif set(own.by) < set(each.by):
            yield each, [Margin(own.name, own.table, own.by, count)]
        else:
            raise Unmeasurable(f"the cells of {each.name} are no parts of those of {own.name}, nor the other way round")
    if over_own:
        yield own, over_own


def _by_counts(facts: ResultFacts, minimum: int) -> Finding:
    figures = measure_counts(facts.table, facts.contract.count_columns, minimum)
    if not figures[0].cells:
        return found(GROUP_MINIMUM, "fail", "the component has no rows, so nothing can be measured")
    causes = [_few(each, minimum) for each in figures if each.small or each.unknown]
    causes += _contradicted(facts, figures, minimum)
    reason = f"every cell counts none or {minimum} and more"
    if causes:
        reason = f"{'; '.join(causes)}: leave those cells out, or make them larger"
    return judged(
        GROUP_MINIMUM,
        not causes,
        reason,
        minimum=minimum,
        cells=figures[0].cells,
        smallest={each.column: each.smallest for each in figures},
        small_cells={each.column: each.small for each in figures},
    )


def _contradicted(facts: ResultFacts, figures: Sequence[CountFigures], minimum: int) -> list[str]:
    """What the entities behind the cells say against the counts, where they were looked at cell by cell: one of the
    counts is theirs."""
    comparison, filled = facts.comparison, max(each.filled for each in figures)
    if facts.rows != "cells" or comparison is None or not comparison.cells:
        return []
    told = [f"behind some cell stand fewer than {minimum}"] if comparison.smallest_cell < minimum else []
    if comparison.cells < filled:
        told.append(f"behind {counted(filled - comparison.cells, 'cell')} nobody is known")
    if comparison.memberships not in {each.total for each in figures}:
        totals = ", ".join(f"{each.column} counts {each.total}" for each in figures)
        told.append(f"the entities of its cells are {comparison.memberships}, and {totals}")
    return told


def _few(figures: CountFigures, minimum: int) -> str:
    told = [f"{counted(figures.small, 'cell')} of fewer than {minimum}"] if figures.small else []
    told += [f"{counted(figures.unknown, 'cell')} without a count"] if figures.unknown else []
    return f"{figures.column} has {' and '.join(told)}"


def _by_classes(facts: ResultFacts, minimum: int) -> Finding:
    quasi = facts.columns("quasi_identifier")
    if not quasi:
        reason = "each row is an enterprise, and no quasi-identifier or count is declared: nothing can be measured"
        return found(GROUP_MINIMUM, "fail", reason)
    sizes = measure_microdata(facts.table, quasi, ()).sizes
    if not sizes.rows:
        return found(GROUP_MINIMUM, "fail", "the component has no rows, so nothing can be measured")
    below = sizes.rows_in_smaller(minimum)
    reason = f"each enterprise is among {sizes.smallest} or more that are alike; {minimum} are asked for"
    if below:
        reason = f"{counted(below, 'enterprise')} are among fewer than {minimum} that are alike: leave them out"
    return judged(
        GROUP_MINIMUM,
        not below,
        reason,
        minimum=minimum,
        smallest=sizes.smallest,
        rows=sizes.rows,
        rows_below_minimum=below,
    )


def _dominance(figures: Sequence[DominanceFigures], rule: DominanceRule, minimum: int) -> Finding:
    causes = []
    for each in figures:
        told = (
            (each.uncovered, "without known contributions"),
            (each.dominated, f"of which {rule.largest} make up more than {rule.share_percent} %"),
            (each.estimable, f"where the largest can be estimated to {rule.p_percent} %"),
            (each.fewest_contributors < minimum, f"of fewer than {minimum} enterprises"),
        )
        causes += [f"{each.measure} has cells {words}" for number, words in told if number]
    reason = "no cell is mostly one or two enterprises"
    if causes:
        reason = f"{'; '.join(causes)}: leave those cells out, or make them larger"
    return judged(
        DOMINANCE,
        not causes,
        reason,
        measures={
            each.measure: {
                "cells": each.cells,
                "uncovered": each.uncovered,
                "dominated": each.dominated,
                "estimable": each.estimable,
                "fewest_contributors": each.fewest_contributors,
                "greatest_share": each.greatest_share,
            }
            for each in figures
        },
    )
