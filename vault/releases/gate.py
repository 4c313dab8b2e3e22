"""The gate: what speaks against a release. Nothing leaves unless nothing does, and what is missing speaks against it.

The causes come from the datasheet's own content, so that whoever holds a datasheet can ask again; only what stays in
the vault is asked there (`review_on_record`, `build_causes`).
"""

import json
from collections.abc import Iterator
from typing import Any

import ibis.expr.types as ir
import sqlalchemy as sa

from pricing.price_record import differences
from vault.releases.datasheet import Document, plain
from vault.releases.evidence import Evidence

RELEASED_TIERS = ("market", "public")
MICROSECONDS = 6
REVIEWED = {
    "data_hash": ("data", "rows"),
    "model_hash": ("model", "models"),
    "contract_hash": ("contracts", "contracts"),
}
"""What a review looked at: the hash of the release it must equal, and its name in words."""

reviews = sa.table(
    "review",
    *(
        sa.column(name)
        for name in [
            "review_id",
            "component",
            "data_hash",
            "model_hash",
            "contract_hash",
            "policy_hash",
            "security",
            "document",
        ]
    ),
)
"""The registry's reviews as far as a release rests on them; the review itself keeps them."""


def causes_against(facts: Document, at: str) -> tuple[str, ...]:
    """Why a component may not be released with these facts; empty where it may. Source: models §7.

    at: the moment of release, as datasheets write it.
    """
    return (
        *_tier_causes(facts),
        *_review_causes(facts, at),
        *_quality_causes(facts, at),
        *_price_causes(facts, at),
        *_lineage_causes(facts),
        *_rights_causes(facts, at),
    )


def build_causes(evidence: Evidence, table: ir.Table) -> tuple[str, ...]:
    """What the rows and the price have against it: undeclared columns, no rows, a price that does not follow.

    A column that the contract does not declare was reviewed by nobody who read the contract.
    """
    return (*_column_causes(evidence, table), *_valuation_causes(evidence))


def review_on_record(connection: sa.Connection, facts: Document, *, newest: bool) -> tuple[str, ...]:
    """What the registry has against the review that the facts name.

    newest: whether no later review of the component may stand beside it, as at the moment of release.
    """
    review = facts["review"]
    if review is None:
        return ()
    row = connection.execute(sa.select(reviews).where(reviews.c.review_id == review["review"])).mappings().first()
    words = f"review {review['review']}"
    if row is None:
        return (f"{words} is not on record",)
    said = {key: review[key] for key in (*REVIEWED, "policy_hash", "security")} | {"component": facts["component"]}
    document = json.loads(row["document"])
    outcomes = {each["check"]: each["outcome"] for each in document["findings"]}
    told = {each["check"]: each["outcome"] for each in review["checks"]}
    causes = []
    if any(row[key] != said[key] for key in said) or outcomes != told or document["blocking"] != review["blocking"]:
        causes.append(f"{words} on record says something else")
    latest = sa.select(sa.func.max(reviews.c.review_id)).where(reviews.c.component == facts["component"])
    if newest and connection.execute(latest).scalar() != review["review"]:
        causes.append(f"{words} is not the last one of this component")
    return tuple(causes)


def _tier_causes(facts: Document) -> Iterator[str]:
    if facts["tier"] not in RELEASED_TIERS:
        yield f"its tier is {facts['tier']}: it stays in the vault"
    if facts["tier"] != facts["contract"]["releaseTier"]:
        yield "its tier is not the one of its contract"


