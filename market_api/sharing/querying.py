"""Reading a table by the protocol: its version, its columns, and the addresses of its files, which counts a pull."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from market_api.callers import Caller
from market_api.delivery.copies import parts_copy
from market_api.delivery.manifests import CopyFile
from market_api.entitlements.metering import deliver
from market_api.entitlements.usable import Permit, usable
from market_api.fields import Moment
from market_api.market import Market
from market_api.sharing.addresses import FILE_DIGITS, TTL, FileAddress, milliseconds, token_of
from market_api.sharing.answers import VERSION, Line, file_line, lines_answer, metadata_line, protocol_line
from market_api.sharing.protocol import unsupported
from market_api.sharing.tables import version_at, version_from

FILES = "/delta-sharing/files/"
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class QueryRequest(BaseModel):
    """What is asked of a table. Members that are not known are ignored, as the protocol wants; so are the predicates,
    which are hints: whoever gave them applies them to what comes."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        json_schema_extra={"examples": [{"limitHint": 1000, "version": 3}]},
    )

    predicate_hints: list[str] | None = None
    json_predicate_hints: str | None = None
    limit_hint: Count | None = None
    version: Count | None = None
    timestamp: Moment | None = None
    starting_version: Count | None = None


def version_answer(caller: Caller, component: str, starting: datetime | None) -> Response:
    """The number of the current release, or of the earliest one since a moment, in a header. Raises Problem."""
    at, settings, holder = caller.market.clock(), caller.market.settings, caller.participant_id

    def asked(connection: sa.Connection) -> Permit:
        number = None if starting is None else version_from(connection, holder, component, starting)
        return usable(connection, settings, holder, component, at, number, is_pull=False)

    return Response(None, 200, {VERSION: str(caller.market.read(asked).number)})


def metadata_answer(caller: Caller, component: str) -> Response:
    """What the current release is; nothing is made or counted. Raises Problem."""
    market, at = caller.market, caller.market.clock()
    permit = market.read(
        lambda connection: usable(connection, market.settings, caller.participant_id, component, at, is_pull=False)
    )
    return lines_answer(permit.number, [protocol_line(), _metadata(market, permit)])


def query_answer(caller: Caller, component: str, request: QueryRequest) -> Response:
    """The addresses of a release's files, good for a quarter of an hour; asking again within the delivery's life gives
    new ones uncounted. Raises Problem."""
    if request.starting_version is not None:
        return unsupported("Releases are read whole, one version at a time: there is no feed of changes.")
    market, at = caller.market, caller.market.clock()
    permit = market.read(lambda connection: _permit(connection, caller, component, request, at))
    lines = [protocol_line()]
    if request.limit_hint == 0:
        return lines_answer(permit.number, [*lines, _metadata(market, permit)])
    copy = parts_copy(market, permit)
    delivery = permit.delivery or market.act(
        permit.participant_id,
        lambda transaction: deliver(
            transaction, permit.entitlement_id, permit.number, copy.manifest.hash, "delta-sharing"
        ),
    )
    is_versioned = request.version is not None or request.timestamp is not None
    version = permit.number if is_versioned else None
    lines.append(metadata_line(permit.signed.document, market.settings.public_url, copy.manifest.files, version))
    files = _enough(copy.manifest.files, request.limit_hint)
    return lines_answer(
        permit.number, [*lines, *_file_lines(market, permit, delivery.delivery_id, files, at, is_versioned)]
    )


def _permit(connection: sa.Connection, caller: Caller, component: str, request: QueryRequest, at: datetime) -> Permit:
    number = request.version
    if number is None and request.timestamp is not None:
        number = version_at(connection, caller.participant_id, component, request.timestamp)
    is_pull = request.limit_hint != 0
    return usable(connection, caller.market.settings, caller.participant_id, component, at, number, is_pull=is_pull)


def _metadata(market: Market, permit: Permit) -> Line:
    return metadata_line(permit.signed.document, market.settings.public_url)


def _enough(files: Sequence[CopyFile], limit: int | None) -> Sequence[CopyFile]:
    """The first files, until they hold as many rows as are wanted."""
    rows = 0
    for place, each in enumerate(files):
        rows += each.rows
        if limit is not None and rows >= limit:
            return files[: place + 1]
    return files


def _file_lines(
    market: Market,
    permit: Permit,
    delivery_id: str,
    files: Sequence[CopyFile],
    at: datetime,
    is_versioned: bool,
) -> list[Line]:
    ends = min(at + TTL, datetime.fromisoformat(permit.entitlement.valid_until))
    expires_ms = milliseconds(ends)
    listed_ms = milliseconds(datetime.fromisoformat(permit.listing.created_at))
    at_version = {"version": permit.number, "timestamp": listed_ms} if is_versioned else {}
    return [
        file_line(
            each, _url(market, FileAddress(delivery_id, each.sha256[:FILE_DIGITS], expires_ms)), expires_ms, at_version
        )
        for each in files
    ]


def _url(market: Market, address: FileAddress) -> str:
    return f"{market.settings.public_url}{FILES}{token_of(market.keys.addresses, address)}"
