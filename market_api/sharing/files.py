"""Sending a file whose address was given by a query: the address says which delivery, the delivery which file."""

from fastapi import Request
from fastapi.responses import Response

from market_api.delivery.copies import PARTS, HeldCopy, copy_folder
from market_api.delivery.forms import FORMS
from market_api.delivery.manifests import Manifest, is_whole, read_manifest
from market_api.delivery.pulling import asked_span, file_headers, not_modified, sent_file, unsatisfiable
from market_api.entitlements.metering import Delivery, delivery_of
from market_api.entitlements.standing import require_permitted, standing_of
from market_api.market import Market
from market_api.problems import Problem
from market_api.sharing.addresses import read_token
from market_api.sharing.protocol import refused

MEDIA_TYPE = FORMS["parquet"].media_type


def file_answer(market: Market, request: Request, token: str) -> Response:
    """A file of a delivery, whole or a range, while it is permitted.

    Raises Problem `not_found`, also where the copy is not there any more, and `not_entitled`.
    """
    at = market.clock()
    address = read_token(market.keys.addresses, token, at)
    delivery = market.read(lambda connection: delivery_of(connection, address.delivery_id))
    if delivery is None:
        raise Problem("not_found", "There is no such delivery.")
    number = delivery.release_number
    require_permitted(market.read(lambda connection: standing_of(connection, delivery.entitlement_id, number)), at)
    request.state.participant_id = delivery.participant_id
    copy = _copy_of(market, delivery)
    file = next((each for each in copy.manifest.files if each.sha256.startswith(address.file)), None)
    if file is None:
        raise _gone()
    headers = {**file_headers(file, copy.manifest.release), "Content-Type": MEDIA_TYPE}
    span = asked_span(request, headers["ETag"], file.bytes)
    if span.status == 304:
        return not_modified(headers)
    if span.status == 416:
        return refused(*unsatisfiable(file.bytes))
    if request.method == "HEAD":
        return Response(None, 200, {**headers, "Content-Length": str(file.bytes)})
    return sent_file(market, copy, file, span, headers, delivery)


def _copy_of(market: Market, delivery: Delivery) -> HeldCopy:
    folder = copy_folder(market.settings.copies, delivery.entitlement_id, delivery.release_number, PARTS)
    manifest = read_manifest(folder, market.keys.signing.public_key())
    if manifest is None or not _is_of(manifest, delivery) or not is_whole(folder, manifest):
        raise _gone()
    return HeldCopy(folder, manifest)


def _is_of(manifest: Manifest, delivery: Delivery) -> bool:
    release = f"{delivery.component}@{delivery.release_number}"
    told = (manifest.entitlement, manifest.participant, manifest.release, manifest.form)
    return told == (delivery.entitlement_id, delivery.participant_id, release, PARTS)


def _gone() -> Problem:
    return Problem("not_found", "The copy is not there any more; query the table again for the addresses of its files.")
