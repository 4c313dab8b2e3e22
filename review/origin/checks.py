"""The nine checks of origin, pure functions of the facts. Each tells the true cause of a refusal; what cannot be shown
refuses. Source: models §7 (O1 to O9); GB/T 43697-2024; personal information protection law, articles 13 to 31.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from review.findings import Finding, Outcome
from review.origin.facts import OriginFacts, SourceFacts
from vault.contract import Grade
from vault.rights.confirmations import right_in_force, why_not_in_force
from vault.rights.grading import highest_grade

CLOCK_TOLERANCE = timedelta(minutes=1)
"""By so much two processes may disagree on the time: one may write to the black box while another gathers facts."""

SENSITIVITY: Mapping[str, str] = {
    "identifier": "identifying",
    "quasi_identifier": "identifying",
    "free_text": "identifying",
    "sensitive": "sensitive",
    "attribute": "ordinary",
    "measure": "ordinary",
    "timestamp": "ordinary",
    "target": "ordinary",
}
"""How sensitive a column is follows from its role; a role that is not here classifies nothing."""

NAMES_SHOWN = 5
Check = Callable[[OriginFacts], Finding]


def legal_basis(facts: OriginFacts) -> Finding:
    """O1: every source has a legal basis that holds today; where that is consent, every row's subject has given it."""
    faults = []
    for name, source in facts.sources.items():
        basis = source.contract.legal_basis
        if basis.expires < _today(facts):
            faults.append(f"the legal basis of {name} ended on {basis.expires}")
        if basis.basis == "consent" and source.contract.subject is None:
            faults.append(f"{name} rests on consent and names no subject, so nobody's consent can be shown")
        if source.consents is not None and source.consents.without_consent:
            faults.append(f"{source.consents.without_consent} rows of {name} rest on no consent in force")
    evidence = {
        name: {"basis": each.contract.legal_basis.basis, "expires": each.contract.legal_basis.expires.isoformat()}
        for name, each in facts.sources.items()
    }
    uncounted = [name for name, each in facts.sources.items() if _by_consent(each) and each.consents is None]
    if uncounted and not faults:
        return _clocked(
            facts, "O1_legal_basis", "error", f"the consents of {_listed(uncounted)} were not counted", evidence
        )
    return _judged(facts, "O1_legal_basis", faults, "every source has a legal basis in force", evidence)


def grade(facts: OriginFacts) -> Finding:
    """O2: core data refuses; important data gives aggregates only, signed off by name; the highest grade counts."""
    grades: dict[str, Grade] = {name: each.contract.grade for name, each in facts.sources.items()}
    inherited, lowered = highest_grade(grades.values()), facts.downgrade
    evidence: dict[str, Any] = {"sources": grades, "inherited": inherited, "signed_off": facts.signed_off}
    if inherited == "core":
        core = [name for name, each in grades.items() if each == "core"]
        return _finding("O2_grade", "fail", f"core data never leaves the vault: {_listed(core)}", evidence)
    if inherited == "general":
        return _finding("O2_grade", "pass", "all sources are general data", evidence)
    important = _listed(name for name, each in grades.items() if each == "important")
    if lowered is not None and lowered.is_genuine and set(facts.sources) <= set(lowered.sources):
        evidence["lowered_by"] = lowered.decided_by
        return _finding("O2_grade", "pass", f"graded as general by {lowered.decided_by}: {lowered.reason}", evidence)
    why_not = ""
    if lowered is not None:
        fault = "is of other sources" if lowered.is_genuine else "has no genuine signature"
        why_not = f"; the lower grade on record {fault}"
    if facts.contract.subject != "aggregate":
        told = f"important data ({important}) gives aggregates only, and one row here is one {facts.contract.subject}"
        return _finding("O2_grade", "fail", told + why_not, evidence)
    if not facts.signed_off:
        told = f"aggregates of important data ({important}) need two reviewers' sign-off"
        return _finding("O2_grade", "pending", told + why_not, evidence)
    return _finding("O2_grade", "pass", f"an aggregate of important data ({important}), signed off by name", evidence)


