"""β: always on the simplex, from experts, from judgements that agree, from a catalogue."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pricing.dimensions import DIMENSIONS
from pricing.params import EXPERT_BETA
from pricing.weights import (
    BETA_FLOOR,
    BetaSet,
    ahp_beta,
    ahp_weights,
    catalogue_beta,
    check_beta,
    check_weights,
    combined_beta,
    dimension_entropies,
    entropy_weights,
    expert_beta,
    without_waived,
)
from tests.pricing.markets import NOT_FINITE, unhurried

SPREAD = [[0.9, 0.5, 0.7], [0.9, 0.8, 0.1], [0.91, 0.6, 0.9]]
CIRCLE = [[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]
"""The first above the second, the second above the third, the third above the first."""

importances = st.lists(st.floats(0.2, 5), min_size=2, max_size=6)
masses = st.lists(st.floats(0.001, 10), min_size=6, max_size=6)
score_tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(st.floats(0.05, 1), min_size=width, max_size=width), min_size=2, max_size=12)
)


def simplex(raw: list[float]) -> list[float]:
    return [each / sum(raw) for each in raw]


def consistent(importance: list[float]) -> list[list[float]]:
    return [[one / other for other in importance] for one in importance]


def beta_of(raw: list[float]) -> dict[str, float]:
    return dict(zip(DIMENSIONS, combined_beta(simplex(raw), simplex(raw), 1.0), strict=True))


@unhurried
@given(importances)
def test_judgements_that_agree_give_back_the_importance_they_came_from(importance: list[float]) -> None:
    found = ahp_weights(consistent(importance))
    assert found.weights == pytest.approx(simplex(importance), rel=1e-9)
    assert found.lambda_max == pytest.approx(len(importance))
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)
    assert found.accepted


@unhurried
@given(importances, st.randoms())
def test_judgements_in_another_order_give_the_weights_in_that_order(importance: list[float], order: object) -> None:
    places = list(range(len(importance)))
    order.shuffle(places)  # type: ignore[attr-defined]
    found = ahp_weights(consistent([importance[place] for place in places])).weights
    weights = ahp_weights(consistent(importance)).weights
    assert found == pytest.approx([weights[place] for place in places], rel=1e-9)


def test_judgements_that_contradict_each_other_are_refused() -> None:
    assert not ahp_weights(CIRCLE).accepted
    with pytest.raises(ValueError, match=r"contradict each other: consistency ratio .* is 0\.10 or more"):
        ahp_beta(CIRCLE, ("accuracy", "completeness", "timeliness"))


def test_the_limit_of_a_tenth_is_itself_refused() -> None:
    near = [[1, 2, 5], [1 / 2, 1, 9], [1 / 5, 1 / 9, 1]]
    found = ahp_weights(near)
    assert found.consistency_ratio > 0.10
    exactly = found.consistency_index / 0.10
    assert ahp_weights(near, exactly).consistency_ratio == pytest.approx(0.10, rel=1e-12)
    with pytest.raises(ValueError, match="contradict each other"):
        ahp_beta(near, ("a", "b", "c"), random_index=exactly * (1 - 1e-12))
    assert ahp_beta(near, ("a", "b", "c"), random_index=exactly * 1.001).consistency_ratio < 0.10


@unhurried
@given(masses)
def test_a_beta_of_judgements_lies_on_the_simplex_above_its_floor(importance: list[float]) -> None:
    found = ahp_beta(consistent(importance))
    assert sum(found.weights.values()) == pytest.approx(1, abs=1e-12)
    assert min(found.weights.values()) >= BETA_FLOOR - 1e-12
    assert (tuple(found.weights), found.method) == (DIMENSIONS, "ahp")


@unhurried
@given(masses, masses, st.floats(0, 1), st.floats(0, 1 / 6))
def test_a_combination_stays_on_the_simplex_above_its_floor(
    judged: list[float], measured: list[float], alpha: float, floor: float
) -> None:
    beta = combined_beta(simplex(judged), simplex(measured), alpha, floor)
    assert sum(beta) == pytest.approx(1, abs=1e-9)
    assert min(beta) >= floor - 1e-12


def test_half_the_room_each_at_half_alpha() -> None:
    assert combined_beta([1.0, 0.0], [0.0, 1.0], 0.5, 0.1) == pytest.approx((0.5, 0.5))
    assert combined_beta([1.0, 0.0], [0.0, 1.0], 1.0, 0.1) == pytest.approx((0.9, 0.1))


@unhurried
@given(score_tables)
def test_entropy_weights_are_a_weighting(table: list[list[float]]) -> None:
    entropies = dimension_entropies(table)
    assert all(0 <= entropy <= 1 for entropy in entropies)
    assume(sum(1 - entropy for entropy in entropies) > 1e-12)
    found = entropy_weights(table)
    assert sum(found) == pytest.approx(1)
    assert min(found) >= 0
    for (entropy, weight), (other_entropy, other_weight) in pairwise(sorted(zip(entropies, found, strict=True))):
        assert entropy <= other_entropy and weight >= other_weight, "what differs more weighs more"


def test_entropy_weights_measure_dispersion_not_importance() -> None:
    """The pitfall of case B-02: one dimension that hardly differs gets next to nothing, one that does nearly all."""
    alike, some, much = entropy_weights(SPREAD)
    assert alike < 0.001
    assert much > 0.75
    beta = combined_beta([0.6, 0.2, 0.2], [alike, some, much])
    assert beta[0] > 0.35, "judgement keeps what entropy would drop"


def test_components_that_are_alike_have_the_entropy_1() -> None:
    assert dimension_entropies([[0.4, 0.1], [0.4, 0.9]])[0] == 1
    assert dimension_entropies([[1.0], [0.0]]) == (0.0,)


def test_a_catalogue_of_ten_components_may_have_a_say() -> None:
    judgements = consistent([3, 2, 1])
    table = [[0.9, 0.5 + place / 100, 0.1 + place / 20] for place in range(10)]
    found = catalogue_beta(judgements, table, dimensions=("a", "b", "c"))
    assert found.method == "combined" and found.consistency_ratio == pytest.approx(0, abs=1e-9)
    expected = combined_beta(ahp_weights(judgements).weights, entropy_weights(table))
    assert tuple(found.weights.values()) == pytest.approx(expected)
    with pytest.raises(ValueError, match="need 10 components or more, not 9"):
        catalogue_beta(judgements, table[:9], dimensions=("a", "b", "c"))
    with pytest.raises(ValueError, match="contradict each other"):
        catalogue_beta(CIRCLE, table, dimensions=("a", "b", "c"))


@unhurried
@given(masses, st.sets(st.sampled_from(DIMENSIONS), max_size=5))
def test_what_is_waived_leaves_its_weight_to_the_others_in_proportion(raw: list[float], waived: set[str]) -> None:
    beta = beta_of(raw)
    kept = without_waived(beta, waived)
    assert set(kept) == set(DIMENSIONS) - waived
    assert sum(kept.values()) == pytest.approx(1)
    first = next(iter(kept))
    for dimension, weight in kept.items():
        assert weight / kept[first] == pytest.approx(beta[dimension] / beta[first])
        assert weight >= beta[dimension] - 1e-12
    check_beta(kept)


def test_the_expert_set_of_the_models() -> None:
    assert expert_beta(EXPERT_BETA) == BetaSet(EXPERT_BETA)
    assert tuple(EXPERT_BETA.values()) == (0.15, 0.20, 0.25, 0.20, 0.10, 0.10)


def test_a_set_is_not_changed_from_outside() -> None:
    weights = dict(EXPERT_BETA)
    found = expert_beta(weights)
    weights["accuracy"] = 9
    assert found.weights["accuracy"] == 0.25
    with pytest.raises(TypeError):
        found.weights["accuracy"] = 0.3  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accuracy": 0.3}, "weights must sum to 1, not 1.05"),
        ({"accuracy": 0.31, "timeliness": 0.04}, r"beta of timeliness must lie in \[0.05, 1\], not be 0.04"),
        ({"accuracy": 1.25, "timeliness": -0.9}, "beta of accuracy must lie"),
        *[({"accuracy": wrong}, "beta of accuracy must lie") for wrong in NOT_FINITE],
    ],
)
def test_a_beta_off_the_simplex_is_refused_everywhere(changes: dict[str, float], said: str) -> None:
    beta = {**EXPERT_BETA, **changes}
    for refused in (check_beta, expert_beta, lambda beta: without_waived(beta, ())):
        with pytest.raises(ValueError, match=said):
            refused(beta)


def test_a_sum_may_be_off_by_a_billionth() -> None:
    check_beta({**EXPERT_BETA, "accuracy": 0.25 + 9e-10})
    with pytest.raises(ValueError, match="must sum to 1"):
        check_beta({**EXPERT_BETA, "accuracy": 0.25 + 2e-9})


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[1]], "a square of two rows or more"),
        ([[1, 2], [0.5]], "a square"),
        ([[1, -2], [-0.5, 1]], "finite and above 0"),
        ([[1, float("nan")], [1, 1]], "finite and above 0"),
        ([[1, 2], [2, 1]], "must multiply to 1"),
        ([[2, 2], [0.5, 2]], "must multiply to 1"),
        ([[1.0] * 7] * 7, "no random index is known for 7 judgements"),
    ],
)
def test_judgements_that_cannot_be_are_refused(matrix: list[list[float]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ahp_weights(matrix)


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="random_index must be finite and 0 or more"):
        ahp_weights([[1.0] * 7] * 7, -1)
    with pytest.raises(ValueError, match="2 judged weights for 6 dimensions"):
        ahp_beta([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="waived, but no dimension of beta: beauty"):
        without_waived(EXPERT_BETA, ["beauty"])
    with pytest.raises(ValueError, match="every dimension is waived"):
        without_waived(EXPERT_BETA, DIMENSIONS)
    with pytest.raises(ValueError, match="a dimension scores 0 for every component"):
        entropy_weights([[0, 1], [0, 0.5]])
    with pytest.raises(ValueError, match="no dimension differs"):
        entropy_weights([[0.4, 0.9], [0.4, 0.9]])
    with pytest.raises(ValueError, match="two or more components"):
        entropy_weights([[0.4, 0.9]])
    with pytest.raises(ValueError, match="finite and 0 or more"):
        entropy_weights([[0.4], [float("nan")]])
    with pytest.raises(ValueError, match="1 judged weights beside 2 measured ones"):
        combined_beta([1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"floor 0\.6 leaves no room for 2 weights"):
        combined_beta([0.5, 0.5], [0.5, 0.5], 0.7, 0.6)
    with pytest.raises(ValueError, match="alpha must lie in"):
        combined_beta([0.5, 0.5], [0.5, 0.5], 1.1)
    with pytest.raises(ValueError, match="weight 2 must lie"):
        check_weights([0.5, float(Fraction(-1, 2)), 1.0])
