"""The lint of listings: whether a component that is to be listed lets somebody get more data for less money.

Compared with what is listed on the same source rows. Where one's own component with all columns of another of one's own
would cost less than it, the price is refused; all else is told as a warning, as what others ask is theirs to set, and
what is too dear is not bought. Source: models §4.3.
"""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from market_api.catalogue.tables import listings
from market_api.problems import Problem
from pricing.arbitrage import Finding, Listing, arbitrage_findings
from pricing.money import format_fen
from vault.releases.datasheet import Document, hash_of

COMPARED_MAX = 20
"""The cheapest on the same rows: what costs more can undercut nothing, and the search for covers stays short."""


@dataclass(frozen=True)
class Candidate:
    """What is to be listed, as the lint knows it. price_fen: the posted one, else the guide price."""

    component: str
    seller_id: str
    rows_id: str
    concepts: frozenset[str]
    price_fen: int
    is_posted: bool


def rows_id_of(document: Document) -> str:
    """The identity of the source rows: the same batches, in the same grain, about the same kind of subject."""
    contract = document["contract"]
    batches = {each["source"]: sorted(batch["sha256"] for batch in each["batches"]) for each in document["lineage"]}
    concepts = _concept_by_name(document)
    grain = sorted(concepts.get(name, name) for name in contract["grain"])
    return hash_of({"batches": batches, "grain": grain, "subject": contract["subject"]})


def concepts_of(document: Document) -> tuple[str, ...]:
    """The columns by their concepts, by name where a contract names none."""
    return tuple(sorted(set(_concept_by_name(document).values())))


def warnings_of(connection: sa.Connection, candidate: Candidate) -> list[str]:
    """What the lint finds of a component, in words. Raises Problem `invalid_request` where a price is refused."""
    rows = _compared(connection, candidate)
    sellers = {row.component: row.seller_id for row in rows} | {candidate.component: candidate.seller_id}
    is_posted = {row.component: row.price_fen is not None for row in rows} | {candidate.component: candidate.is_posted}
    own = Listing(candidate.component, candidate.concepts, candidate.rows_id, candidate.price_fen)
    found = arbitrage_findings([own, *(_listing(row, candidate.rows_id) for row in rows)])
    warnings = []
    for finding in found:
        involved = {finding.dearer_id, *finding.cheaper_ids}
        if candidate.component not in involved:
            continue
        words = _in_words(finding)
        is_own = all(sellers[name] == candidate.seller_id and is_posted[name] for name in involved)
        if finding.kind == "superset_cheaper" and is_own:
            raise Problem("invalid_request", f"Your own prices contradict each other: {words}", "price_fen")
        warnings.append(words)
    return warnings


def _compared(connection: sa.Connection, candidate: Candidate) -> list[sa.Row[Any]]:
    own = listings.c
    asked = sa.func.coalesce(own.price_fen, own.guide_fen)
    rows = connection.execute(
        sa.select(own.component, own.seller_id, own.concepts, own.price_fen, asked.label("asked_fen"))
        .where(own.state == "listed", own.rows_id == candidate.rows_id, own.component != candidate.component)
        .order_by(asked, own.component)
        .limit(COMPARED_MAX)
    )
    return list(rows)


def _listing(row: sa.Row[Any], rows_id: str) -> Listing:
    return Listing(row.component, frozenset(json.loads(row.concepts)), rows_id, row.asked_fen)


def _in_words(finding: Finding) -> str:
    others = " and ".join(f"'{name}'" for name in finding.cheaper_ids)
    prices = f"{format_fen(finding.cheaper_fen)} against {format_fen(finding.dearer_fen)}"
    if finding.kind == "superset_cheaper":
        return f"{others} has all columns of '{finding.dearer_id}' on the same rows and costs less, {prices}."
    return f"{others} together have all columns of '{finding.dearer_id}' on the same rows and cost less, {prices}."


def _concept_by_name(document: Document) -> dict[str, str]:
    return {each["name"]: each.get("conceptId") or each["name"] for each in document["contract"]["columns"]}
