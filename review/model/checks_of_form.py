"""M1, M2, M8 and M9: what the form of the SQL alone decides. Source: models §7 (M)."""

import math
from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from review.findings import Finding
from review.model.contributions import noise_faults
from review.model.functions import kind_of
from review.model.statement import line_of, name_of
from review.model.telling import finding, not_examined
from review.model.tracing import Trace
from review.model.under_review import ModelUnderReview, NoiseClaim

MECHANISMS = frozenset({"laplace", "gaussian", "geometric", "discrete_laplace", "discrete_gaussian", "exponential"})
"""Mechanisms with a proof of differential privacy."""

DRAWING = frozenset({"random", "setseed"})
"""Functions that draw numbers."""


def checked_statement(model: ModelUnderReview, trace: Trace) -> Finding:
    """M1: one SELECT that two parsers agree on, with functions of the list only; so of every model below."""
    causes = []
    for table, statement in sorted(trace.statements.items()):
        where = "" if table == model.table else f" ({'.'.join(table)})"
        causes += [f"{fault}{where}" for fault in statement.faults]
    return finding(
        "M1_statement",
        causes,
        "The model is one SELECT with functions of the list only.",
        {"statements": len(trace.statements)},
    )


def checked_columns(model: ModelUnderReview, trace: Trace) -> Finding:
    """M2: no * into the output, every input known, and exactly the columns of the contract."""
    causes = []
    tree = _tree(model, trace)
    if tree is not None and any(_has_star(select) for select in _outermost(tree)):
        causes.append("its output takes a *, so a new column of a source would leave unseen: name each column")
    if trace.failure is not None and not causes:
        causes.append(f"it cannot be followed to the sources: {trace.failure}")
    if trace.relation is not None:
        built = set(trace.relation.columns)
        causes += [f"column {name} is not in the contract" for name in sorted(built - set(model.columns))]
        causes += [f"the contract's column {name} is not made" for name in sorted(set(model.columns) - built)]
        causes += [f"the grain's column {name} is not made" for name in model.grain if name not in built]
    columns = sorted(trace.relation.columns) if trace.relation is not None else []
    return finding(
        "M2_columns",
        causes,
        "Every column is named, is in the contract and is known to the source.",
        {"columns": columns},
    )


def _tree(model: ModelUnderReview, trace: Trace) -> exp.Query | None:
    statement = trace.statements.get(model.table)
    return statement.tree if statement is not None else None


def _outermost(tree: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs that give the output's columns."""
    if isinstance(tree, exp.SetOperation):
        yield from _outermost(tree.this)
        yield from _outermost(tree.expression)
    elif isinstance(tree, exp.Subquery):
        yield from _outermost(tree.this)
    elif isinstance(tree, exp.Select):
        yield tree


def _has_star(select: exp.Select) -> bool:
    return any(
        each.find(exp.Columns) is not None or isinstance(each, exp.Star) or isinstance(each.this, exp.Star)
        for each in select.expressions
        if not isinstance(each, exp.Count)
    )


def checked_deterministic(model: ModelUnderReview, trace: Trace) -> Finding:
    """M8: the same rows give the same result: no chance, no clock, no session, no order left open."""
    causes = []
    for table, statement in sorted(trace.statements.items()):
        where = "" if table == model.table else f" ({'.'.join(table)})"
        for node in statement.tree.find_all(exp.Func, exp.TableSample) if statement.tree is not None else ():
            cause = _chance(node)
            if cause:
                causes.append(f"{cause}{where}")
    causes += trace.notes.unordered
    if not causes and trace.failure is not None:
        return not_examined("M8_deterministic", str(trace.failure))
    return finding("M8_deterministic", causes, "The model gives the same result for the same rows.", {})


def _chance(node: exp.Expr) -> str | None:
    line = line_of(node)
    where = f" on line {line}" if line else ""
    if isinstance(node, exp.TableSample):
        return f"a sample is drawn anew at each run{where}"
    kind = kind_of(name_of(node))
    if kind == "volatile":
        return f"{name_of(node)} gives another result at each run{where}"
    return f"{name_of(node)} rests on the session{where}" if kind == "session" else None


def checked_noise(model: ModelUnderReview, trace: Trace) -> Finding:
    """M9: noise is drawn by a declared mechanism with a budget, from contributions that each are one subject's, over
    cells that rest on nobody; and never by the SQL itself."""
    causes = []
    tree = _tree(model, trace)
    if tree is None:
        return not_examined("M9_noise_mechanism", str(trace.failure))
    if {name_of(node) for node in tree.find_all(exp.Func)} & DRAWING:
        causes.append("the SQL draws random numbers itself: declare a mechanism of differential privacy instead")
    noise = model.noise
    if noise is not None:
        causes += [*_faults_of_claim(noise), *noise_faults(model, noise)]
    evidence: dict[str, Any] = {"claims_noise": noise is not None}
    passing = "No noise is claimed, and none is drawn."
    if noise is not None:
        evidence |= {"mechanism": noise.mechanism, "epsilon": noise.epsilon, "unit_of_privacy": noise.unit_of_privacy}
        evidence |= {"noisy": sorted(noise.figures)}
        passing = "The noise is drawn by a declared mechanism."
    return finding("M9_noise_mechanism", causes, passing, evidence)


def _faults_of_claim(noise: NoiseClaim) -> Iterator[str]:
    if noise.mechanism not in MECHANISMS:
        yield f"the mechanism is none of {', '.join(sorted(MECHANISMS))}"
    if not (math.isfinite(noise.epsilon) and noise.epsilon > 0):
        yield "epsilon is not a positive number"
    if not 0 <= noise.delta < 1:
        yield "delta does not lie between 0 and 1"
    if not noise.unit_of_privacy.strip():
        yield "the unit of privacy is not said"
