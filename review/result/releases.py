"""R9, R10 and R12: a component beside what was released before it, and what its noise costs. Source: models §7."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from review.findings import Finding
from review.result.facts import NOISY, ResultFacts, counted, found, judged
from review.result.groups import group_minimum
from review.result.thresholds import Thresholds
from vault.contract import DifferentialPrivacy
from vault.disclosure.draws import MECHANISM, declared_hash
from vault.disclosure.entities import NEW, Comparison
from vault.disclosure.linear_queries import TooLarge, isolates

DIFFERENCING, BUDGET, LINEAR = "R9_differencing", "R10_privacy_budget", "R12_linear_queries"
NOBODY = "it does not apply: no person or enterprise stands behind the rows"
SEVERITY = ("pass", "fail", "error")
SUBJECTS = frozenset({"person", "enterprise"})
UNKNOWN = "it is not known whose data stands behind the rows, so that no earlier release can be compared"


def differencing_minimum(facts: ResultFacts, thresholds: Thresholds, kind: str | None = None) -> int:
    """The fewest entities by which two releases may differ: those of a group, and k where rows are persons.

    kind: the subjects as which entities of another kind are told; their minimum is that of the policy for them.
    """
    minimum = group_minimum(facts, thresholds)
    if kind is not None:
        of_kind = thresholds.persons if kind == "person" else thresholds.organisations
        minimum = max(of_kind, facts.contract.minimum_group)
    return max(minimum, thresholds.k) if facts.rows == "persons" else minimum


def review_differencing(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R9: against every earlier release nobody or the minimum is new, and is gone, as a whole and in each cell.

    Releases whose entities are of different kinds are compared by the subjects that lineage shows behind both. Where it
    shows none, persons and enterprises are told apart in the evidence; a component's own pseudonyms may be anybody's,
    so they refuse.
    """
    if facts.is_noisy:
        return found(DIFFERENCING, "pass", NOISY)
    if not _tells_of_somebody(facts):
        return found(DIFFERENCING, "pass", NOBODY)
    if facts.comparison is None:
        return found(DIFFERENCING, "fail", UNKNOWN)
    if facts.rows == "cells" and facts.comparison.entities and not facts.comparison.cells:
        return found(DIFFERENCING, "fail", "it is not known in which cell each of the entities is counted")
    of_kinds = {facts.entity_kind: differencing(facts.comparison, differencing_minimum(facts, thresholds))}
    for kind, comparison in facts.common.items():
        if comparison.entities:  # nobody of a kind may stand behind them, which is nothing to compare
            of_kinds[kind] = differencing(comparison, differencing_minimum(facts, thresholds, kind))
    return _of_all_kinds(facts, of_kinds)


def _of_all_kinds(facts: ResultFacts, of_kinds: Mapping[str, Finding]) -> Finding:
    """One finding of those by kind: the worst outcome, with its cause; and what could not be compared."""
    worst = max(of_kinds, key=lambda kind: SEVERITY.index(of_kinds[kind].outcome))
    finding, others = of_kinds[worst], [kind for kind in of_kinds if kind != worst]
    evidence = {
        **finding.evidence,
        "kind": worst,
        "other_kinds": {kind: of_kinds[kind].evidence for kind in others},
        "uncompared": dict(facts.uncompared),
    }
    outcome, reason = finding.outcome, finding.reason
    if worst != facts.entity_kind:
        reason = f"told as {worst}s, {reason}"
    if facts.uncompared:
        told = ", ".join(f"{release} ({kind})" for release, kind in facts.uncompared.items())
        reason = f"{reason}; no table says how its {facts.entity_kind}s are those of {told}, so they are not compared"
        if _may_be_anybody(facts) and outcome == "pass":
            outcome = "fail"
            reason += ": name entities by the pseudonym of a person or an enterprise, or by one that is made from it"
    return found(DIFFERENCING, outcome, reason, **evidence)


