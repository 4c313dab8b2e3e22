"""The protocol over HTTP: what a participant sees, what it is counted, and how it is refused."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.delivery import parts
from market_api.entitlements.changing import revoke, suspend
from market_api.entitlements.tables import entitlements
from market_api.sharing.router import takes_parquet
from tests.market_api.builders import NOON, a_participant, renewed, served, suspended
from tests.market_api.delivery.pulls import (
    DATA,
    TERMS,
    Bought,
    bought,
    deliveries_of,
    listed,
    moved,
    pull_token,
    pulls_used,
    sold,
)
from tests.market_api.delivery.releases import NAME

ROOT = "/delta-sharing"
TABLE = f"{ROOT}/shares/jinku/schemas/components/tables/{NAME}"


class Reader:
    """A client of the protocol with a pull token."""

    def __init__(self, of: Bought, client: TestClient | None = None) -> None:
        self.client = client or served(of.market)
        self.headers = {"Authorization": f"Bearer {pull_token(of.market, of.buyer)}"}

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(address, headers={**self.headers, **headers})

    def query(self, address: str = f"{TABLE}/query", **body: Any) -> Any:
        return self.client.post(address, json=body, headers=self.headers)

    def lines(self, **body: Any) -> list[dict[str, Any]]:
        answer = self.query(**body)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def urls(self, **body: Any) -> list[str]:
        return [line["file"]["url"] for line in self.lines(**body) if "file" in line]


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path) -> Bought:
    return bought(tmp_path, pulled_home)


@pytest.fixture
def reader(own: Bought) -> Reader:
    return Reader(own)


def refusal(answer: Any) -> tuple[int, str]:
    told = answer.json()
    assert set(told) == {"errorCode", "message"}, told
    return answer.status_code, told["errorCode"]


def used(own: Bought) -> int:
    return pulls_used(own.market, own.entitlement_id)


def test_there_is_one_share_with_one_schema(reader: Reader) -> None:
    assert reader.get(f"{ROOT}/shares").json() == {"items": [{"name": "jinku"}]}
    assert reader.get(f"{ROOT}/shares/JINKU").json() == {"share": {"name": "jinku"}}
    schemas = reader.get(f"{ROOT}/shares/jinku/schemas").json()
    assert schemas == {"items": [{"name": "components", "share": "jinku"}]}
    table = {"name": NAME, "schema": "components", "share": "jinku"}
    assert reader.get(f"{ROOT}/shares/jinku/schemas/Components/tables").json() == {"items": [table]}
    assert reader.get(f"{ROOT}/shares/jinku/all-tables").json() == {"items": [table]}


def test_a_table_is_read_on_both_databases(tmp_path: Path, pulled_home: Path, database_url: str | None) -> None:
    own = bought(tmp_path, pulled_home, database_url=database_url)
    reader = Reader(own)
    tables = reader.get(f"{ROOT}/shares/jinku/all-tables?maxResults=1").json()
    assert [each["name"] for each in tables["items"]] == [NAME]
    (url,) = reader.urls(timestamp="2026-11-27T12:00:00Z")
    assert reader.client.get(url).status_code == 200 and used(own) == 1
    own.market.act("market", lambda transaction: suspend(transaction, own.entitlement_id, "under dispute"))
    assert reader.client.get(url).status_code == 403


def test_what_is_not_there_is_not_found_in_the_form_of_the_protocol(reader: Reader) -> None:
    for address in (
        f"{ROOT}/shares/other",
        f"{ROOT}/shares/other/schemas",
        f"{ROOT}/shares/jinku/schemas/other/tables",
        f"{ROOT}/shares/other/all-tables",
        f"{ROOT}/shares/jinku/schemas/components/tables/other/metadata",
        f"{ROOT}/shares/jinku/schemas/other/tables/{NAME}/version",
        f"{ROOT}/shares/jinku/schemas/components/tables/..%2f..%2fmarket/metadata",
    ):
        assert reader.get(address).status_code == 404, address
    assert refusal(reader.get(f"{ROOT}/shares/other")) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_lists_are_given_in_pages(own: Bought) -> None:
    with own.market.engine.begin() as connection:
        row = dict(connection.execute(sa.select(entitlements)).mappings().one())
        for number in range(5):
            more = {"entitlement_id": f"ent_{number:028x}", "order_id": f"ord_{number}", "component": f"a_{number}"}
            connection.execute(sa.insert(entitlements).values({**row, **more}))
    reader, found, token = Reader(own), [], ""
    for _ in range(3):
        page = reader.get(f"{ROOT}/shares/jinku/all-tables?maxResults=2&pageToken={token}").json()
        found += [each["name"] for each in page["items"]]
        token = page.get("nextPageToken", "")
    assert found == ["a_0", "a_1", "a_2", "a_3", "a_4", NAME] and token == ""
    assert reader.get(f"{ROOT}/shares/jinku/all-tables?maxResults=0").json()["items"] == []
    assert refusal(reader.get(f"{ROOT}/shares?maxResults=-1")) == (400, "INVALID_PARAMETER_VALUE")
    assert refusal(reader.get(f"{ROOT}/shares/jinku/all-tables?pageToken=%ff")) == (400, "INVALID_PARAMETER_VALUE")


def test_a_table_is_told_without_being_counted(own: Bought, reader: Reader) -> None:
    version = reader.get(f"{TABLE}/version")
    assert (version.status_code, version.headers["delta-table-version"], version.content) == (200, "1", b"")
    answer = reader.get(f"{TABLE}/metadata", **{"delta-sharing-capabilities": "responseformat=delta,parquet"})
    assert answer.headers["delta-table-version"] == "1"
    assert answer.headers["delta-sharing-capabilities"] == "responseformat=parquet"
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    protocol, metadata = (json.loads(line) for line in answer.text.splitlines())
    assert protocol == {"protocol": {"minReaderVersion": 1}}
    schema = json.loads(metadata["metaData"]["schemaString"])
    assert {field["name"]: field["type"] for field in schema["fields"]} == {
        "zone_id": "string",
        "day_type": "string",
        "pickup_hour": "integer",
        "trips": "long",
        "distance_km_mean": "double",
        "load_index": "decimal(9,2)",
        "first_day": "date",
        "newest": "timestamp",
        "is_busy": "boolean",
    }
    assert schema["fields"][0]["metadata"] == {"comment": "Place key of the taxi zone"}
    assert used(own) == 0 and not own.market.settings.copies.exists()


def test_a_query_counts_a_pull_and_gives_addresses_that_answer(own: Bought, reader: Reader) -> None:
    _, metadata, file = reader.lines(predicateHints=["trips > 3"], jsonPredicateHints="{}", unknown=[1])
    assert used(own) == 1 and [each.channel for each in deliveries_of(own.market, own.entitlement_id)] == [
        "delta-sharing"
    ]
    told = file["file"]
    assert metadata["metaData"]["numFiles"] == 1 and metadata["metaData"]["size"] == told["size"]
    assert told["expirationTimestamp"] == int((NOON + timedelta(minutes=15)).timestamp() * 1000)
    assert json.loads(told["stats"]) == {"numRecords": 1_440} and told["partitionValues"] == {}
    assert told["url"].startswith("http://testserver/delta-sharing/files/dlv_")
    whole = reader.client.get(told["url"])
    assert len(whole.content) == told["size"] and pq.read_table(io.BytesIO(whole.content)).num_rows == 1_440
    head = reader.client.head(told["url"])
    assert (head.status_code, head.headers["content-length"]) == (200, str(told["size"])) and head.content == b""
    part = reader.client.get(told["url"], headers={"Range": "bytes=-4"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    known = reader.client.get(told["url"], headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304
    beyond = reader.client.get(told["url"], headers={"Range": f"bytes={told['size']}-"})
    assert refusal(beyond) == (416, "INVALID_PARAMETER_VALUE")
    assert beyond.headers["content-range"] == f"bytes */{told['size']}"


def test_asking_again_within_the_deliverys_life_gives_new_addresses_uncounted(own: Bought, reader: Reader) -> None:
    (first,) = reader.urls()
    own.clock.move(minutes=14)
    (second,) = reader.urls()
    assert first != second and used(own) == 1
    own.clock.move(minutes=2)
    assert refusal(reader.client.get(first)) == (403, "PERMISSION_DENIED")
    assert reader.client.get(second).status_code == 200
    assert reader.client.get(DATA, headers=reader.headers).headers["Jinku-Delivery"] in second
    assert used(own) == 1, "by either way it is one delivery"
    own.clock.move(minutes=44)
    assert reader.urls() and used(own) == 2


def test_no_rows_are_wanted_and_none_are_counted(own: Bought, reader: Reader) -> None:
    assert [next(iter(line)) for line in reader.lines(limitHint=0)] == ["protocol", "metaData"]
    assert used(own) == 0


def test_a_limit_gives_only_as_many_files_as_are_needed(
    own: Bought, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_shared_out", lambda metadata: ([0], [0], [0]))
    monkeypatch.setattr(parts, "ROWS_PER_PART", 1)
    assert len(reader.urls()) == 3
    assert [len(reader.urls(limitHint=limit)) for limit in (1, 1_440, 1_441, 9_999)] == [1, 1, 2, 3]
    assert used(own) == 1


def test_a_newer_release_is_a_new_version_where_updates_are_included(own: Bought, reader: Reader) -> None:
    seller = a_participant(own.market, "developer")
    own.clock.move(minutes=30)
    listed(own.market, seller.participant_id, 2)
    assert reader.get(f"{TABLE}/version").headers["delta-table-version"] == "2"
    assert reader.query().headers["delta-table-version"] == "2"
    first = reader.lines(version=1)
    assert (first[1]["metaData"]["version"], first[2]["file"]["version"]) == (1, 1)
    assert first[2]["file"]["timestamp"] == int(NOON.timestamp() * 1000)
    assert used(own) == 2
    assert refusal(reader.query(version=3)) == (403, "PERMISSION_DENIED")
    assert refusal(reader.query(version=0)) == (403, "PERMISSION_DENIED")
    by_time = {minutes: f"2026-11-27T12:{minutes:02d}:00Z" for minutes in (0, 10, 30, 40)}
    for minutes, expected in ((0, "1"), (10, "1"), (30, "2"), (40, "2")):
        assert reader.query(timestamp=by_time[minutes]).headers["delta-table-version"] == expected
    for minutes, expected in ((0, "1"), (10, "2"), (30, "2")):
        answer = reader.get(f"{TABLE}/version?startingTimestamp={by_time[minutes]}")
        assert answer.headers["delta-table-version"] == expected
    assert refusal(reader.get(f"{TABLE}/version?startingTimestamp={by_time[40]}"))[0] == 400
    assert refusal(reader.query(timestamp="2026-11-27T11:00:00Z"))[0] == 400


def test_without_updates_the_version_stays(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, updates=False))
    listed(own.market, a_participant(own.market, "developer").participant_id, 2)
    reader = Reader(own)
    assert reader.get(f"{TABLE}/version").headers["delta-table-version"] == "1"
    assert refusal(reader.query(version=2)) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("body", ["{", "[]", "3", '{"limitHint": -1}', '{"version": "x"}', '{"timestamp": "secret"}'])
def test_a_malformed_query_is_refused_without_repeating_it(own: Bought, reader: Reader, body: str) -> None:
    headers = {**reader.headers, "Content-Type": "application/json"}
    answer = reader.client.post(f"{TABLE}/query", content=body, headers=headers)
    assert refusal(answer) == (400, "INVALID_PARAMETER_VALUE") and "secret" not in answer.text
    assert used(own) == 0


def test_what_the_market_does_not_offer_is_said_plainly(own: Bought, reader: Reader) -> None:
    assert refusal(reader.query(startingVersion=1)) == (400, "UNSUPPORTED_OPERATION")
    assert refusal(reader.get(f"{TABLE}/changes?startingVersion=0")) == (400, "UNSUPPORTED_OPERATION")
    only_delta = {"delta-sharing-capabilities": "responseformat=delta;readerfeatures=deletionvectors"}
    assert refusal(reader.get(f"{TABLE}/metadata", **only_delta)) == (400, "UNSUPPORTED_OPERATION")
    asked = reader.client.post(f"{TABLE}/query", json={}, headers={**reader.headers, **only_delta})
    assert refusal(asked) == (400, "UNSUPPORTED_OPERATION") and used(own) == 0


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ("", True),
        ("responseformat=parquet", True),
        ("ResponseFormat=Delta,Parquet;readerfeatures=x", True),
        ("readerfeatures=deletionvectors", True),
        ("responseformat=delta", False),
        (";;=; responseformat = delta ;", False),
    ],
)
def test_capabilities_are_read_as_the_protocol_says(capabilities: str, expected: bool) -> None:
    assert takes_parquet(capabilities) == expected


def test_one_credential_reaches_its_own_entitlements_alone(own: Bought) -> None:
    (url,) = Reader(own).urls()
    stranger = Reader(replace(own, buyer=a_participant(own.market)))
    assert stranger.get(f"{ROOT}/shares/jinku/all-tables").json() == {"items": []}
    for answer in (stranger.get(f"{TABLE}/metadata"), stranger.get(f"{TABLE}/version"), stranger.query()):
        assert refusal(answer) == (404, "RESOURCE_DOES_NOT_EXIST")
    other = TABLE.replace(NAME, "no_such_component")
    assert stranger.query().json() == stranger.query(f"{other}/query").json(), "it is not told that there is such a one"
    assert stranger.client.get(url).status_code == 200, "an address is what permits its file, to whoever holds it"


def test_two_buyers_read_two_copies(own: Bought) -> None:
    other = sold(own.market, own.clock, own.listing_id)
    (mine,), (theirs,) = Reader(own).urls(), Reader(other).urls()
    client = served(own.market)
    assert client.get(mine).content != client.get(theirs).content


def test_nobody_reads_without_a_token(own: Bought) -> None:
    client = served(own.market)
    for headers in ({}, {"Authorization": "Bearer jinku_pull_wrong"}, {"Authorization": "Basic x"}):
        answer = client.get(f"{ROOT}/shares", headers=headers)
        assert refusal(answer) == (401, "UNAUTHENTICATED") and answer.headers["www-authenticate"] == "Bearer"
    operator = a_participant(own.market, "operator")
    assert refusal(client.get(f"{ROOT}/shares", headers=operator.headers)) == (403, "PERMISSION_DENIED")


def test_an_access_token_reads_as_well(own: Bought) -> None:
    answer = served(own.market).get(f"{ROOT}/shares/jinku/all-tables", headers=own.buyer.headers)
    assert [each["name"] for each in answer.json()["items"]] == [NAME]


def test_every_decision_refuses_tables_and_files_with_its_cause(own: Bought, reader: Reader) -> None:
    (url,) = reader.urls()

    def causes() -> set[str]:
        answers = (reader.get(f"{TABLE}/metadata"), reader.query(), reader.client.get(url))
        assert {refusal(each) for each in answers} == {(403, "PERMISSION_DENIED")}
        return {each.json()["message"] for each in answers}

    moved(own.market, own.listing_id, "freeze", "recalled")
    assert causes() == {"The regulator froze the listing of this release, because: recalled."}
    moved(own.market, own.listing_id, "release")
    own.market.act("market", lambda transaction: suspend(transaction, own.entitlement_id, "under dispute"))
    assert causes() == {"The entitlement is suspended, because: under dispute."}
    assert reader.get(f"{ROOT}/shares/jinku/all-tables").json() == {"items": []}
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))
    assert causes() == {"The entitlement was revoked, because: upheld."}
    suspended(own.market, own.buyer)
    assert refusal(reader.query()) == (401, "UNAUTHENTICATED")
    assert refusal(reader.client.get(url)) == (403, "PERMISSION_DENIED")


def test_addresses_end_with_the_entitlement(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, term_days=1))
    own.clock.move(hours=23, minutes=55)
    reader = Reader(own)
    file = reader.lines()[2]["file"]
    assert file["expirationTimestamp"] == int((NOON + timedelta(days=1)).timestamp() * 1000)
    own.clock.move(minutes=5)
    assert refusal(reader.client.get(file["url"])) == (403, "PERMISSION_DENIED")
    assert "expired" in reader.query().json()["message"]


def test_used_up_pulls_leave_the_table_to_be_seen_and_not_to_be_read(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, pulls=1))
    reader = Reader(own)
    assert reader.urls()
    own.clock.move(hours=1)
    assert reader.get(f"{TABLE}/metadata").status_code == 200
    assert reader.lines(limitHint=0)
    assert refusal(reader.query()) == (403, "PERMISSION_DENIED")
    assert "All 1 pulls" in reader.query().json()["message"]


@pytest.mark.parametrize("change", ["delivery", "file", "time", "code", "path", "escaped", "long", "none"])
def test_an_altered_address_leads_nowhere(own: Bought, reader: Reader, change: str) -> None:
    (url,) = reader.urls()
    base, _, token = url.rpartition("/")
    altered = {
        "delivery": token.replace("dlv_0", "dlv_1"),
        "file": f"{token[:33]}{'0' * 16}{token[49:]}",
        "time": token[:-45] + "9" + token[-44:],
        "code": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "path": f"../../{token}",
        "escaped": "..%2f..%2fmarket%2fkeys%2froot.key",
        "long": token + "A" * 5_000,
        "none": "%00",
    }[change]
    assert altered != token
    answer = reader.client.get(f"{base}/{altered}")
    assert answer.status_code in (400, 404) and b"PAR1" not in answer.content


def test_a_copy_that_was_made_anew_is_not_mixed_with_the_one_before(own: Bought, reader: Reader) -> None:
    (url,) = reader.urls()
    (part,) = own.market.settings.copies.rglob("part-00000.parquet")
    part.write_bytes(b"damaged")
    assert refusal(reader.client.get(url)) == (404, "RESOURCE_DOES_NOT_EXIST")
    (again,) = reader.urls()
    assert reader.client.get(again).status_code == 200 and used(own) == 1


def test_an_altered_release_is_refused_in_the_form_of_the_protocol(own: Bought, reader: Reader) -> None:
    (path,) = (own.market.settings.releases / NAME / "1" / "table").glob("*.parquet")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    answer = reader.query()
    assert refusal(answer) == (403, "PERMISSION_DENIED") and "was altered" in answer.json()["message"]
    assert used(own) == 0


def test_a_renewed_access_token_goes_on_with_the_delivery(own: Bought) -> None:
    client = served(own.market)
    assert client.post(f"{TABLE}/query", json={}, headers=own.buyer.headers).status_code == 200
    own.clock.move(minutes=50)
    later = renewed(own.market, own.buyer)
    assert client.post(f"{TABLE}/query", json={}, headers=later.headers).status_code == 200 and used(own) == 1