def purpose(facts: OriginFacts) -> Finding:
    """O3: every use that the component is permitted is permitted by every source."""
    faults = [
        f"{name} forbids {use}"
        for name, source in facts.sources.items()
        for use in facts.contract.permitted_uses
        if use not in source.contract.permitted_purposes
    ]
    evidence = {
        "uses": list(facts.contract.permitted_uses),
        "permitted": {name: list(each.contract.permitted_purposes) for name, each in facts.sources.items()},
    }
    outcome: Outcome = "fail" if faults else "pass"
    return _finding("O3_purpose", outcome, "; ".join(faults) or "every source permits every use", evidence)


def rights(facts: OriginFacts) -> Finding:
    """O4: providers' contracts and holding rights are in force, and the component's processing right covers its sources
    and its uses."""
    today, faults = _today(facts), []
    for name, source in facts.sources.items():
        agreement = source.contract.provider_contract
        if agreement is None:
            faults.append(f"{name} names no contract with its provider")
        elif agreement.expires < today:
            faults.append(f"the contract with the provider of {name} ended on {agreement.expires}")
        faults += _holding_faults(facts, name, source, today)
    faults += _processing_faults(facts, today)
    evidence = {
        str(right.application_id): {
            "confirmation": right.application.confirmation,
            "subject": right.application.subject,
            "holder": right.application.holder,
            "state": right.state(today),
            "until": right.application.valid_until.isoformat(),
            "terms_hash": right.terms_hash,
        }
        for right in facts.rights
    }
    return _judged(facts, "O4_rights", faults, "all rights that it rests on are in force", evidence)


def classification(facts: OriginFacts) -> Finding:
    """O5: every column of every source has a role, from which its sensitivity follows."""
    faults = []
    roles: Counter[str] = Counter()
    for name, source in facts.sources.items():
        if source.unclassified:
            faults.append(f"{name} holds columns that its contract does not classify: {_listed(source.unclassified)}")
        columns = [*source.contract.columns, *(each for table in source.contract.tables for each in table.columns)]
        roles.update(column.role for column in columns)
        unknown = [column.name for column in columns if column.role not in SENSITIVITY]
        if unknown:
            faults.append(f"the role of {name}'s {_listed(unknown)} tells no sensitivity")
    sensitivity: Counter[str] = Counter()
    for role, count in roles.items():
        sensitivity[SENSITIVITY.get(role, "unknown")] += count
    evidence = {"columns_by_role": dict(roles), "columns_by_sensitivity": dict(sensitivity)}
    outcome: Outcome = "fail" if faults else "pass"
    return _finding("O5_classification", outcome, "; ".join(faults) or "every column is classified", evidence)


def separate_consent(facts: OriginFacts) -> Finding:
    """O6: where a source rests on consent, sensitive data has one of its own and minors have their guardian's."""
    asked = {name: each for name, each in facts.sources.items() if _by_consent(each)}
    if not asked:
        return _finding("O6_separate_consent", "pass", "no source rests on consent, so none is asked for", {})
    faults, uncounted = [], [name for name, each in asked.items() if each.consents is None]
    for name, source in asked.items():
        faults += _consent_faults(name, source)
    evidence = {
        name: {
            "rows_without_separate_consent": each.consents.without_separate,
            "rows_of_minors_without_guardian": each.consents.minors_without_guardian,
        }
        for name, each in asked.items()
        if each.consents is not None
    }
    if uncounted and not faults:
        told = f"the consents of {_listed(uncounted)} were not counted"
        return _clocked(facts, "O6_separate_consent", "error", told, evidence)
    return _judged(
        facts, "O6_separate_consent", faults, "separate consents are there where they are asked for", evidence
    )


