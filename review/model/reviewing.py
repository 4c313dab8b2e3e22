"""The model review M: a component's compiled SQL judged without running it."""

from review.findings import Finding
from review.model.under_review import ModelUnderReview

CHECKS: tuple[str, ...] = (
    "M1_statement",
    "M2_columns",
    "M3_lineage",
    "M4_reversible_functions",
    "M5_individual_values",
    "M6_group_minimum",
    "M7_choice_of_rows",
    "M8_deterministic",
    "M9_noise_mechanism",
)
"""The checks that a policy may name."""


def review_model(model: ModelUnderReview) -> tuple[Finding, ...]:
    """The findings of M1 to M9, one for each check, in this order.

    Never raises, whatever the SQL: a statement that cannot be read or followed fails, and a failure of the review
    itself is outcome `error`; both refuse.
    """
    try:
        return _reviewed(model)
    except Exception as error:  # a checker that fails must refuse, not stop the house
        cause = f"The review of the model failed itself ({type(error).__name__}), so nothing is known of it."
        return tuple(Finding(check, "model", "error", cause, {}) for check in CHECKS)


def _reviewed(model: ModelUnderReview) -> tuple[Finding, ...]:
    from review.model import checks_of_form as form  # sqlglot is loaded where a model is reviewed
    from review.model import checks_of_lineage as lineage
    from review.model import checks_of_rows as rows
    from review.model.telling import not_examined
    from review.model.tracing import traced

    trace = traced(model)
    relation = trace.relation
    if relation is None:
        followed = tuple(not_examined(check, str(trace.failure)) for check in CHECKS[2:7])
    else:
        followed = (
            lineage.checked_lineage(model, relation),
            lineage.checked_reversible(model, relation),
            lineage.checked_individual(model, trace, relation),
            rows.checked_group_minimum(model, trace, relation),
            rows.checked_choice(model, trace, relation),
        )
    return (
        form.checked_statement(model, trace),
        form.checked_columns(model, trace),
        *followed,
        form.checked_deterministic(model, trace),
        form.checked_noise(model, trace),
    )
