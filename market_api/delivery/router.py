"""The address at which a component's data are pulled over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from market_api.callers import Caller
from market_api.delivery.forms import FORMS, Form
from market_api.delivery.puller import PULLER
from market_api.delivery.pulling import pulled

router = APIRouter(tags=["data"])

BINARY = {"schema": {"type": "string", "format": "binary"}}
WHOLE: dict[str, Any] = {
    "description": "The data, whole; the header `ETag` names the release and the file",
    "content": {kind.media_type.partition(";")[0]: BINARY for kind in FORMS.values()},
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: WHOLE,
    206: {**WHOLE, "description": "The range of bytes that was asked for"},
    304: {"description": "You have this version already; nothing was counted"},
    416: {"description": "The range begins after the end of the file; nothing was counted"},
}

Component = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["zone_hourly_mobility"])]
Release = Annotated[int | None, Query(ge=1, le=10**9, description="Number of the release; the current one otherwise")]


@router.get("/v1/components/{component}/data", summary="Pull", response_class=Response, responses=RESPONSES)
def pull(
    component: Component, caller: Annotated[Caller, PULLER], format: Form = "parquet", release: Release = None
) -> Response:
    """The data of a component that you are entitled to, as one file with your own marks.

    Takes Range, If-Range and If-None-Match. The first answer with data counts one pull of your licence; for an hour the
    same release may then be asked for again, whole, in ranges and in any format, and is not counted again.
    """
    return pulled(caller, component, format, release)


@router.head("/v1/components/{component}/data", summary="Ask for size and version", include_in_schema=False)
def pull_head(
    component: Component, caller: Annotated[Caller, PULLER], format: Form = "parquet", release: Release = None
) -> Response:
    """Its size and version; nothing is counted."""
    return pulled(caller, component, format, release)
