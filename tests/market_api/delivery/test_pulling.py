"""Pulling over HTTP: what is served, what is counted, and who gets nothing."""

import base64
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from market_api.delivery.forms import FORMS
from market_api.entitlements.changing import revoke, suspend
from tests.market_api.builders import a_participant, renewed, served, suspended
from tests.market_api.delivery.pulls import (
    DATA,
    TERMS,
    Bought,
    bought,
    listed,
    moved,
    pull_token,
    pulls_used,
    sold,
)
from tests.market_api.delivery.releases import NAME


@pytest.fixture
def own(tmp_path: Path, pulled_home: Path) -> Bought:
    return bought(tmp_path, pulled_home)


def pulled(client: TestClient, of: Bought, address: str = DATA, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(address, headers={**of.buyer.headers, **named})


def used(of: Bought) -> int:
    return pulls_used(of.market, of.entitlement_id)


def test_all_forms_give_the_same_rows_and_count_as_one_pull(own: Bought, tmp_path: Path) -> None:
    client = served(own.market)
    got = {form: pulled(client, own, f"{DATA}?format={form}") for form in FORMS}
    assert {each.status_code for each in got.values()} == {200}
    assert len({each.headers["Jinku-Delivery"] for each in got.values()}) == 1 == used(own)
    table = pq.read_table(io.BytesIO(got["parquet"].content))
    assert table.num_rows == 1_440
    assert pa.ipc.open_stream(got["arrow"].content).read_all().cast(table.schema).equals(table)
    options = pa_csv.ConvertOptions(column_types=table.schema, strings_can_be_null=True)
    assert pa_csv.read_csv(io.BytesIO(got["csv"].content), convert_options=options).equals(table)
    (tmp_path / "rows.ndjson").write_bytes(got["ndjson"].content)
    assert duckdb.sql(f"select count(*), sum(trips) from read_json('{tmp_path}/rows.ndjson')").fetchone() == (
        1_440,
        sum(table["trips"].to_pylist()),
    )


def test_an_answer_says_what_it_is(own: Bought) -> None:
    answer = pulled(served(own.market), own)
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{NAME}@1.parquet"'
    assert answer.headers["Jinku-Release"] == f"{NAME}@1" and answer.headers["Accept-Ranges"] == "bytes"
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["ETag"].startswith(f'"{NAME}@1-') and int(answer.headers["Content-Length"])


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_pull_is_resumed_in_ranges_and_counted_once(own: Bought, form: str) -> None:
    client, address = served(own.market), f"{DATA}?format={form}"
    whole = pulled(client, own, address)
    etag, size, parts = whole.headers["ETag"], len(whole.content), []
    for start in range(0, size, size // 3 + 1):
        stop = start + size // 3
        answer = pulled(client, own, address, Range=f"bytes={start}-{stop}", If_Range=etag)
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{min(stop, size - 1)}/{size}"
        parts.append(answer.content)
    assert b"".join(parts) == whole.content and used(own) == 1


def test_a_range_of_an_older_version_is_answered_with_the_new_one_whole(own: Bought) -> None:
    client = served(own.market)
    first = pulled(client, own)
    listed(own.market, a_participant(own.market, "developer").participant_id, 2)
    answer = pulled(client, own, Range="bytes=10-", If_Range=first.headers["ETag"])
    assert answer.status_code == 200 and answer.headers["Jinku-Release"] == f"{NAME}@2"
    assert answer.content != first.content and used(own) == 2
    assert pulled(client, own, f"{DATA}?release=1").content == first.content


def test_only_an_answer_with_data_is_counted(own: Bought) -> None:
    client = served(own.market)
    head = client.head(DATA, headers=own.buyer.headers)
    assert head.status_code == 200 and head.content == b"" and int(head.headers["Content-Length"]) > 1_000
    assert client.head(DATA, headers={**own.buyer.headers, "Range": "bytes=0-9"}).status_code == 200
    known = pulled(client, own, If_None_Match=head.headers["ETag"])
    assert known.status_code == 304 and known.content == b"" and known.headers["ETag"] == head.headers["ETag"]
    beyond = pulled(client, own, Range="bytes=99999999-")
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{head.headers['Content-Length']}"
    assert beyond.json()["code"] == "range_not_satisfiable"
    assert used(own) == 0
    assert pulled(client, own).headers["Content-Length"] == head.headers["Content-Length"] and used(own) == 1


def test_another_participant_learns_nothing(own: Bought) -> None:
    client, other = served(own.market), a_participant(own.market)
    stranger = client.get(DATA, headers=other.headers)
    nothing = client.get("/v1/components/no_such_component/data", headers=other.headers)
    assert stranger.status_code == nothing.status_code == 404
    assert stranger.json()["detail"] == nothing.json()["detail"]


def test_nobody_pulls_without_a_token_or_its_scope(own: Bought) -> None:
    client = served(own.market)
    assert client.get(DATA).status_code == 401
    operator = a_participant(own.market, "operator")
    assert client.get(DATA, headers=operator.headers).status_code == 403
    reader = a_participant(own.market, scopes=frozenset({"account"}))
    assert client.get(DATA, headers=reader.headers).status_code == 403


def test_the_pull_token_of_a_profile_pulls_as_well(own: Bought) -> None:
    headers = {"Authorization": f"Bearer {pull_token(own.market, own.buyer)}"}
    assert served(own.market).get(DATA, headers=headers).status_code == 200
    assert served(own.market).get("/v1/account/entitlements", headers=headers).status_code == 401


def test_every_decision_refuses_the_next_request_with_its_cause(own: Bought) -> None:
    client, act = served(own.market), own.market.act
    assert pulled(client, own).status_code == 200

    def cause() -> tuple[int, str]:
        answer = pulled(client, own, Range="bytes=0-9")
        return answer.status_code, answer.json().get("cause", answer.json()["code"])

    moved(own.market, own.listing_id, "freeze", "recalled")
    assert cause() == (403, "frozen")
    moved(own.market, own.listing_id, "release")
    act("market", lambda transaction: suspend(transaction, own.entitlement_id, "under dispute"))
    assert cause() == (403, "suspended")
    act("market", lambda transaction: revoke(transaction, own.entitlement_id, "upheld"))
    assert cause() == (403, "revoked")
    suspended(own.market, own.buyer)
    assert cause() == (401, "unauthenticated")


def test_used_up_pulls_are_told_once_the_delivery_is_over(tmp_path: Path, pulled_home: Path) -> None:
    own = bought(tmp_path, pulled_home, replace(TERMS, pulls=1))
    client = served(own.market)
    assert pulled(client, own).status_code == pulled(client, own).status_code == 200
    own.clock.move(hours=1)
    later = replace(own, buyer=renewed(own.market, own.buyer))
    refused = pulled(client, later)
    assert (refused.status_code, refused.json()["cause"]) == (403, "pulls_used_up")
    assert client.head(DATA, headers=later.buyer.headers).status_code == 403 and used(own) == 1


def test_an_expired_entitlement_is_told_with_its_day(own: Bought) -> None:
    own.clock.move(days=400)
    answer = pulled(served(own.market), replace(own, buyer=renewed(own.market, own.buyer)))
    assert answer.json()["cause"] == "expired" and "2027-11-27" in answer.json()["detail"]


def test_a_release_that_was_altered_is_refused_and_not_counted(own: Bought) -> None:
    (path,) = (own.market.settings.releases / NAME / "1" / "table").glob("*.parquet")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    answer = pulled(served(own.market), own)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cleared") and used(own) == 0


def test_an_altered_datasheet_is_refused_though_the_copy_is_there(own: Bought) -> None:
    client = served(own.market)
    assert pulled(client, own).status_code == 200
    path = own.market.settings.releases / NAME / "1" / "datasheet.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"security": 1', '"security": 0'))
    assert pulled(client, own).json()["code"] == "not_cleared"


@pytest.mark.parametrize(
    "address",
    [
        "/v1/components/..%2F..%2Fmarket/data",
        "/v1/components/%2e%2e/data",
        "/v1/components/zone_hours%00/data",
        "/v1/components/ZONE_HOURS/data",
        f"{DATA}?release=../2",
        f"{DATA}?release=0",
        f"{DATA}?release=99999999999999999999",
        f"{DATA}?format=../parts/part-00000",
        f"{DATA}?format=parts",
        f"{DATA}?format=",
    ],
)
def test_tricks_with_paths_lead_nowhere(own: Bought, address: str) -> None:
    answer = pulled(served(own.market), own, address)
    assert answer.status_code in (404, 422) and used(own) == 0


def test_two_buyers_have_two_copies(own: Bought) -> None:
    client, other = served(own.market), sold(own.market, own.clock, own.listing_id)
    mine, theirs = pulled(client, own), pulled(client, other)
    assert mine.content != theirs.content and mine.headers["ETag"] != theirs.headers["ETag"]
    assert pulled(client, other, If_None_Match=mine.headers["ETag"]).status_code == 200