def _review_causes(facts: Document, at: str) -> Iterator[str]:
    review = facts["review"]
    if review is None:
        yield "there is no security review, and no evidence refuses"
        return
    if not review["blocking"]:
        yield "the policy of the review asks for nothing, and an empty policy refuses"
    found = {each["check"]: each for each in review["checks"]}
    if len(found) != len(review["checks"]):
        yield "a check stands twice in the review"
    missing = {"outcome": "error", "reason": "it left no finding"}
    open_checks = [(name, found.get(name, missing)) for name in review["blocking"]]
    failed = [(name, each) for name, each in open_checks if each["outcome"] != "pass"]
    for name, each in failed:
        yield f"{name}: {each['outcome']}: {each['reason']}"
    if review["security"] != 1 and not failed:
        yield f"the review says S = {review['security']}"
    for key, (name, words) in REVIEWED.items():
        if review[key] != facts["hashes"][name]:
            yield f"other {words} were reviewed"
    if review["reviewed_at"] > at:
        yield "it was reviewed after its release: a clock was moved"


def _quality_causes(facts: Document, at: str) -> Iterator[str]:
    quality = facts["quality"]
    if quality is None:
        yield "its quality was not evaluated"
        return
    if quality["gate_closed"]:
        yield "its quality gate is closed"
    if quality["evaluated_at"] > at:
        yield "its quality was evaluated after its release: a clock was moved"


def _price_causes(facts: Document, at: str) -> Iterator[str]:
    price = facts["price"]
    if price is None:
        yield "it has no price"
        return
    if price["valuation"] < 1:
        yield "its price is not on record"
    if price["steps"]["valuation"]["snapshot_hash"] != facts["hashes"]["data"]:
        yield "other rows were priced"
    if price["valued_at"] > at:
        yield "it was priced after its release: a clock was moved"


def _lineage_causes(facts: Document) -> Iterator[str]:
    if not facts["lineage"]:
        yield "it is not known from which batches it was made"


def _rights_causes(facts: Document, at: str) -> Iterator[str]:
    found = {(each["confirmation"], each["subject"]): each for each in facts["rights"]}
    asked = [*(("holding", each["source"]) for each in facts["lineage"]), ("processing", facts["component"])]
    for confirmation, subject in asked:
        right = found.get((confirmation, subject))
        if right is None:
            yield f"no {confirmation} right on '{subject}' is on record"
        elif right["state"] != "granted":
            yield f"the {confirmation} right on '{subject}' is not in force: {right['state']}"
        elif not right["valid_from"] <= at[: len("2026-01-01")] <= right["valid_until"]:
            yield f"the {confirmation} right on '{subject}' was not in force on the day of release"


def _column_causes(evidence: Evidence, table: ir.Table) -> Iterator[str]:
    declared, found = [column.name for column in evidence.contract.columns], list(table.columns)
    for name in sorted(set(found) - set(declared)):
        yield f"the column '{name}' is not in the contract"
    for name in sorted(set(declared) - set(found)):
        yield f"the column '{name}' of the contract is not in the table"
    for name, kind in table.schema().items():
        if not is_released_type(kind):
            yield f"the column '{name}' has the type {kind}, which a release cannot hold: cast it in the model"
    if not table.count().to_pyarrow().as_py():
        yield "the table has no rows"


def is_released_type(kind: Any) -> bool:
    """Whether Delta, Parquet and the engine all hold a type of Ibis as it is."""
    is_number = kind.is_signed_integer() or kind.is_float32() or kind.is_float64() or kind.is_decimal()
    is_moment = kind.is_date() or (kind.is_timestamp() and kind.scale == MICROSECONDS)
    return bool(is_number or is_moment or kind.is_string() or kind.is_boolean())


def _valuation_causes(evidence: Evidence) -> Iterator[str]:
    valuation = evidence.valuation
    if valuation is None:
        return
    if valuation.component != evidence.component:
        yield "the price is that of another component"
    if valuation.price["valuation"]["component_hash"] != evidence.component_hash:
        yield "another build was priced"
    yield from price_causes(plain(valuation.document))


def price_causes(document: Document) -> Iterator[str]:
    """The steps of a price on record that its own facts and parameters do not give."""
    try:
        found = differences(document)
    except (KeyError, TypeError, ValueError) as error:
        yield f"its record gives no price ({type(error).__name__})"
        return
    if found:
        yield f"the price does not follow from its facts: {', '.join(found)}"
