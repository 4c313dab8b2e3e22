"""A pull over HTTP: permitted, made ready, counted, and only then served."""

import base64
from collections.abc import Mapping
from contextlib import suppress

from fastapi import Request
from fastapi.responses import Response

from market_api.callers import Caller
from market_api.delivery.copies import HeldCopy, form_copy
from market_api.delivery.forms import FORMS
from market_api.delivery.guarded import Cause, GuardedFile
from market_api.delivery.manifests import CopyFile
from market_api.delivery.ranges import Span, content_range, span_of
from market_api.entitlements.metering import Delivery, deliver
from market_api.entitlements.standing import cause_against, standing_of
from market_api.entitlements.usable import Permit, usable
from market_api.market import Market
from market_api.problems import Problem
from market_api.web.answers import answer_of, id_of

ETAG_DIGITS = 32


def pulled(caller: Caller, component: str, form: str, number: int | None) -> Response:
    """The data of a component in a form, whole or a range. number: of the release, else the current one.

    Only an answer that carries data is counted. Raises Problem as `usable`, `form_copy` and `deliver` do.
    """
    market, at = caller.market, caller.market.clock()
    permit = market.read(
        lambda connection: usable(connection, market.settings, caller.participant_id, component, at, number)
    )
    copy = form_copy(market, permit, form)
    (file,) = copy.manifest.files
    headers = {**file_headers(file, permit.release_id), **_download_headers(permit, form)}
    span = asked_span(caller.request, headers["ETag"], file.bytes)
    if span.status == 304:
        return not_modified(headers)
    if span.status == 416:
        problem, told = unsatisfiable(file.bytes)
        return answer_of(problem, id_of(caller.request), told)
    if caller.request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Length": str(file.bytes)}, FORMS[form].media_type)
    delivery = permit.delivery or _counted(market, permit, copy)
    headers = {**headers, "Jinku-Delivery": delivery.delivery_id, "Content-Type": FORMS[form].media_type}
    return sent_file(market, copy, file, span, headers, delivery)


def file_headers(file: CopyFile, release_id: str) -> dict[str, str]:
    """What is told of a file whatever part of it is asked for; its digest is that of the whole (RFC 9530)."""
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": f'"{release_id}-{file.sha256[:ETAG_DIGITS]}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Repr-Digest": f"sha-256=:{digest}:",
    }


def asked_span(request: Request, etag: str, size_bytes: int) -> Span:
    """What of a file a request asks for; a request for the head alone asks for no range."""
    headers = {name: value for name, value in request.headers.items() if request.method != "HEAD" or name != "range"}
    return span_of(headers, etag, size_bytes)


def not_modified(headers: Mapping[str, str]) -> Response:
    """The answer to whoever has this version already."""
    return Response(None, 304, {name: headers[name] for name in ("ETag", "Cache-Control")})


def unsatisfiable(size_bytes: int) -> tuple[Problem, Mapping[str, str]]:
    """The refusal of a range that begins after the end, and its headers."""
    told = {"Content-Range": f"bytes */{size_bytes}"}
    return Problem("range_not_satisfiable", f"The file has {size_bytes} bytes.", "Range"), told


def sent_file(
    market: Market, copy: HeldCopy, file: CopyFile, span: Span, headers: Mapping[str, str], delivery: Delivery
) -> Response:
    """A file of a copy, or a range of it, sent while its delivery is permitted."""
    ranged = {"Content-Range": content_range(span, file.bytes)} if span.status == 206 else {}
    cause = _cause_of(market, delivery)
    return GuardedFile(copy.path(file), span.first, span.stop, span.status, {**headers, **ranged}, cause)


def _download_headers(permit: Permit, form: str) -> dict[str, str]:
    name = f"{permit.release_id}.{FORMS[form].suffix}"
    return {"Jinku-Release": permit.release_id, "Content-Disposition": f'attachment; filename="{name}"'}


def _counted(market: Market, permit: Permit, copy: HeldCopy) -> Delivery:
    return market.act(
        permit.participant_id,
        lambda transaction: deliver(transaction, permit.entitlement_id, permit.number, copy.manifest.hash, "http"),
    )


def _cause_of(market: Market, delivery: Delivery) -> Cause:
    """Asks whether a delivery still is permitted; a refusal is logged in the black box. Where the database does not
    answer, it is not."""

    def asked() -> str | None:
        try:
            standing = market.read(
                lambda connection: standing_of(connection, delivery.entitlement_id, delivery.release_number)
            )
        except Problem as problem:
            return problem.code
        if (cause := cause_against(standing, market.clock())) is None:
            return None
        told = {"delivery_id": delivery.delivery_id, "cause": cause.name}
        with suppress(Problem):
            market.act("market", lambda transaction: transaction.log("delivery.cut_off", delivery.entitlement_id, told))
        return cause.name

    return asked
