"""What the listing lint found about a component, in words. Source: models §4.3."""

from orchestration.valuation.figures import money
from vault.valuations import Valuation


def findings_in_words(valuation: Valuation) -> tuple[str, ...]:
    """What the lint found about a component: for what it offers, others ask less."""
    told = []
    for finding in valuation.document["lint"]:
        dearer, dearer_fen = finding["dearer_id"], money(finding["dearer_fen"])
        cheaper, cheaper_fen = " and ".join(finding["cheaper_ids"]), money(finding["cheaper_fen"])
        if finding["kind"] == "superset_cheaper":
            told.append(
                f"{cheaper} holds all that {dearer} does and more, and costs less: {cheaper_fen} to {dearer_fen}"
            )
        else:
            told.append(f"{cheaper} together hold what {dearer} does, and cost less: {cheaper_fen} to {dearer_fen}")
    return tuple(told)
