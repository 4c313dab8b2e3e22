"""Whoever applies, and asks for tokens, as a client does it."""

from itertools import count
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.market_api.builders import Participant

_keys = count(1)

Answer = dict[str, Any]


def application_of(**changes: Any) -> Answer:
    """The body of an application."""
    return {"role": "app_developer", "registered_name": "Riverside Transit Ltd", "taxpayer": "general", **changes}


def apply(client: TestClient, key: str | None = None, **changes: Any) -> Response:
    """Apply; the key of the request is new unless it is named."""
    headers = {"Idempotency-Key": key or f"application-{next(_keys)}"}
    return client.post("/v1/applications", json=application_of(**changes), headers=headers)


def applied(client: TestClient, **changes: Any) -> Answer:
    """An application that was taken: participant_id, client_secret."""
    answer = apply(client, **changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def decide(
    client: TestClient, by: Participant, participant_id: str, event: str, body: Answer | None = None
) -> Response:
    """What an operator or a regulator decides on a participant."""
    told = {} if event == "admit" else {"reason": f"reason to {event}"}
    return client.post(f"/v1/participants/{participant_id}/{event}", json=body or told, headers=by.changing)


def admitted(client: TestClient, operator: Participant, **changes: Any) -> Answer:
    """An application that was taken and admitted."""
    application = applied(client, **changes)
    answer = decide(client, operator, application["participant_id"], "admit")
    assert answer.status_code == 200, answer.text
    return application


def ask_token(client: TestClient, client_id: str, secret: str, **form: str) -> Response:
    """Ask for a token with the secret in the form."""
    return client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **form},
    )


def token_of(client: TestClient, application: Answer, **form: str) -> str:
    """A token."""
    answer = ask_token(client, application["participant_id"], application["client_secret"], **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def bearing(token: str) -> dict[str, str]:
    """The header of a request with a token."""
    return {"Authorization": f"Bearer {token}"}


def changing(token: str) -> dict[str, str]:
    """The headers of a changing request with a token."""
    return {**bearing(token), "Idempotency-Key": f"request-{next(_keys)}"}
