"""Q(Z) = (Zᵀβ)²: the axioms of models §1, in vector and in matrix mode."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.params import EXPERT_BETA
from pricing.quality import (
    DIMENSIONS,
    SEVERITY_WEIGHTS,
    Evidence,
    combined_beta,
    entropy_shares,
    matrix_scores,
    quality_coefficient,
    quality_matrix,
    quality_score,
    quality_vector,
)
from tests.pricing.markets import unhurried

FIELDS = ("rich", "poor", "flat")
SHARES = {"rich": 0.75, "poor": 0.25, "flat": 0.0}

units = st.floats(0, 1)
z_vectors = st.fixed_dictionaries(dict.fromkeys(DIMENSIONS, units))
raw_weights = st.lists(st.floats(0.001, 10), min_size=6, max_size=6)
some_evidence = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(DIMENSIONS),
        st.sampled_from(tuple(SEVERITY_WEIGHTS)),
        st.none() | units,
        st.floats(0.1, 5),
        st.none() | st.sampled_from(FIELDS) | st.just(("rich", "poor")),
    ),
    max_size=12,
)
entropies = st.fixed_dictionaries({field: st.floats(0.01, 20) for field in FIELDS})


def beta_of(raw: list[float]) -> dict[str, float]:
    shares = [each / sum(raw) for each in raw]
    return dict(zip(DIMENSIONS, combined_beta(shares, shares, 1.0), strict=True))


betas = raw_weights.map(beta_of)


def evidence(rate: float | None, dimension: str = "accuracy", **changes: object) -> Evidence:
    return replace(Evidence(dimension, "critical", rate), **changes)


@unhurried
@given(z_vectors, betas)
def test_q_lies_between_0_and_1(z: dict[str, float], beta: dict[str, float]) -> None:
    assert 0 <= quality_coefficient(z, beta) <= 1
    assert quality_coefficient(z, beta) == quality_score(z, beta) ** 2


@unhurried
@given(betas)
def test_q_of_all_is_1_and_of_nothing_0(beta: dict[str, float]) -> None:
    assert quality_coefficient(dict.fromkeys(DIMENSIONS, 1.0), beta) == pytest.approx(1, abs=1e-12)
    assert quality_coefficient(dict.fromkeys(DIMENSIONS, 0.0), beta) == 0
    assert quality_coefficient({}, beta) == 0


@unhurried
@given(z_vectors, betas, st.sampled_from(DIMENSIONS), units)
def test_q_is_monotone_in_every_dimension(
    z: dict[str, float], beta: dict[str, float], dimension: str, more: float
) -> None:
    better = {**z, dimension: max(z[dimension], more)}
    assert quality_coefficient(better, beta) >= quality_coefficient(z, beta)


@unhurried
@given(z_vectors, z_vectors, betas, units)
def test_q_is_convex_in_the_score(
    one: dict[str, float], other: dict[str, float], beta: dict[str, float], share: float
) -> None:
    between = {name: min(1.0, share * one[name] + (1 - share) * other[name]) for name in DIMENSIONS}
    mixed = share * quality_coefficient(one, beta) + (1 - share) * quality_coefficient(other, beta)
    assert quality_coefficient(between, beta) <= mixed + 1e-12


@unhurried
@given(z_vectors, betas, st.permutations(DIMENSIONS))
def test_q_does_not_depend_on_which_dimension_is_which(
    z: dict[str, float], beta: dict[str, float], names: list[str]
) -> None:
    renamed = dict(zip(DIMENSIONS, names, strict=True))
    z_renamed = {renamed[name]: value for name, value in z.items()}
    beta_renamed = {renamed[name]: value for name, value in beta.items()}
    assert quality_coefficient(z_renamed, beta_renamed) == pytest.approx(quality_coefficient(z, beta), abs=1e-12)


@unhurried
@given(some_evidence)
def test_every_z_lies_between_0_and_1_in_both_modes(given_evidence: list[Evidence]) -> None:
    for z in (quality_vector(given_evidence), quality_matrix(given_evidence, SHARES)):
        assert tuple(z) == DIMENSIONS
        assert all(0 <= value <= 1 for value in z.values())


@unhurried
@given(some_evidence, betas, st.sampled_from(DIMENSIONS), units, st.sampled_from(tuple(SEVERITY_WEIGHTS)))
def test_evidence_for_what_was_unmeasured_never_lowers_q(
    before: list[Evidence], beta: dict[str, float], dimension: str, rate: float, severity: str
) -> None:
    unmeasured = [item for item in before if item.dimension != dimension]
    more = [*unmeasured, Evidence(dimension, severity, rate)]
    for z in (quality_vector, lambda items: quality_matrix(items, SHARES)):
        assert quality_coefficient(z(more), beta) >= quality_coefficient(z(unmeasured), beta)


@unhurried
@given(some_evidence, betas, st.integers(0, 11), units)
def test_a_better_rate_never_lowers_q(
    given_evidence: list[Evidence], beta: dict[str, float], place: int, rate: float
) -> None:
    better = [
        replace(item, rate=max(item.rate, rate)) if at == place and item.rate is not None else item
        for at, item in enumerate(given_evidence)
    ]
    for z in (quality_vector, lambda items: quality_matrix(items, SHARES)):
        assert quality_coefficient(z(better), beta) >= quality_coefficient(z(given_evidence), beta) - 1e-12


@unhurried
@given(some_evidence, st.randoms())
def test_the_order_of_evidence_does_not_matter(given_evidence: list[Evidence], order: object) -> None:
    shuffled = list(given_evidence)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert quality_vector(shuffled) == quality_vector(given_evidence)
    assert quality_matrix(shuffled, SHARES) == quality_matrix(given_evidence, SHARES)


@unhurried
@given(some_evidence)
def test_with_one_field_the_matrix_is_the_vector(given_evidence: list[Evidence]) -> None:
    about_it = [replace(item, field="only") for item in given_evidence]
    assert quality_matrix(about_it, {"only": 1.0}) == quality_vector(about_it)


@unhurried
@given(some_evidence)
def test_what_had_nothing_to_evaluate_is_no_evidence(given_evidence: list[Evidence]) -> None:
    rated = [item for item in given_evidence if item.rate is not None]
    assert quality_vector(given_evidence) == quality_vector(rated)
    assert quality_matrix(given_evidence, SHARES) == quality_matrix(rated, SHARES)


def test_grave_rules_weigh_five_to_three_to_one() -> None:
    rated = [
        Evidence("accuracy", "critical", 1.0),
        Evidence("accuracy", "warning", 0.0),
        Evidence("accuracy", "info", 0.0),
    ]
    assert quality_vector(rated)["accuracy"] == pytest.approx(5 / 9)
    assert quality_vector([rated[0], replace(rated[1], weight=5)])["accuracy"] == pytest.approx(1 / 4)
    assert quality_vector(rated, {"critical": 1, "warning": 1, "info": 2})["accuracy"] == pytest.approx(1 / 4)


def test_an_unmeasured_dimension_scores_nothing_unless_it_is_waived() -> None:
    rated = [Evidence(name, "critical", 1.0) for name in DIMENSIONS if name != "timeliness"]
    z = quality_vector(rated)
    assert z["timeliness"] == 0
    assert quality_coefficient(z, EXPERT_BETA) == pytest.approx(0.81)
    assert quality_coefficient(z, EXPERT_BETA, ["timeliness"]) == pytest.approx(1)
    assert quality_vector([]) == dict.fromkeys(DIMENSIONS, 0.0)


def test_fields_weigh_by_their_share_of_entropy() -> None:
    rated = [
        evidence(0.8, field="rich"),
        evidence(0.4, field="poor"),
        evidence(0.1, field="flat"),
        evidence(1.0, "completeness", field="rich"),
        evidence(0.9, "consistency"),
        evidence(0.6, "normativity", field=("rich", "poor")),
        evidence(0.5, "timeliness", field="an identifier"),
    ]
    z = matrix_scores(rated, {"rich": 3.0, "poor": 1.0, "flat": 0.0})
    assert z["accuracy"] == pytest.approx(0.75 * 0.8 + 0.25 * 0.4)
    assert z["completeness"] == pytest.approx(0.75), "nothing is known of the other field"
    assert z["consistency"] == pytest.approx(0.9), "what is about the table is about every field"
    assert z["normativity"] == pytest.approx(0.6), "what is about two columns is about each"
    assert z["timeliness"] == 0, "a column without weight adds nothing"


def test_evidence_about_two_columns_counts_once_in_the_vector() -> None:
    rated = [evidence(0.0, field=("rich", "poor")), evidence(1.0, field="rich")]
    assert quality_vector(rated)["accuracy"] == 0.5


def test_a_waived_field_and_dimension_is_left_out_of_that_dimension() -> None:
    rated = [evidence(0.8, field="rich"), evidence(1.0, "completeness", field="rich")]
    z = quality_matrix(rated, SHARES, frozenset({("poor", "accuracy"), ("flat", "accuracy")}))
    assert z["accuracy"] == pytest.approx(0.8)
    assert z["completeness"] == pytest.approx(0.75), "another dimension of the field still counts"
    nobody = quality_matrix(rated, SHARES, frozenset((field, "accuracy") for field in FIELDS))
    assert nobody["accuracy"] == 0, "with all fields waived there is no evidence, so no credit"


@unhurried
@given(entropies)
def test_shares_of_entropy_are_a_weighting(bits: dict[str, float]) -> None:
    shares = entropy_shares(bits)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares["rich"] * bits["poor"] == pytest.approx(shares["poor"] * bits["rich"])
