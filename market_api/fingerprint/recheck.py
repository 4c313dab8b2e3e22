"""The result review R once more, on a marked copy, from what the market knows: the copy and the signed datasheet.

Computed anew, by the same code and policy as in the vault: likeness, diversity, closeness, risk and inference of rows
of persons, and the minimum behind each cell. What rests on facts that never leave the vault stands as it was signed:
the population, the raw values, who contributed what, earlier releases, budgets. Embedding touches neither counts nor
groups, which is looked at here too: columns, types and rows are those of the datasheet, and no group is smaller.

The categories of the sources are not in a datasheet. They decide how many must stand behind a cell; the smallest group
that was signed stands for them, as it met whatever was asked for. Source: models §7 (R), §8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
from pydantic import ValidationError

from market_api.fingerprint.engine import parquet_sql
from market_api.fingerprint.planning import plan
from review.findings import Finding
from review.policy import POLICY, policy_from
from review.result.facts import Held, ResultFacts
from review.result.groups import DOMINANCE, GROUP_MINIMUM, SECONDARY
from review.result.inference import INFERENCE
from review.result.persons import K_ANONYMITY, L_DIVERSITY, PRESENCE, RISK, T_CLOSENESS
from review.result.releases import BUDGET, DIFFERENCING, LINEAR
from review.result.review import CHECKS, review_result
from review.result.thresholds import thresholds_for
from vault.contract import ComponentContract
from vault.errors import JinkuError

COMPUTED = (K_ANONYMITY, L_DIVERSITY, T_CLOSENESS, RISK, INFERENCE, GROUP_MINIMUM)
TAKEN_OVER = (PRESENCE, DOMINANCE, DIFFERENCING, BUDGET, SECONDARY, LINEAR)
CATEGORY_UNKNOWN = frozenset({"public"})
"""Of the sources: neither persons nor enterprises, unless the contract's subject says so."""
LEFT_OUT_TAKEN_OVER = Held()
"""What a component leaves out stays in the vault, so R6 computes anew what the copy shows and no more. Of the rest it
stands as it was signed: marks change no quasi-identifier."""
UNPUBLISHED: Mapping[str, Any] = {"cost": {"developmentFen": 0}, "rights": {"holding": "vault", "processing": "vault"}}
"""Parts of a contract that stay in the vault; R reads none of them."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Recheck:
    """A copy that passed. findings: of the checks that were computed anew; taken_over: ids of those that stand as they
    were signed for the release."""

    findings: tuple[Finding, ...]
    taken_over: tuple[str, ...]


def reviewed(connection: duckdb.DuckDBPyConnection, copy: Path, document: Document, policy: Path = POLICY) -> Recheck:
    """Review R of a copy; a copy that does not pass may not be delivered.

    document: the datasheet of the release, verified. Raises JinkuError `copy_refused` with all causes, and
    `policy_unusable`.
    """
    thresholds = thresholds_for(policy_from(policy).result, document["tier"])
    causes = _signed_causes(document["review"])
    try:
        contract = _contract(document["contract"])
        table = ibis.duckdb.from_connection(connection).sql(f"select * from {parquet_sql([copy])}")
        if altered := _causes_of_form(table, document):
            raise _refused(copy, [*causes, *altered])
        facts = ResultFacts(document["component"], contract, CATEGORY_UNKNOWN, table, held=LEFT_OUT_TAKEN_OVER)
        findings = tuple(each for each in review_result(facts, thresholds) if each.check in COMPUTED)
    except ValidationError:
        raise _refused(copy, ["the contract in its datasheet cannot be read"]) from None
    except (duckdb.Error, OSError) as error:
        raise _refused(copy, [f"it cannot be read ({type(error).__name__})"]) from None
    causes += [f"{each.check}: {each.reason}" for each in findings if each.outcome != "pass"]
    causes += _causes_of_groups(findings, document["review"].get("smallest_group"))
    if causes:
        raise _refused(copy, causes)
    return Recheck(findings, TAKEN_OVER)


def _signed_causes(review: Document) -> list[str]:
    """What speaks against taking the signed findings over."""
    passed = {each["check"] for each in review["checks"] if each["outcome"] == "pass"}
    causes = [f"the release did not pass {check}" for check in CHECKS if check not in passed]
    return causes if review["security"] == 1 else ["the release itself is not cleared", *causes]


def _contract(public: Document) -> ComponentContract:
    """The contract as R reads it."""
    known = {field.alias or name for name, field in ComponentContract.model_fields.items()}
    return ComponentContract.model_validate({**{key: public[key] for key in public if key in known}, **UNPUBLISHED})


def _causes_of_form(table: ir.Table, document: Document) -> list[str]:
    """Columns, types, rows and nulls beside the stated ones; rows and nulls may be fewer where rows may be omitted."""
    stated = document["table"]["columns"]
    if [(name, str(kind)) for name, kind in table.schema().items()] != [
        (each["name"], each["type"]) for each in stated
    ]:
        return ["its columns are not those of the release"]
    nulls = {f"nulls_{place}": table[each["name"]].isnull().sum() for place, each in enumerate(stated)}
    (found,) = table.aggregate(rows=table.count(), **nulls).to_pyarrow().to_pylist()
    may_lack = plan(document).omits_rows
    counts = [(found["rows"], document["table"]["rows"], "rows")]
    counts += [
        (found[f"nulls_{place}"] or 0, each["nulls"], f"nulls of {each['name']}") for place, each in enumerate(stated)
    ]
    return [
        f"it has {own} {what}, and the release {released}"
        for own, released, what in counts
        if own > released or (own < released and not may_lack)
    ]


def _causes_of_groups(findings: Sequence[Finding], smallest_signed: int | None) -> list[str]:
    """No group is smaller than the smallest that was signed."""
    smallest = _smallest_group(findings)
    if smallest_signed is None or (smallest is not None and smallest >= smallest_signed):
        return []
    return [f"the smallest group is {smallest or 'unknown'}, and that of the release {smallest_signed}"]


def _smallest_group(findings: Sequence[Finding]) -> int | None:
    """The fewest alike in a class, or counted in a cell."""
    evidence = {each.check: each.evidence for each in findings}
    counted = evidence[GROUP_MINIMUM].get("smallest")
    numbers = [evidence[K_ANONYMITY].get("k"), *(counted.values() if isinstance(counted, Mapping) else ())]
    return min((int(each) for each in numbers if each is not None), default=None)


def _refused(copy: Path, causes: Sequence[str]) -> JinkuError:
    return JinkuError(
        "copy_refused",
        f"the copy does not pass the result review, so it is not delivered: {'; '.join(causes)}",
        str(copy),
        "Deliver the copy anew; where it stays so, give the operator this message: the release is to be looked at.",
    )
