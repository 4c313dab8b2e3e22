"""Licence terms as requests carry them."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from market_api.fields import RequestModel
from market_api.problems import Problem
from market_api.trading.terms import PULLS_MAX, TERM_DAYS_MAX, USERS_MAX, Terms

PURPOSES_MAX = 20
EXAMPLE: JsonDict = {"purposes": ["transport_planning"], "users": 3, "term_days": 365, "pulls": 12}

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class TermsRequest(RequestModel):
    """What is asked for: for which purposes, how many users, how long, how often."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=PURPOSES_MAX)]
    users: Annotated[int, Field(ge=1, le=USERS_MAX)] = 1
    term_days: Annotated[int, Field(ge=1, le=TERM_DAYS_MAX, description="From the sale on")] = 365
    exclusive_days: Annotated[int, Field(ge=0, le=TERM_DAYS_MAX, description="How long nobody else may buy it")] = 0
    pulls: Annotated[int, Field(ge=1, le=PULLS_MAX)] | None = 12
    updates: Annotated[bool, Field(description="Whether later releases within the term are included")] = True

    def terms(self) -> Terms:
        """The terms. Raises Problem `invalid_request` where they contradict each other."""
        try:
            return Terms.read(self.model_dump())
        except ValueError as error:
            raise Problem("invalid_request", f"The terms do not fit together: {error}.", "terms") from None
