"""R1 to R6: rows that are persons, judged by how alike they are and by what their classes tell. Source: models §7."""

from collections.abc import Sequence
from fractions import Fraction

from review.findings import Finding
from review.result.classes import ClassSizes, risks
from review.result.facts import ResultFacts, counted, found, judged
from review.result.inference import INFERENCE, review_inference
from review.result.microdata import Microdata, SensitiveColumn, SensitiveFigures, measure_microdata
from review.result.thresholds import Thresholds
from vault.measured_columns import form_of

K_ANONYMITY, L_DIVERSITY, T_CLOSENESS = "R1_k_anonymity", "R2_l_diversity", "R3_t_closeness"
RISK, PRESENCE = "R4_risk", "R5_presence"
CHECKS = (K_ANONYMITY, L_DIVERSITY, T_CLOSENESS, RISK, PRESENCE, INFERENCE)

ENTROPY_TOLERANCE = 1e-9
"""An entropy is a sum of logarithms: two equally frequent values have 2^H = 2 but for the last digits."""


def review_persons(facts: ResultFacts, thresholds: Thresholds) -> tuple[Finding, ...]:
    """R1 to R6. They do not apply where no row is a person; rows of persons without a quasi-identifier, and a component
    without rows, leave nothing to measure and fail."""
    if facts.rows != "persons":
        reason = f"it does not apply: a row stands for {_in_words(facts)}, and the checks of groups judge those"
        return tuple(found(check, "pass", reason) for check in CHECKS)
    quasi = facts.columns("quasi_identifier")
    if not quasi:
        reason = (
            "no quasi-identifier is declared, so nothing can be measured: declare by what a person can be recognised"
        )
        return tuple(found(check, "fail", reason) for check in CHECKS)
    figures = measure_microdata(
        facts.table,
        quasi,
        sensitive_columns(facts),
        recursive_l=thresholds.l_distinct,
        population=facts.population,
    )
    if not figures.sizes.rows:
        return tuple(found(check, "fail", "the component has no rows, so nothing can be measured") for check in CHECKS)
    return (
        _k_anonymity(facts, figures, thresholds),
        _l_diversity(figures, thresholds),
        _t_closeness(figures, thresholds),
        _risk(facts, figures, thresholds),
        _presence(facts, figures, thresholds),
        review_inference(facts, figures.sensitive, thresholds),
    )


def sensitive_columns(facts: ResultFacts) -> tuple[SensitiveColumn, ...]:
    """The columns that are sensitive or a target. Quantities, days and moments have an order, words and codes none."""
    return tuple(
        SensitiveColumn(
            column.name, form_of(column) == "quantity" or column.logical_type in ("date", "timestamp", "number")
        )
        for column in facts.contract.columns
        if column.role in ("sensitive", "target")
    )


def identifying_power(alone: Sequence[tuple[str, ClassSizes]]) -> dict[str, dict[str, float]]:
    """How far each quasi-identifier alone tells rows apart: its distinct values by the rows, and the share of pairs."""
    return {
        name: {"distinction": float(sizes.average_risk), "separation": float(sizes.separation)} for name, sizes in alone
    }


def _k_anonymity(facts: ResultFacts, figures: Microdata, thresholds: Thresholds) -> Finding:
    """R1: the smallest class has k rows or more, of the tier or of the contract, whichever is more."""
    sizes, k = figures.sizes, max(thresholds.k, facts.contract.minimum_group)
    below = sizes.rows_in_smaller(k)
    reason = f"each row is like {sizes.smallest - 1} others or more; {k - 1} are asked for"
    if below:
        reason = (
            f"{counted(below, 'row')} of {sizes.rows} are like fewer than {k - 1} others: "
            "generalise the quasi-identifiers, or leave the rows out"
        )
    return judged(
        K_ANONYMITY,
        sizes.smallest >= k,
        reason,
        k=sizes.smallest,
        k_asked=k,
        rows=sizes.rows,
        classes=sizes.classes,
        unique_rows=sizes.unique_rows,
        rows_below_k=below,
        share_below_k=below / sizes.rows,
        separation=float(sizes.separation),
        quasi_identifiers=identifying_power(figures.sizes_alone),
    )