def withdrawals(facts: OriginFacts) -> Finding:
    """O7: nobody who withdrew is in any table that the component rests on, and every withdrawal can reach them."""
    check = "O7_withdrawals"
    unreachable = [
        name
        for name, each in facts.sources.items()
        if each.contract.category == "personal" and each.contract.subject is None
    ]
    if unreachable:
        told = f"no withdrawal can reach {_listed(unreachable)}: the contract names no column that tells the subject"
        return _finding(check, "fail", told, {"unreachable": unreachable})
    if facts.withdrawn_rows is None:
        return _finding(check, "error", "the rows of subjects who withdrew could not be counted", {})
    left = {table: rows for table, rows in facts.withdrawn_rows.items() if rows}
    faults = [f"{rows} rows of subjects who withdrew are still in {table}" for table, rows in left.items()]
    passed = "no table that it rests on holds anybody who withdrew"
    return _judged(facts, check, faults, passed, {"rows_by_table": dict(facts.withdrawn_rows)})


def snapshot(facts: OriginFacts) -> Finding:
    """O8: the received bytes are those of the ledger, and the raw tables hold exactly the rows that it booked."""
    faults = []
    for name, source in facts.sources.items():
        batches = source.batches
        if not batches.loaded:
            faults.append(f"no batch of {name} was loaded, so nothing shows where its rows came from")
        if batches.altered:
            faults.append(f"received bytes of {name} are not what was received: {_listed(batches.altered)}")
        if batches.missing:
            faults.append(f"received bytes of {name} are gone: {_listed(batches.missing)}")
        if batches.rows_unaccounted:
            faults.append(f"the ledger and the raw tables of {name} disagree by {batches.rows_unaccounted} rows")
    evidence = {
        name: {"loaded": each.batches.loaded, "shredded": each.batches.shredded} for name, each in facts.sources.items()
    }
    outcome: Outcome = "fail" if faults else "pass"
    return _finding("O8_snapshot", outcome, "; ".join(faults) or "all batches are what was received", evidence)


def cross_border(facts: OriginFacts) -> Finding:
    """O9: a component that may go abroad is made of sources that may: by a mechanism in force, for important data by a
    security assessment."""
    check, today, faults = "O9_cross_border", _today(facts), []
    if not facts.contract.cross_border:
        return _finding(check, "pass", "the component stays in the country", {"cross_border": False})
    for name, source in facts.sources.items():
        mechanism = source.contract.cross_border
        if mechanism is None:
            faults.append(f"{name} may not leave the country")
        elif mechanism.expires < today:
            faults.append(f"{name} might leave the country until {mechanism.expires}")
        elif source.contract.grade != "general" and mechanism.mechanism != "security_assessment":
            faults.append(f"{name} is {source.contract.grade} data and may leave by a security assessment only")
    mechanisms = {
        name: each.contract.cross_border.mechanism if each.contract.cross_border else None
        for name, each in facts.sources.items()
    }
    evidence = {"cross_border": True, "mechanisms": mechanisms}
    return _judged(facts, check, faults, "every source may leave the country", evidence)


CHECKS: Mapping[str, Check] = {
    "O1_legal_basis": legal_basis,
    "O2_grade": grade,
    "O3_purpose": purpose,
    "O4_rights": rights,
    "O5_classification": classification,
    "O6_separate_consent": separate_consent,
    "O7_withdrawals": withdrawals,
    "O8_snapshot": snapshot,
    "O9_cross_border": cross_border,
}
"""Every check of origin by its stable id."""


def review_origin(facts: OriginFacts) -> tuple[Finding, ...]:
    """All nine findings, one of each check; a check that fails itself is an `error`, which refuses."""
    return tuple(_safely(check, judge, facts) for check, judge in CHECKS.items())


def _safely(check: str, judge: Check, facts: OriginFacts) -> Finding:
    try:
        return judge(facts)
    except Exception as error:
        return _finding(check, "error", f"the check could not be made ({type(error).__name__})", {})


