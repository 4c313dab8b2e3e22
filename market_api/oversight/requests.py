"""What requests of the regulator say."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from market_api.fields import Fen, Moment, Reason, RequestModel
from market_api.oversight.market_factor import Asked
from vault.contract import ApplicationField

Component = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["zone_hourly_mobility"])]
Quarter = Annotated[str, Field(pattern=r"^2[0-9]{3}q[1-4]$", examples=["2026q4"])]
FlagId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class CaseRequest(RequestModel):
    """A flag to be looked into, and why. begins, ends: of the period over which it was screened."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "flag_id": "4f" * 16,
                    "begins": "2026-10-01T00:00:00Z",
                    "ends": "2027-01-01T00:00:00Z",
                    "reason": "Two companies of one owner set the price of the quarter.",
                }
            ]
        }
    )

    flag_id: FlagId
    begins: Moment | None = None
    ends: Moment | None = None
    reason: Reason


class CaseDecisionRequest(RequestModel):
    """What the case came to, and why. A freeze is an act of its own, on the listing or the participant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "unfounded", "reason": "The sales were pulled a day later."}]}
    )

    decision: Literal["unfounded", "warned", "frozen", "referred"]
    reason: Reason


class PermittedRevenueRequest(RequestModel):
    """What a component under a guided price may earn in a quarter, tax included, before what is clawed back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "component": "zone_hourly_mobility",
                    "period": "2026q4",
                    "operating_cost_fen": 40_000_000,
                    "permitted_profit_fen": 3_200_000,
                    "tax_fen": 2_600_000,
                    "reason": "As audited for the year 2025.",
                }
            ]
        }
    )

    component: Component
    period: Quarter
    operating_cost_fen: Fen
    permitted_profit_fen: Fen
    tax_fen: Fen
    reason: Reason


class BetaRequest(RequestModel):
    """β of P² for a component or an application field, from a quarter to come to another one, and why. Without β,
    earlier records are taken back and the formula holds again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "component": "zone_hourly_mobility",
                    "beta": "1.1",
                    "first_epoch": "2027q1",
                    "last_epoch": "2027q2",
                    "reason": "Two of three providers have left the market.",
                }
            ]
        }
    )

    component: Component | None = None
    field: ApplicationField | None = None
    beta: Annotated[str, Field(pattern=r"^[0-9](\.[0-9]{1,6})?$", examples=["1.1"])] | None = None
    first_epoch: Quarter
    last_epoch: Quarter
    reason: Reason

    def asked(self) -> Asked:
        """The same as the market knows it."""
        beta = None if self.beta is None else Fraction(self.beta)
        return Asked(beta, self.first_epoch, self.last_epoch, self.reason, self.component, self.field)