def _may_be_anybody(facts: ResultFacts) -> bool:
    """Whether a component's own pseudonyms stand on either side of what could not be compared."""
    is_own = facts.entity_kind not in SUBJECTS and not facts.common
    return is_own or any(kind not in SUBJECTS for kind in facts.uncompared.values())


def differencing(comparison: Comparison, minimum: int) -> Finding:
    """|A\\B| and |B\\A| are 0 or at least the minimum for every earlier release B of the same sources, scope and kind;
    and no cell tells of fewer beside the cells of any release of the same sources and kind, whatever they are called.

    A release that shows nobody has nothing to compare and fails. Source: models §7.
    """
    if not comparison.entities:
        return found(DIFFERENCING, "fail", "nobody stands behind the rows, though persons or enterprises should")
    close = [
        each
        for each in comparison.differences
        if any(0 < size < minimum for size in (each.only_new, each.only_earlier, each.smallest_in_cell))
    ]
    if minimum > comparison.below and comparison.differences + comparison.close:
        reason = f"cells were compared below {comparison.below}, and {minimum} are asked for: compare again"
        return found(DIFFERENCING, "error", reason)
    reason = "there is no earlier release of the same sources and kind to be compared with"
    if comparison.differences:
        releases = counted(len(comparison.differences), "earlier release")
        reason = f"it differs from {releases} by nobody, or by {minimum} and more"
    if close:
        reason = (
            f"subtracted from {', '.join(each.release_id for each in close)} it tells of fewer than {minimum}: "
            "wait for more changes, or release the same rows"
        )
    elif comparison.close:
        releases = ", ".join(each.release_id for each in comparison.close)
        reason = (
            f"cells subtracted from those of {releases}, whatever they are called, tell of fewer than {minimum}: "
            "make the cells as there, or wait for more changes"
        )
    return judged(
        DIFFERENCING,
        not (close or comparison.close),
        reason,
        minimum=minimum,
        entities=comparison.entities,
        compared={
            each.release_id: {
                "new": each.only_new,
                "gone": each.only_earlier,
                "smallest_in_cell": each.smallest_in_cell,
            }
            for each in comparison.differences
        },
        close_cells={each.release_id: {"cells": each.cells, "fewest": each.fewest} for each in comparison.close},
    )


