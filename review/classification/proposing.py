"""From counts and names to proposals: a role and a sensitivity for each column, with the reasons.

The telling patterns of values weigh most, then the name, then patterns that other values may keep too. What a column
means depends on its company: a district is a quasi-identifier beside persons, and an attribute beside stations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from review.classification.column_facts import ColumnFacts
from review.classification.concepts import CONCEPTS, Concept, Sensitivity, concept_of_name
from review.classification.patterns import PATTERNS
from vault.contract import LogicalType, Role

STRICTNESS: dict[Role, int] = {"identifier": 3, "quasi_identifier": 2, "sensitive": 2, "free_text": 1}
"""How much harm a role stands for; all others 0."""

CATEGORIES_AT_MOST = 20
ROWS_OF_A_CATEGORY = 20
"""A column of few values with many rows each tells nobody apart, whatever it is called."""

DISTINCT_VALUES_MIN = 5
"""Patterns of values that chance may keep need a few different values."""

KEY_SHARE = 0.95
KEY_VALUES_MIN = 50
BIRTH_YEARS_MIN = 40
DEGREES_OF_A_REGION = 20
READ_AS_MIN = 0.95

ROLES_BY_TYPE: dict[LogicalType, Role] = {"number": "measure", "date": "timestamp", "timestamp": "timestamp"}
"""What a column is where nothing else speaks; all other types are attributes."""

DEMOGRAPHIC = frozenset({"age", "sex", "ethnicity", "nationality", "education", "occupation", "marital", "birth"})
"""Two of these beside each other speak of persons."""


@dataclass(frozen=True)
class ColumnName:
    """A column as it is called here and in the provider's file; its declared type and role, where it has them."""

    name: str
    header: str
    logical_type: LogicalType | None = None
    role: Role | None = None


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one column. reasons: in words, with counts; no value of the data stands in them."""

    column: ColumnName
    logical_type: LogicalType
    role: Role
    sensitivity: Sensitivity
    reasons: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the declared role is the proposed one."""
        return self.column.role == self.role

    @property
    def looks_more_sensitive(self) -> bool:
        """Whether the proposed role is stricter than the declared one."""
        declared = self.column.role
        return declared is not None and STRICTNESS.get(self.role, 0) > STRICTNESS.get(declared, 0)


@dataclass(frozen=True)
class _Evidence:
    """One thing that speaks for a concept; weight: 3 telling, 2 the name, 1 a form that other values may have."""

    concept: Concept
    weight: int
    reason: str


def propose(columns: Sequence[ColumnName], facts: Sequence[ColumnFacts]) -> tuple[Proposal, ...]:
    """A proposal for each column of a table, from the counts of its values in the same order."""
    types = [_logical_type(column, counts) for column, counts in zip(columns, facts, strict=True)]
    evidence = [_evidence(column, counts, kind) for column, counts, kind in zip(columns, facts, types, strict=True)]
    _add_coordinates(evidence, facts)
    strongest = [_strongest(each, counts) for each, counts in zip(evidence, facts, strict=True)]
    bearers = _bearers(strongest)
    return tuple(
        _proposal(column, counts, kind, found, bearers)
        for column, counts, kind, found in zip(columns, facts, types, strongest, strict=True)
    )


def _logical_type(column: ColumnName, facts: ColumnFacts) -> LogicalType:
    """The declared type, or the narrowest that the values can be read as."""
    if column.logical_type is not None:
        return column.logical_type
    if facts.present and facts.share(facts.whole) >= READ_AS_MIN:
        return "integer"
    if facts.present and facts.share(facts.numbers) >= READ_AS_MIN:
        return "number"
    return "date" if facts.present and facts.share(facts.dates) >= READ_AS_MIN else "string"


def _evidence(column: ColumnName, facts: ColumnFacts, kind: LogicalType) -> list[_Evidence]:
    found = []
    named = concept_of_name(column.name, column.header)
    if named is not None:
        found.append(_Evidence(named, 2, f"it is called like {named.words}"))
    if not facts.present:
        return found
    for pattern, kept in zip(PATTERNS, facts.kept, strict=True):
        has_enough = pattern.is_telling or pattern.concept in ("sex", "moment") or facts.distinct >= DISTINCT_VALUES_MIN
        if facts.share(kept) >= pattern.share_min and has_enough:
            weight = 3 if pattern.is_telling else 1
            found.append(_Evidence(CONCEPTS[pattern.concept], weight, f"{_of(kept, facts)} {pattern.words}"))
    is_date = facts.share(facts.dates) >= READ_AS_MIN and kind in ("string", "date", "timestamp")
    if is_date and facts.birth_years >= BIRTH_YEARS_MIN:
        spread = f"nine in ten of its different dates lie over {BIRTH_YEARS_MIN} years or more, as dates of birth do"
        found.append(_Evidence(CONCEPTS["birth"], 1, spread))
    moment = CONCEPTS["moment"]
    if kind == "integer" and facts.calendar is not None:
        found.append(_Evidence(moment, 1, f"its values are the {facts.calendar}, all of them"))
    elif kind == "integer" and facts.years == facts.present and facts.distinct > 1:
        found.append(_Evidence(moment, 1, "all its values may be years"))
    return found


