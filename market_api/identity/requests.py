"""What requests about participants and credentials say."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from market_api.fields import KEPT, NAME_CHARACTERS_MAX, Identifier, Name, Reason, RequestModel
from market_api.identity.enrolment import TTL_HOURS, TTL_HOURS_MAX
from market_api.identity.external import SUBJECT
from market_api.identity.names import registered_name

NameToRegister = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(registered_name)]
Taxpayer = Literal["general", "small_scale", "none"]
Scope = Literal["account", "catalogue", "provide", "trade", "pull", "evaluate", "operate", "regulate"]
PULL_DAYS_MAX = 366
CODE_CHARACTERS_MAX = 128


def registration_id(value: str) -> str:
    """A registration id as it is compared: great letters and digits alone. Raises ValueError for anything else."""
    composed = unicodedata.normalize("NFKC", value).upper().replace(" ", "").replace("-", "")
    if not (composed.isascii() and composed.isalnum() and 6 <= len(composed) <= 30):
        raise ValueError("it is no registration id: 6 to 30 letters and digits")
    return composed


Registration = Annotated[str, Field(min_length=6, max_length=64), AfterValidator(registration_id)]


class ApplicationRequest(RequestModel):
    """Whoever wants to take part. owner_registration: the registration id of the beneficial owner, such as its unified
    social credit code; it is kept as a keyed hash."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "role": "app_developer",
                    "registered_name": "城市出行科技有限公司",
                    "taxpayer": "general",
                    "owner_registration": "91350100M000100Y43",
                }
            ]
        }
    )

    role: Literal["provider", "developer", "app_developer", "evaluator"]
    registered_name: NameToRegister
    taxpayer: Taxpayer
    owner_registration: Registration | None = None


class EnrolmentRequest(RequestModel):
    """Another operator, or a regulator: roles that nobody applies for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "regulator", "registered_name": "Data Bureau, Market Supervision"}]}
    )

    role: Literal["operator", "regulator"]
    registered_name: NameToRegister


class AdmissionRequest(RequestModel):
    """party: the name under which datasheets know the participant, once it was confirmed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"party": "team:mobility"}]})

    party: Name | None = None


class ReasonRequest(RequestModel):
    """Why something is decided; the participant is told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The licence to operate has ended."}]})

    reason: Reason


class LinkRequest(RequestModel):
    """subject: as the external OpenID issuer names the participant; none ends the link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subject": "b7c1f0de-4a0b-4c06-9d0e-2a1f"}]})

    subject: Annotated[str, Field(pattern=f"^{SUBJECT.pattern}$")] | None


class EnrolmentCodeRequest(RequestModel):
    """reason: how it was checked who asks; ttl_hours: how long the code is good."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Called back at the number on record.", "ttl_hours": 24}]}
    )

    reason: Reason
    ttl_hours: Annotated[int, Field(ge=1, le=TTL_HOURS_MAX)] = TTL_HOURS


class AnewRequest(RequestModel):
    """Who enrols anew, by the code that the operator has handed over."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client_id": "par_019ac4d2b8000123456789abcdef",
                    "enrolment_code": "jinku_enrol_3q2-7wABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk",
                }
            ]
        }
    )

    client_id: Identifier
    enrolment_code: Annotated[str, Field(min_length=1, max_length=CODE_CHARACTERS_MAX, pattern=KEPT)]


class SecretRequest(RequestModel):
    """scopes: the most that the secret is to give, all of the caller's where they are not named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scopes": ["catalogue", "trade"]}]})

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=8, strict=False)] | None = None


class PullTokenRequest(RequestModel):
    """ttl_days: how long the token is good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ttl_days": 90}]})

    ttl_days: Annotated[int, Field(ge=1, le=PULL_DAYS_MAX)] = 90