def _l_diversity(figures: Microdata, thresholds: Thresholds) -> Finding:
    """R2: each class has l different sensitive values, and their entropy."""
    if not figures.sensitive:
        return found(L_DIVERSITY, "pass", "it does not apply: no column is declared sensitive or a target")
    few = [each.name for each in figures.sensitive if not _is_diverse(each, thresholds)]
    asked = f"{thresholds.l_distinct} values and the entropy of {thresholds.l_entropy}"
    never = [each.name for each in figures.sensitive if each.values < thresholds.l_distinct]
    reason = f"every class has at least {asked} of each sensitive column"
    if few:
        reason = (
            f"some class has fewer than {asked} of {', '.join(few)}: make the classes larger, or leave the column out"
        )
    if never:
        reason += f" ({', '.join(never)} has fewer values than that in the whole table)"
    return judged(
        L_DIVERSITY,
        not few,
        reason,
        columns={
            each.name: {
                "distinct_l": each.distinct_l,
                "entropy_l": each.entropy_l,
                "recursive_c": each.recursive_c if each.distinct_l >= thresholds.l_distinct else None,
                "values": each.values,
            }
            for each in figures.sensitive
        },
        l_asked=thresholds.l_distinct,
        entropy_l_asked=float(thresholds.l_entropy),
    )


def _is_diverse(figures: SensitiveFigures, thresholds: Thresholds) -> bool:
    entropy = figures.entropy_l + ENTROPY_TOLERANCE >= float(thresholds.l_entropy)
    return figures.distinct_l >= thresholds.l_distinct and entropy


def _t_closeness(figures: Microdata, thresholds: Thresholds) -> Finding:
    """R3: the sensitive values of each class lie no farther than t from those of all rows."""
    if not figures.sensitive:
        return found(T_CLOSENESS, "pass", "it does not apply: no column is declared sensitive or a target")
    far = [each.name for each in figures.sensitive if each.t > float(thresholds.t)]
    reason = f"the values of every class lie within {thresholds.t} of those of all rows"
    if far:
        reason = (
            f"in some class {', '.join(far)} is spread otherwise than in all rows, by more than {thresholds.t}: "
            "make the classes larger, or the values coarser"
        )
    return judged(
        T_CLOSENESS,
        not far,
        reason,
        columns={
            each.name: {
                "t": each.t,
                "distance": "equal" if each.t_ordered is None else "ordered",
                "delta_disclosure": each.delta,
                "enhanced_beta": each.enhanced_beta,
            }
            for each in figures.sensitive
        },
        t_asked=float(thresholds.t),
    )


def _risk(facts: ResultFacts, figures: Microdata, thresholds: Thresholds) -> Finding:
    """R4: none of the three risks exceeds 1 in so many."""
    if facts.contract.population is not None and facts.population is None:
        return found(RISK, "fail", f"the population {facts.contract.population} of the contract was not looked at")
    if figures.population is not None and figures.population.astray:
        astray = counted(figures.population.astray, "class", "classes")
        return found(RISK, "fail", f"the population has fewer rows than the component in {astray}, so it is none")
    three, most = risks(figures.sizes, figures.population), Fraction(1, thresholds.risk_one_in)
    high = [name for name in ("prosecutor", "journalist", "marketer") if getattr(three, name) > most]
    reason = f"no risk of re-identification is above 1 in {thresholds.risk_one_in}"
    if high:
        reason = f"the risk of re-identification by {', '.join(high)} is above 1 in {thresholds.risk_one_in}"
    return judged(
        RISK,
        not high,
        reason,
        prosecutor=float(three.prosecutor),
        journalist=float(three.journalist),
        marketer=float(three.marketer),
        unique_share=figures.sizes.unique_rows / figures.sizes.rows,
        risk_asked=float(most),
        population="the table itself" if figures.population is None else facts.contract.population or "given",
    )


def _presence(facts: ResultFacts, figures: Microdata, thresholds: Thresholds) -> Finding:
    """R5: nobody can be told to be in the table who is like someone in it."""
    if not facts.contract.membership_is_sensitive:
        return found(PRESENCE, "pass", "it does not apply: the contract does not declare membership sensitive")
    if figures.population is None or figures.population.astray:
        return found(PRESENCE, "fail", "membership is sensitive, and no population is known that the rows are part of")
    presence = figures.population.presence
    return judged(
        PRESENCE,
        presence <= float(thresholds.presence_max),
        f"of people who are alike at most {presence:.0%} are in the table; {thresholds.presence_max:.0%} may be",
        presence=presence,
        presence_asked=float(thresholds.presence_max),
    )


def _in_words(facts: ResultFacts) -> str:
    return {"organisations": "an enterprise", "cells": "a group", "things": "no person"}[facts.rows]
