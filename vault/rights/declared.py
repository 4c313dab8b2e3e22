"""Rights that stand in the declarations: reviewed contracts are the applications, granted as they are declared.

So a fresh home works without a step by hand, and a change of a declaration is a change of the right.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from vault.black_box.recording import Record
from vault.contract import ComponentContract, ProductContract, SourceContract
from vault.rights.confirmations import (
    BY_DECLARATION,
    Application,
    Right,
    apply,
    grant,
    refuse,
    rights_on_record,
    supersede,
)

ACTOR = "jinku"
BASIS = "the contract in the declarations"
NO_END = date(9999, 12, 31)
"""The last day of a right that rests on no source and declares no end."""


def confirm_declared(
    record: Record,
    sources: Mapping[str, SourceContract],
    components: Mapping[str, ComponentContract],
    at: datetime,
    products: Mapping[str, ProductContract] | None = None,
) -> tuple[int, ...]:
    """Put every declared right on record that is not; gives the numbers of the new ones, none on a second call.

    A declaration that changed or went supersedes the right that it stated before. What a person revoked stays revoked
    until the declaration says something else.
    """
    declared = [
        *_holdings(sources, at.date()),
        *_processings(sources, components, at.date()),
        *_operatings(products or {}, at.date()),
    ]
    wanted = {application.content_hash for application, _ in declared}
    known: dict[str, Right] = {}
    for right in rights_on_record(record.connection):
        if right.is_declared:
            known[right.content_hash] = right
            if right.verdict == "granted" and right.content_hash not in wanted:
                supersede(record, right.application_id, "the declarations say something else now", ACTOR, at)
    new = []
    for application, fault in declared:
        if not _stands(known.get(application.content_hash), fault):
            number = apply(record, application, ACTOR, at, is_declared=True)
            if fault:
                refuse(record, number, fault, ACTOR, at)
            else:
                grant(record, number, BY_DECLARATION, ACTOR, at)
            new.append(number)
    return tuple(new)


def _stands(right: Right | None, fault: str) -> bool:
    """Whether the last entry for the same declaration is still the answer to it."""
    if right is None:
        return False
    return right.verdict == "granted" or right.decided_by != ACTOR or (right.verdict == "refused" and bool(fault))


def _holdings(sources: Mapping[str, SourceContract], today: date) -> Iterator[tuple[Application, str]]:
    for name, source in sources.items():
        until = source.legal_basis.expires
        basis = f"{source.legal_basis.basis}: {source.legal_basis.reference}"
        purposes = source.permitted_purposes
        start = min(today, until)
        yield Application("holding", source.provider.name, name, (name,), purposes, basis, start, until), ""


def _processings(
    sources: Mapping[str, SourceContract], components: Mapping[str, ComponentContract], today: date
) -> Iterator[tuple[Application, str]]:
    """A processing right ends with the first holding right that it rests on, or earlier where that is declared."""
    for name, component in components.items():
        rights = component.rights
        unknown = ", ".join(each for each in rights.resources if each not in sources)
        ends = [sources[each].legal_basis.expires for each in rights.resources if each in sources]
        until = min([*ends, rights.expires or NO_END])
        purposes, start = component.permitted_uses, min(today, until)
        application = Application(
            "processing", rights.processing, name, rights.resources, purposes, BASIS, start, until
        )
        yield application, f"no source is called {unknown}" if unknown else ""


def _operatings(products: Mapping[str, ProductContract], today: date) -> Iterator[tuple[Application, str]]:
    for name, product in products.items():
        yield Application("operating", product.operator, name, (), (product.purpose,), BASIS, today, NO_END), ""
