"""What the market's operator does: admit, book funds, decide on participants and disputes, fetch what was cleared."""

from collections.abc import Iterator, Mapping
from typing import Any

from market_api.client.connection import Connection
from market_api.client.values import Deposit, Dispute, EnrolmentCode, Participant, Payout, value_of


class Operating:
    """The operator's side of the market. Every method raises MarketError where the market refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def participants(self, state: str | None = None) -> Iterator[Participant]:
        """All participants, or those of a state, such as 'applied'."""
        return (value_of(Participant, each) for each in self._connection.pages("/v1/participants", state=state))

    def admit(self, participant_id: str, party: str | None = None) -> Participant:
        """Admit an applicant. party: the name under which datasheets know it, which was checked."""
        return value_of(
            Participant, self._connection.post(f"/v1/participants/{participant_id}/admit", {"party": party})
        )

    def refuse(self, participant_id: str, reason: str) -> Participant:
        """Refuse an applicant."""
        return self._decided(participant_id, "refuse", reason)

    def suspend(self, participant_id: str, reason: str) -> Participant:
        """Suspend a participant, which cuts off its next request."""
        return self._decided(participant_id, "suspend", reason)

    def reinstate(self, participant_id: str, reason: str) -> Participant:
        """End a suspension."""
        return self._decided(participant_id, "reinstate", reason)

    def enrolment_code(self, participant_id: str, reason: str, ttl_hours: int = 24) -> EnrolmentCode:
        """Issue a code, told once, by which a participant that lost all its secrets gets another one. reason: how it
        was checked who asks."""
        body = {"reason": reason, "ttl_hours": ttl_hours}
        address = f"/v1/participants/{participant_id}/enrolment-codes"
        return value_of(EnrolmentCode, self._connection.post(address, body))

    def deposit(self, participant_id: str, amount_fen: int, bank_reference: str) -> Deposit:
        """Book a transfer that came in; the same reference is booked once."""
        body = {"amount_fen": amount_fen, "bank_reference": bank_reference}
        return value_of(Deposit, self._connection.post(f"/v1/participants/{participant_id}/deposits", body))

    def deposits(self, participant_id: str) -> Iterator[Deposit]:
        """The transfers that were booked for a participant."""
        return (
            value_of(Deposit, each) for each in self._connection.pages(f"/v1/participants/{participant_id}/deposits")
        )

    def reverse_deposit(self, deposit_id: str, reason: str) -> Deposit:
        """Take a deposit back that was booked wrongly, while its funds are there."""
        return value_of(Deposit, self._connection.post(f"/v1/deposits/{deposit_id}/reverse", {"reason": reason}))

    def payouts(self, state: str | None = "requested") -> Iterator[Payout]:
        """Payouts of all participants, those that wait without another state."""
        return (value_of(Payout, each) for each in self._connection.pages("/v1/payouts", state=state))

    def confirm_payout(self, payout_id: str, bank_reference: str) -> Payout:
        """Record that a payout was transferred."""
        body = {"bank_reference": bank_reference}
        return value_of(Payout, self._connection.post(f"/v1/payouts/{payout_id}/confirm", body))

    def reject_payout(self, payout_id: str, reason: str) -> Payout:
        """Give the amount back to its owner."""
        return value_of(Payout, self._connection.post(f"/v1/payouts/{payout_id}/reject", {"reason": reason}))

    def disputes(self, state: str | None = None) -> Iterator[Dispute]:
        """All disputes, or those of a state, such as 'opened'."""
        return (value_of(Dispute, each) for each in self._connection.pages("/v1/arbitration/disputes", state=state))

    def dispute(self, dispute_id: str) -> Dispute:
        """A dispute, with what was said."""
        return value_of(Dispute, self._connection.get(f"/v1/arbitration/disputes/{dispute_id}"))

    def decide(
        self, dispute_id: str, outcome: str, reason: str, refund_fen: int | None = None, licence: str | None = None
    ) -> Dispute:
        """Decide a dispute, once. outcome: 'upheld' or 'rejected'; refund_fen, licence: of what is upheld, how much
        goes back and whether the licence 'keeps' or 'ends'."""
        told = {"outcome": outcome, "reason": reason, "refund_fen": refund_fen, "licence": licence}
        body = {name: value for name, value in told.items() if value is not None}
        self._connection.post(f"/v1/arbitration/disputes/{dispute_id}/decide", body)
        return self.dispute(dispute_id)

    def cleared_trades(self, until: str) -> Mapping[str, Any]:
        """The signed document of what was cleared before a day, such as '2027-01-01', for the vault's next prices."""
        return self._connection.get("/v1/oversight/cleared-trades", until=until)

    def verification(self) -> Mapping[str, Any]:
        """Whether the black box stands against its signatures and its witness, now."""
        return self._connection.get("/v1/oversight/log/verification")

    def _decided(self, participant_id: str, event: str, reason: str) -> Participant:
        address = f"/v1/participants/{participant_id}/{event}"
        return value_of(Participant, self._connection.post(address, {"reason": reason}))
