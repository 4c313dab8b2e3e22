"""The addresses of Delta Sharing, below /delta-sharing: what a profile's `endpoint` names."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from market_api.callers import Caller, market_of
from market_api.delivery.puller import PULLER
from market_api.fields import KEPT, Moment
from market_api.sharing import tables
from market_api.sharing.files import file_answer
from market_api.sharing.protocol import SharingRoute, unsupported
from market_api.sharing.querying import QueryRequest, metadata_answer, query_answer, version_answer
from market_api.sharing.tables import RESULTS, Page
from market_api.web.rate_limit import OPEN

router = APIRouter(prefix="/delta-sharing", tags=["delta sharing"], route_class=SharingRoute)

Name = Annotated[str, Path(min_length=1, max_length=255, pattern=KEPT)]
MaxResults = Annotated[int, Query(alias="maxResults", ge=0, le=2**31 - 1)]
PageToken = Annotated[str, Query(alias="pageToken", max_length=200)]
Capabilities = Annotated[str, Header(alias="delta-sharing-capabilities", max_length=2_000)]
Puller = Annotated[Caller, PULLER]

TABLE = "/shares/{share}/schemas/{schema}/tables/{table}"
NDJSON: dict[int | str, dict[str, Any]] = {
    200: {"description": "Lines of JSON", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}
ONLY_DELTA = (
    "The market answers in the parquet format, which was not asked for: "
    "send 'delta-sharing-capabilities: responseformat=parquet', or none."
)


@router.get("/shares", summary="List shares")
def list_shares(caller: Puller, max_results: MaxResults = RESULTS, page_token: PageToken = "") -> Mapping[str, Any]:
    """The one share of your entitlements."""
    return tables.one_page([tables.share(tables.SHARE)], Page(max_results, page_token))


@router.get("/shares/{share}", summary="One share")
def show_share(share: Name, caller: Puller) -> Mapping[str, Any]:
    """The share of a name."""
    return {"share": tables.share(share)}


@router.get("/shares/{share}/schemas", summary="List schemas")
def list_schemas(
    share: Name, caller: Puller, max_results: MaxResults = RESULTS, page_token: PageToken = ""
) -> Mapping[str, Any]:
    """The one schema of the share."""
    return tables.one_page([tables.schema(share, tables.SCHEMA)], Page(max_results, page_token))


@router.get("/shares/{share}/schemas/{schema}/tables", summary="List tables")
def list_tables(
    share: Name, schema: Name, caller: Puller, max_results: MaxResults = RESULTS, page_token: PageToken = ""
) -> Mapping[str, Any]:
    """A table for each component that you are entitled to now."""
    tables.schema(share, schema)
    return _tables(caller, Page(max_results, page_token))


@router.get("/shares/{share}/all-tables", summary="List all tables of a share")
def list_all_tables(
    share: Name, caller: Puller, max_results: MaxResults = RESULTS, page_token: PageToken = ""
) -> Mapping[str, Any]:
    """A table for each component that you are entitled to now."""
    tables.share(share)
    return _tables(caller, Page(max_results, page_token))


@router.get(f"{TABLE}/version", summary="Version of a table", response_class=Response)
def show_version(
    share: Name,
    schema: Name,
    table: Name,
    caller: Puller,
    starting: Annotated[Moment | None, Query(alias="startingTimestamp")] = None,
) -> Response:
    """In the header Delta-Table-Version: the number of the current release, or of the earliest one since a moment."""
    tables.schema(share, schema)
    return version_answer(caller, table.lower(), starting)


@router.get(f"{TABLE}/metadata", summary="Columns of a table", response_class=Response, responses=NDJSON)
def show_metadata(share: Name, schema: Name, table: Name, caller: Puller, capabilities: Capabilities = "") -> Response:
    """Two lines: the protocol, and what the current release is."""
    tables.schema(share, schema)
    return metadata_answer(caller, table.lower()) if takes_parquet(capabilities) else unsupported(ONLY_DELTA)


@router.post(f"{TABLE}/query", summary="Files of a table", response_class=Response, responses=NDJSON)
def query_table(
    share: Name,
    schema: Name,
    table: Name,
    caller: Puller,
    query: QueryRequest | None = None,
    capabilities: Capabilities = "",
) -> Response:
    """The addresses of a release's files. The first answer counts one pull of your licence; new addresses of the same
    release are not counted for an hour."""
    tables.schema(share, schema)
    if not takes_parquet(capabilities):
        return unsupported(ONLY_DELTA)
    return query_answer(caller, table.lower(), query or QueryRequest())


@router.get(f"{TABLE}/changes", summary="Changes of a table", response_class=Response)
def show_changes(share: Name, schema: Name, table: Name, caller: Puller) -> Response:
    """There are none: a release is read whole."""
    tables.schema(share, schema)
    return unsupported("Releases are read whole, one version at a time: there is no feed of changes.")


@router.get("/files/{token}", summary="One file", dependencies=[OPEN], response_class=Response)
def show_file(token: Annotated[str, Path(max_length=200)], request: Request) -> Response:
    """A file whose address a query gave; takes Range and If-Range. The address itself is what permits it."""
    return file_answer(market_of(request), request, token)


@router.head("/files/{token}", dependencies=[OPEN], include_in_schema=False)
def show_file_head(token: Annotated[str, Path(max_length=200)], request: Request) -> Response:
    """Its size and version."""
    return file_answer(market_of(request), request, token)


def takes_parquet(capabilities: str) -> bool:
    """Whether a client takes the parquet format: it says so, or names no format."""
    for each in capabilities.split(";"):
        key, _, values = each.partition("=")
        if key.strip().lower() == "responseformat":
            return "parquet" in [value.strip().lower() for value in values.split(",")]
    return True


def _tables(caller: Caller, asked: Page) -> Mapping[str, Any]:
    at = caller.market.clock()
    return caller.market.read(lambda connection: tables.tables_page(connection, caller.participant_id, at, asked))