def review_linear(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R12: no adding and subtracting of all releases tells of fewer than the minimum."""
    if facts.is_noisy:
        return found(LINEAR, "pass", NOISY)
    if not _tells_of_somebody(facts):
        return found(LINEAR, "pass", NOBODY)
    if facts.comparison is None:
        return found(LINEAR, "fail", UNKNOWN)
    minimum, looked_at, few = differencing_minimum(facts, thresholds), 0, False
    for kind, comparison in [(None, facts.comparison), *facts.common.items()]:
        of_kind = differencing_minimum(facts, thresholds, kind)
        if of_kind > comparison.below:
            reason = f"groups were told apart below {comparison.below}, and {of_kind} are asked for: compare again"
            return found(LINEAR, "error", reason)
        try:
            few = few or any(isolates(atoms, of_kind, NEW) for atoms in comparison.atoms)
        except TooLarge as error:
            return found(LINEAR, "error", f"it is too large to be checked: {error}")
        looked_at += len(comparison.atoms)
    reason = f"no combination of all releases tells of fewer than {minimum}"
    if few:
        reason = (
            f"adding and subtracting earlier releases and this one tells of fewer than {minimum}: wait for more changes"
        )
    return judged(LINEAR, not few, reason, minimum=minimum, cells_looked_at=looked_at)


def review_budget(facts: ResultFacts, thresholds: Thresholds) -> Finding:
    """R10: the noise is declared, enough, and was drawn for exactly these rows; what it loses is on record for every
    source that speaks of the unit, within that of a component and that of a source and year."""
    declared = facts.contract.differential_privacy
    if declared is None:
        if facts.spends or facts.draw is not None:
            return found(
                BUDGET, "fail", "a privacy budget was spent, and the contract declares no differential privacy"
            )
        return found(BUDGET, "pass", "it does not apply: the contract declares no differential privacy")
    causes = [*_faults_of_claim(facts, declared, thresholds), *_faults_of_draw(facts, declared)]
    of_source = _losses(facts, declared)
    causes += [f"no committed spending of the budget of {each} is on record" for each in _unpaid(facts, of_source)]
    causes += [
        f"source {source} lost epsilon {epsilon} and delta {delta}, more than declared"
        for source, (epsilon, delta) in of_source.items()
        if epsilon > declared.epsilon or delta > declared.delta
    ]
    for key in sorted({(each.source, each.unit, each.year) for each in facts.spends}):
        epsilon, delta = facts.spent_in_year.get(key, (Decimal("Infinity"), Decimal("Infinity")))
        if epsilon > thresholds.epsilon_per_source_year or delta > thresholds.delta_max:
            causes.append(f"the budget of source {key[0]} for {key[2]} is unknown or exceeded")
    return judged(
        BUDGET,
        not causes,
        "; ".join(causes) or "the noise was drawn for these rows, and every source's loss is within its budget",
        unit=declared.unit,
        epsilon={source: str(epsilon) for source, (epsilon, _) in of_source.items()},
        delta={source: str(delta) for source, (_, delta) in of_source.items()},
        epsilon_asked=str(declared.epsilon),
        mechanism=None if facts.draw is None else facts.draw.mechanism,
        draw=None if facts.draw is None else facts.draw.draw_id,
    )


def _faults_of_claim(facts: ResultFacts, declared: DifferentialPrivacy, thresholds: Thresholds) -> Iterator[str]:
    """The claim loses no more than a component may, and hides whoever stands behind the rows."""
    if declared.epsilon > thresholds.epsilon_per_component or declared.delta > thresholds.delta_max:
        yield (
            f"the contract declares epsilon {declared.epsilon} and delta {declared.delta}; a component may have "
            f"{thresholds.epsilon_per_component} and {thresholds.delta_max}"
        )
    if facts.of_persons and declared.unit != "person":
        yield f"persons stand behind the rows, and the noise hides each {declared.unit}"
    if facts.of_organisations and declared.unit != "enterprise":
        yield f"enterprises stand behind the rows, and the noise hides each {declared.unit}"


def _faults_of_draw(facts: ResultFacts, declared: DifferentialPrivacy) -> Iterator[str]:
    """A claim is not enough: these rows are those that noise was drawn for, as the contract declares it now."""
    draw = facts.draw
    if draw is None:
        yield "no noise is on record that gave these rows"
    elif draw.declared_hash != declared_hash(facts.contract):
        yield "the noise was drawn as an earlier contract declared it: build the component again"
    elif draw.unit != declared.unit or draw.mechanism != MECHANISM:
        yield f"the noise was drawn by {draw.mechanism} to hide each {draw.unit}"


def _losses(facts: ResultFacts, declared: DifferentialPrivacy) -> dict[str, tuple[Decimal, Decimal]]:
    """Epsilon and delta by source, of what is committed for the unit."""
    of_source: dict[str, tuple[Decimal, Decimal]] = {}
    for each in facts.spends:
        if each.state == "committed" and each.unit == declared.unit:
            epsilon, delta = of_source.get(each.source, (Decimal(0), Decimal(0)))
            of_source[each.source] = epsilon + each.loss.epsilon, delta + each.loss.delta
    return of_source


def _unpaid(facts: ResultFacts, of_source: Mapping[str, object]) -> list[str]:
    """The sources that speak of the unit and whose budget nothing was taken from; there must be one at least."""
    return sorted(set(facts.noise_sources) - set(of_source)) or ([] if of_source else ["any source"])


def _tells_of_somebody(facts: ResultFacts) -> bool:
    return facts.rows in ("persons", "organisations") or facts.of_persons or facts.of_organisations
