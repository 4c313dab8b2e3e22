"""The component's model as dbt SQL: generalised values, the groups that stay, and the rows that stand in them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import indent

from review.anonymisation.plan import TREATED_ROLES, Plan
from review.anonymisation.search import Solution
from review.anonymisation.target import TOLERANCE, Target

TEXT_TYPE = "{{ dbt.type_string() }}"
MARK = "written by `jinku anonymise"
"""Stands in the first lines of every model that was written here; only such a one is written over."""

NOTES: Mapping[str, str] = {
    "identifier": "{# a pseudonym of this component alone: two components cannot be joined on it #}\n",
    "quasi_identifier": "-- who, in groups\n",
    "sensitive": "-- sensitive\n",
    "target": "-- target\n",
    "other": "-- as they are\n",
}


def model_sql(plan: Plan, solution: Solution, target: Target, loss_words: str) -> str:
    """The text of the model. No value of the data stands in it: bands, widths and labels come from the contract."""
    parts = [
        f"{plan.table} as (select * from {{{{ ref('{plan.table}') }}}})",
        _note("exact values become coarser before anything else is done with them") + _generalised(plan, solution),
        *([_counted(plan)] if _source(plan, target) == "counted" else []),
        _groups(plan, target),
    ]
    head = _head(plan, summary(plan, solution, target, loss_words))
    return "\n".join([head, "with\n", ",\n\n".join(parts) + "\n", _rows(plan, _source(plan, target))])


def summary(plan: Plan, solution: Solution, target: Target, loss_words: str) -> tuple[str, ...]:
    """What was found, line by line: counts and names only."""
    chosen = [
        f"{each.name}: {each.levels[level].words}" + (f" (level {level} of {len(each.levels) - 1})" if level else "")
        for each, level in zip(plan.quasi_identifiers, solution.levels, strict=True)
    ]
    share = solution.rows_suppressed / solution.rows
    lost = solution.loss / solution.loss_max if solution.loss_max else 0.0
    return (
        *chosen,
        f"{solution.rows_suppressed} of {solution.rows} rows are left out "
        f"({share:.2%}, at most {target.suppression_limit:.2%})",
        f"{solution.groups} groups, the smallest of {solution.smallest_group} rows",
        f"{lost:.2%} of the {loss_words} that the coarsest form loses is lost, the least of "
        f"{solution.transformations} ways to generalise",
    )


def _head(plan: Plan, found: Sequence[str]) -> str:
    lines = [f"{MARK} {plan.component}`; run it again when the data have changed", *found]
    return "{#\n" + "".join(f"    {line}\n" for line in lines) + "#}"


def _generalised(plan: Plan, solution: Solution) -> str:
    shown = [
        *(
            (each.origin, each.name, each.levels[level])
            for each, level in zip(plan.quasi_identifiers, solution.levels, strict=True)
        ),
        *((each.origin, each.name, each.level) for each in plan.sensitive),
    ]
    columns = [_as(level.sql(origin, TEXT_TYPE), name) for origin, name, level in shown]
    return _block("generalised", ["select", _listed([plan.subject, *columns, *plan.others]), f"from {plan.table}"])


def _source(plan: Plan, target: Target) -> str:
    """What groups and rows are taken from: with shares where they are asked for."""
    return "counted" if plan.sensitive and target.has_entropy_or_t else "generalised"


def _counted(plan: Plan) -> str:
    """Beside each row the share of its sensitive value in its group and among all."""
    own = ", ".join(_names(plan))
    shares = [
        share
        for name in (each.name for each in plan.sensitive)
        for share in (
            f"cast(count(*) over (partition by {own}, {name}) as double)\n"
            f"    / count(*) over (partition by {own}) as {name}_share",
            f"cast(count(*) over (partition by {name}) as double) / count(*) over () as {name}_share_of_all",
        )
    ]
    return _block("counted", ["select", _listed(["*", *shares]), "from generalised"])


def _groups(plan: Plan, target: Target) -> str:
    """The groups that stay.

    The mean of -ln(share) over the rows of a group is its entropy, and the mean of what of each share lies above the
    value's share of all is half the sum of the differences of the two distributions.
    """
    names = _names(plan)
    conditions = [f"count(distinct {plan.subject}) >= {target.k}"]
    for name in (each.name for each in plan.sensitive):
        share, of_all = f"{name}_share", f"{name}_share_of_all"
        if target.distinct_l > 1:
            conditions.append(f"count(distinct {name}) >= {target.distinct_l}")
        if target.entropy_l > 1:
            conditions.append(f"avg(-ln({share})) >= ln({target.entropy_l:g}) - {TOLERANCE:g}")
        if target.t < 1:
            above = f"case when {share} > {of_all} then 1 - {of_all} / {share} else 0 end"
            conditions.append(f"avg(\n        {above}\n    ) <= {target.t:g} + {TOLERANCE:g}")
    return _block(
        "groups",
        [
            "select",
            _listed(names),
            f"from {_source(plan, target)}",
            f"group by {', '.join(names)}",
            "having " + "\n    and ".join(conditions),
        ],
    )


def _rows(plan: Plan, source: str) -> str:
    names = _names(plan)
    kinds = []
    for role, columns in groupby(plan.columns, lambda column: column[1] if column[1] in TREATED_ROLES else "other"):
        shown = [_shown(plan, source, name, role) for name, _ in columns]
        kinds.append(indent(NOTES[role], "    ") + _listed(shown))
    join = "inner join groups\n    on " + "\n    and ".join(_same(names, source, "groups"))
    return "\n".join(["select", ",\n\n".join(kinds), f"from {source}", join]) + "\n"


def _shown(plan: Plan, source: str, name: str, role: str) -> str:
    if role == "identifier":
        return f"{{{{ pseudonym('{plan.component}', '{source}.{plan.subject}') }}}} as {name}"
    return f"{source}.{name}"


def _names(plan: Plan) -> list[str]:
    return [each.name for each in plan.quasi_identifiers]


def _same(names: Iterable[str], left: str, right: str) -> list[str]:
    """Equal, or both without a value."""
    return [f"{left}.{name} is not distinct from {right}.{name}" for name in names]


def _as(expression: str, name: str) -> str:
    return expression if expression == name else f"{expression} as {name}"


def _listed(items: Sequence[str]) -> str:
    return indent(",\n".join(items), "    ")


def _note(words: str) -> str:
    return f"{{# {words} #}}\n"


def _block(name: str, lines: Sequence[str]) -> str:
    return f"{name} as (\n\n" + indent("\n".join(lines), "    ") + "\n\n)"