def _add_coordinates(evidence: Sequence[list[_Evidence]], facts: Sequence[ColumnFacts]) -> None:
    """Two neighbours of many decimals, the one within 90, the other within 180 degrees, are places of one region."""
    for place in range(len(facts) - 1):
        first, second = facts[place], facts[place + 1]
        if not all(
            each.present and each.share(each.longitudes) >= READ_AS_MIN and 0 < each.spread <= DEGREES_OF_A_REGION
            for each in (first, second)
        ):
            continue
        latitudes = [each.share(each.latitudes) >= READ_AS_MIN for each in (first, second)]
        if any(latitudes):
            order = ("latitude", "longitude") if latitudes[0] else ("longitude", "latitude")
            for offset, concept in enumerate(order):
                words = "it and its neighbour have four decimals or more, within 90 and 180 degrees"
                evidence[place + offset].append(_Evidence(CONCEPTS[concept], 1, words))


def _strongest(evidence: Sequence[_Evidence], facts: ColumnFacts) -> list[_Evidence]:
    """What speaks for the concept with most weight behind it, of equals the stricter; nothing for a category."""
    weights: dict[str, int] = {}
    for each in evidence:
        weights[each.concept.name] = weights.get(each.concept.name, 0) + each.weight
    if not weights:
        return []
    chosen = max(weights, key=lambda name: (weights[name], STRICTNESS.get(CONCEPTS[name].role, 0)))
    found = [each for each in evidence if each.concept.name == chosen]
    is_telling = any(each.weight == 3 for each in found)
    if CONCEPTS[chosen].role == "identifier" and _is_category(facts) and not is_telling:
        return []
    return found


def _is_category(facts: ColumnFacts) -> bool:
    few = 0 < facts.distinct <= CATEGORIES_AT_MOST
    return few and facts.present >= facts.distinct * ROWS_OF_A_CATEGORY


def _bearers(strongest: Sequence[Sequence[_Evidence]]) -> frozenset[str]:
    """Whom the table speaks of; a form that other values may have does not make it one of persons."""
    bearers: set[str] = {
        found[0].concept.bearer
        for found in strongest
        if found and (found[0].concept.bearer != "person" or sum(each.weight for each in found) > 1)
    }
    if sum(found[0].concept.name in DEMOGRAPHIC for found in strongest if found) >= 2:
        bearers.add("person")
    return frozenset(bearers)


def _proposal(
    column: ColumnName, facts: ColumnFacts, kind: LogicalType, found: Sequence[_Evidence], bearers: frozenset[str]
) -> Proposal:
    speaks_of_persons = "person" in bearers
    if found and not (found[0].concept.role == "timestamp" and kind == "number"):  # a number of seconds is a measure
        concept, reasons = found[0].concept, tuple(each.reason for each in found)
        if concept.role_elsewhere is None or speaks_of_persons:
            return Proposal(column, kind, concept.role, concept.sensitivity, reasons)
        return Proposal(column, kind, concept.role_elsewhere, "none", (*reasons, "no person beside it"))
    if _is_key(facts, kind) and bearers & {"person", "enterprise"}:
        sensitivity: Sensitivity = "personal" if speaks_of_persons else "enterprise"
        return Proposal(column, kind, "identifier", sensitivity, (f"{_of(facts.distinct, facts)} differ",))
    reason = "nothing speaks for more" if facts.present else "there are no values to look at"
    return Proposal(column, kind, ROLES_BY_TYPE.get(kind, "attribute"), "none", (reason,))


def _is_key(facts: ColumnFacts, kind: LogicalType) -> bool:
    """Whether nearly every row has a value of its own."""
    is_code = kind in ("string", "integer") and facts.distinct >= KEY_VALUES_MIN
    return is_code and facts.share(facts.distinct) >= KEY_SHARE


def _of(count: int, facts: ColumnFacts) -> str:
    return f"{count} of {facts.present} values"
