"""Arbitrage among listed components: prices by which a buyer would get more data for less money.

P¹ with an additive g and Z in matrix mode is safe by theorem only for parts without a common column, whose own columns
are unrelated: there w_f = H_f / ΣH weighs columns as E does. Parts that overlap, or that repeat themselves, can cost
less than their union; a bad column can make a superset cheaper; and market prices follow no theorem. So listings are
looked at. Sources: models §4.1 to §4.3; Koutris et al., PODS 2012.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pricing.exact import whole_fen

Kind = Literal["superset_cheaper", "bundle_dearer"]


@dataclass(frozen=True)
class Listing:
    """A listed component: its columns, the identity of its rows, its price in fen, 0 or more.

    columns: concept ids, so that one column is known under any name. rows_id: equal where the source rows are the
    same. part_ids: the components it is declared to bundle, whatever their rows.
    """

    component_id: str
    columns: frozenset[str]
    rows_id: str
    price_fen: int
    part_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        whole_fen("price_fen", self.price_fen)
        if not self.columns:
            raise ValueError(f"{self.component_id} has no columns")
        if self.component_id in self.part_ids:
            raise ValueError(f"{self.component_id} cannot be a part of itself")


@dataclass(frozen=True)
class Finding:
    """A component that nobody should buy: it can be had for less by buying others."""

    kind: Kind
    dearer_id: str
    dearer_fen: int
    cheaper_ids: tuple[str, ...]
    cheaper_fen: int


def arbitrage_findings(listings: Sequence[Listing]) -> tuple[Finding, ...]:
    """What must not be listed beside each other, by component id.

    superset_cheaper: a component with all columns of another, on the same rows, costs less. bundle_dearer: parts that
    together have all columns of a component on the same rows, or its declared parts, cost less than it; the cheapest
    such parts are reported. Raises ValueError for a component listed twice. Source: models §4.3.
    """
    if len({listing.component_id for listing in listings}) < len(listings):
        raise ValueError("a component is listed twice")
    ordered = sorted(listings, key=lambda listing: listing.component_id)
    findings = [*_cheaper_supersets(ordered), *_dearer_bundles(ordered)]
    return tuple(sorted(findings, key=lambda finding: (finding.dearer_id, finding.kind, finding.cheaper_ids)))


def cheapest_cover(columns: frozenset[str], parts: Sequence[Listing]) -> tuple[Listing, ...] | None:
    """The cheapest parts that have all the columns together; None where a column is in none of them.

    Least price first over the columns covered, so the first cover that comes out is the cheapest; each step takes a
    part for the first column still missing. Exponential in the number of parts at worst, of which there are few on one
    table. Source: models §4.3.
    """
    queue: list[tuple[int, tuple[int, ...], frozenset[str]]] = [(0, (), frozenset())]
    seen: set[frozenset[str]] = set()
    while queue:
        price_fen, chosen, covered = heapq.heappop(queue)
        if covered >= columns:
            return tuple(parts[position] for position in chosen)
        if covered in seen:
            continue
        seen.add(covered)
        missing = min(columns - covered)
        for position, part in enumerate(parts):
            if missing in part.columns:
                added = (price_fen + part.price_fen, (*chosen, position), covered | (part.columns & columns))
                heapq.heappush(queue, added)
    return None


def _cheaper_supersets(listings: Sequence[Listing]) -> list[Finding]:
    return [
        Finding("superset_cheaper", part.component_id, part.price_fen, (whole.component_id,), whole.price_fen)
        for part in listings
        for whole in listings
        if whole.rows_id == part.rows_id and whole.columns >= part.columns and whole.price_fen < part.price_fen
    ]


def _dearer_bundles(listings: Sequence[Listing]) -> list[Finding]:
    findings: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for bundle in listings:
        for parts in (_declared_parts(bundle, listings), _covering_parts(bundle, listings)):
            price_fen = sum(part.price_fen for part in parts)
            if parts and price_fen < bundle.price_fen:
                ids = tuple(sorted(part.component_id for part in parts))
                findings[bundle.component_id, ids] = Finding(
                    "bundle_dearer", bundle.component_id, bundle.price_fen, ids, price_fen
                )
    return list(findings.values())


def _declared_parts(bundle: Listing, listings: Sequence[Listing]) -> Sequence[Listing]:
    """The declared parts where all of them are listed; else they cannot be bought instead."""
    parts = [listing for listing in listings if listing.component_id in bundle.part_ids]
    return parts if len(parts) == len(bundle.part_ids) else ()


def _covering_parts(bundle: Listing, listings: Sequence[Listing]) -> Sequence[Listing]:
    parts = [other for other in listings if other.rows_id == bundle.rows_id and other.columns < bundle.columns]
    return cheapest_cover(bundle.columns, parts) or ()
