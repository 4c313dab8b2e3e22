"""What the checks of origin rest on: contracts, rights, consents, batches and the clock, as of one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vault.contract import ComponentContract, SourceContract
from vault.rights.confirmations import Right
from vault.rights.grading import Downgrade


@dataclass(frozen=True)
class BatchFacts:
    """What the vault holds of a source against its ledger.

    loaded: batches whose rows are in raw; altered: batches whose kept bytes are no longer those of the ledger's hash;
    missing: those whose bytes are not there; shredded: those whose bytes were destroyed, which is on record;
    rows_unaccounted: by how many rows the ledger and the raw tables disagree.
    """

    loaded: int
    altered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    shredded: int = 0
    rows_unaccounted: int = 0


@dataclass(frozen=True)
class ConsentFacts:
    """How many rows in raw lack a consent that their source asks for: any at all, one of its own for sensitive data, a
    guardian's for a minor."""

    without_consent: int = 0
    without_separate: int = 0
    minors_without_guardian: int = 0


@dataclass(frozen=True)
class SourceFacts:
    """One source. unclassified: columns of its raw tables that the contract gives no role, 'table.column'; consents:
    None where the source rests on no consent."""

    contract: SourceContract
    unclassified: tuple[str, ...]
    batches: BatchFacts
    consents: ConsentFacts | None


@dataclass(frozen=True)
class OriginFacts:
    """All that is known of a component's origin.

    sources: every source that its rows rest on, as its lineage shows, whatever the contract says; rights: all on record
    of the component and its sources; logged_rights: numbers of those whose verdict is in the black box; withdrawn_rows:
    rows of subjects who withdrew that are still there, by table, None where they could not be counted; signed_off:
    whether two reviewers approved this very content; latest_on_record: the latest time in the black box.
    """

    component: str
    contract: ComponentContract
    sources: Mapping[str, SourceFacts]
    rights: tuple[Right, ...]
    logged_rights: frozenset[int]
    downgrade: Downgrade | None
    withdrawn_rows: Mapping[str, int] | None
    signed_off: bool
    now: datetime
    latest_on_record: datetime | None
