"""What parties, evaluators and arbiters do to disputes, called as the market's functions."""

from collections.abc import Mapping
from typing import Any

from market_api.disputes.deciding import decide
from market_api.disputes.opening import add_evaluation, add_party_statement, open_dispute
from market_api.disputes.requests import DecisionRequest, DisputeRequest, StatementRequest
from tests.market_api.builders import Participant
from tests.market_api.sales import Sale

STATEMENT = "Zone 7 is missing from every hour of November."


def request(order_id: str, statement: str = STATEMENT, evidence: list[Any] | None = None) -> DisputeRequest:
    return DisputeRequest(order_id=order_id, ground="quality", statement=statement, evidence=evidence or [])


def opened(
    sale: Sale,
    by: Participant | None = None,
    order_id: str | None = None,
    statement: str = STATEMENT,
    evidence: list[Any] | None = None,
) -> str:
    """A dispute about the sale, opened by its buyer unless by another; gives its name."""
    caller = (by or sale.buyer).participant_id
    asked = request(order_id or sale.order_id, statement, evidence)
    return str(sale.market.act(caller, lambda t: open_dispute(t, caller, asked))["dispute_id"])


def say(sale: Sale, dispute_id: str, by: Participant, evidence: list[Any] | None = None) -> Mapping[str, Any]:
    said = StatementRequest(statement="See for yourself.", evidence=evidence or [])
    name = by.participant_id
    return sale.market.act(name, lambda t: add_party_statement(t, name, dispute_id, said))


def evaluate(sale: Sale, dispute_id: str, by: Participant) -> Mapping[str, Any]:
    found, name = StatementRequest(statement="29 of 30 zones were delivered."), by.participant_id
    return sale.market.act(name, lambda t: add_evaluation(t, name, dispute_id, found))


def upheld(refund_fen: int, licence: str = "ends") -> DecisionRequest:
    return DecisionRequest(outcome="upheld", refund_fen=refund_fen, licence=licence, reason="One zone is missing.")  # type: ignore[arg-type]


REJECTED = DecisionRequest(outcome="rejected", reason="The datasheet says so.")


def decided(sale: Sale, dispute_id: str, decision: DecisionRequest, by: Participant | None = None) -> Mapping[str, Any]:
    arbiter = (by or sale.operator).participant_id
    return sale.market.act(arbiter, lambda t: decide(t, arbiter, dispute_id, decision))