def _holding_faults(facts: OriginFacts, name: str, source: SourceFacts, today: date) -> list[str]:
    right, provider = right_in_force(facts.rights, "holding", name, today), source.contract.provider.name
    faults = []
    if right is None:
        faults.append(why_not_in_force(facts.rights, "holding", name, today))
    elif right.application_id not in facts.logged_rights:
        faults.append(f"the holding right on '{name}' is not in the black box")
    elif right.application.holder != provider:
        faults.append(f"the holding right on '{name}' is not its provider's")
    if provider not in facts.contract.rights.holders:
        faults.append(f"the contract names no holding right of {provider}, who provides {name}")
    return faults


def _processing_faults(facts: OriginFacts, today: date) -> list[str]:
    right = right_in_force(facts.rights, "processing", facts.component, today)
    if right is None:
        return [why_not_in_force(facts.rights, "processing", facts.component, today)]
    if right.application_id not in facts.logged_rights:
        return [f"the processing right on '{facts.component}' is not in the black box"]
    granted, faults = right.application, []
    beyond = [name for name in facts.sources if name not in granted.resources]
    if beyond:
        faults.append(f"the processing right does not cover {_listed(beyond)}, which the component rests on")
    for use in facts.contract.permitted_uses:
        if use not in granted.purposes:
            faults.append(f"the processing right was granted for other purposes than {use}")
    if granted.holder != facts.contract.rights.processing:
        faults.append(f"the processing right is not that of {facts.contract.rights.processing}")
    return faults


def _consent_faults(name: str, source: SourceFacts) -> list[str]:
    rules, consents, contract = source.contract.consent, source.consents, source.contract
    columns = [*contract.columns, *(each for table in contract.tables for each in table.columns)]
    sensitive = [column.name for column in columns if column.role == "sensitive"]
    if rules is None:
        return [f"{name} rests on consent and does not say what it asks for sensitive data and of minors"]
    faults = []
    if sensitive and rules.sensitive != "separate":
        faults.append(f"{name} asks for no separate consent for {_listed(sensitive)}")
    if consents is not None and consents.without_separate:
        faults.append(f"{consents.without_separate} rows of {name} lack the separate consent for sensitive data")
    if consents is not None and consents.minors_without_guardian:
        faults.append(f"{consents.minors_without_guardian} rows of {name} are of minors without a guardian's consent")
    return faults


def _by_consent(source: SourceFacts) -> bool:
    return source.contract.legal_basis.basis == "consent"


def _today(facts: OriginFacts) -> date:
    if facts.now.tzinfo is None:
        raise ValueError("a time without a zone")
    return facts.now.date()


def _judged(facts: OriginFacts, check: str, faults: Sequence[str], passed: str, evidence: Mapping[str, Any]) -> Finding:
    """Of a check that rests on the time: failed by its faults, else passed where the clock can be trusted."""
    if faults:
        return _finding(check, "fail", "; ".join(faults), evidence)
    return _clocked(facts, check, "pass", passed, evidence)


def _clocked(facts: OriginFacts, check: str, outcome: Outcome, reason: str, evidence: Mapping[str, Any]) -> Finding:
    """An error where the clock stands before what is on record: terms could be made to last by turning it back."""
    latest = facts.latest_on_record
    if latest is not None and facts.now < latest - CLOCK_TOLERANCE:
        told = (
            f"the clock stands before what is in the black box ({latest:%F %T}Z), so no term can be judged; "
            "set it right and run again"
        )
        return _finding(check, "error", told, evidence)
    return _finding(check, outcome, reason, evidence)


def _finding(check: str, outcome: Outcome, reason: str, evidence: Mapping[str, Any]) -> Finding:
    return Finding(check, "origin", outcome, reason, evidence)


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    return ", ".join(found[:NAMES_SHOWN]) + more
