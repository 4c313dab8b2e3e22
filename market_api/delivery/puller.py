"""Who pulls: a participant with an access token, or with the pull token of its Delta Sharing profile."""

from typing import Any

from fastapi import Depends, Request

from market_api.callers import Caller
from market_api.identity.authentication import authenticated, bears_pull_token, pull_credential

ACT = "data.pull"


def puller(request: Request) -> Caller:
    """The caller where it may pull. Raises Problem `unauthenticated`, `rate_limited` and `not_permitted`."""
    caller = pull_credential(request) if bears_pull_token(request) else authenticated(request)
    caller.require(ACT)
    return caller


puller.act = ACT  # type: ignore[attr-defined]  # for the test that holds every route to the table
PULLER: Any = Depends(puller)
"""The dependency of every endpoint that gives data."""
