"""What evaluators do: look at open disputes in which they have no part, and say what they found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from market_api.client.connection import Connection
from market_api.client.values import Dispute, Evidence, value_of

ADDRESS = "/v1/evaluation/disputes"


class Evaluating:
    """The evaluator's side of the market. Every method raises MarketError where the market refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def disputes(self) -> Iterator[Dispute]:
        """The disputes that are open."""
        return (value_of(Dispute, each) for each in self._connection.pages(ADDRESS))

    def dispute(self, dispute_id: str) -> Dispute:
        """An open dispute, with what was said."""
        return value_of(Dispute, self._connection.get(f"{ADDRESS}/{dispute_id}"))

    def entries(self, dispute_id: str) -> Iterator[Evidence]:
        """The entries of the black box about the sale, to be referred to."""
        return (value_of(Evidence, each) for each in self._connection.pages(f"{ADDRESS}/{dispute_id}/entries"))

    def say(self, dispute_id: str, statement: str, evidence: Sequence[Mapping[str, Any]] = ()) -> Dispute:
        """Say what one found."""
        body = {"statement": statement, "evidence": list(evidence)}
        self._connection.post(f"{ADDRESS}/{dispute_id}/statements", body)
        return self.dispute(dispute_id)
