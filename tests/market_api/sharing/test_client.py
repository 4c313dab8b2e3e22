"""The public Delta Sharing client, as it is, against the market's own server."""

import datetime
import json
import logging
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import delta_sharing
import pytest
from requests.exceptions import HTTPError

from market_api.entitlements.changing import revoke
from tests.market_api.builders import a_participant
from tests.market_api.delivery.pulls import (
    Bought,
    bought,
    free_port,
    listed,
    profile,
    pulls_used,
    running,
)
from tests.market_api.delivery.releases import NAME


@dataclass(frozen=True)
class Shared:
    """A market that is served, and a buyer's profile."""

    own: Bought
    profile: Path

    @property
    def table(self) -> str:
        return f"{self.profile}#jinku.components.{NAME}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, pulled_home: Path) -> object:
    folder, port = tmp_path_factory.mktemp("shared"), free_port()
    own = bought(folder, pulled_home, public_url=f"http://127.0.0.1:{port}")
    with running(own.market, port):
        yield Shared(own, profile(own.market, own.buyer, folder))


def test_it_lists_the_tables(shared: Shared) -> None:
    client = delta_sharing.SharingClient(str(shared.profile))
    assert [(each.share, each.schema, each.name) for each in client.list_all_tables()] == [
        ("jinku", "components", NAME)
    ]
    assert [each.name for each in client.list_shares()] == ["jinku"]


def test_it_loads_a_table_with_its_types(shared: Shared) -> None:
    frame = delta_sharing.load_as_pandas(shared.table)
    assert frame.shape == (1_440, 9)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "zone_id": "object",
        "day_type": "object",
        "pickup_hour": "int32",
        "trips": "int64",
        "distance_km_mean": "float64",
        "load_index": "object",
        "first_day": "object",
        "newest": "datetime64[us]",
        "is_busy": "bool",
    }
    row = frame[(frame["zone_id"] == "zone:8") & (frame["day_type"] == "weekend") & (frame["pickup_hour"] == 5)].iloc[0]
    assert row["load_index"] == Decimal("5.08") and row["first_day"] == datetime.date(2026, 11, 9)
    assert row["newest"] == datetime.datetime(2026, 11, 1, 0, 8) and row["trips"] == 11 + 40 % 37
    assert frame["first_day"].isna().sum() == 48, "what is not known stays so"


def test_it_loads_a_few_rows_or_none(shared: Shared) -> None:
    assert len(delta_sharing.load_as_pandas(shared.table, limit=7)) == 7
    none = delta_sharing.load_as_pandas(shared.table, limit=0)
    assert len(none) == 0 and list(none.columns)[:2] == ["zone_id", "day_type"]


def test_it_loads_a_version_and_follows_to_a_newer_one(shared: Shared) -> None:
    own = shared.own
    assert delta_sharing.get_table_version(shared.table) == 1
    first = delta_sharing.load_as_pandas(shared.table, version=1)
    listed(own.market, a_participant(own.market, "developer").participant_id, 2)
    assert delta_sharing.get_table_version(shared.table) == 2
    second = delta_sharing.load_as_pandas(shared.table)
    assert (second["trips"] - first["trips"]).unique().tolist() == [1]
    assert delta_sharing.load_as_pandas(shared.table, version=1).equals(first)
    assert pulls_used(own.market, own.entitlement_id) == 2
    with pytest.raises(HTTPError, match="does not include release 3"):
        delta_sharing.load_as_pandas(shared.table, version=3)


def test_it_loads_in_batches(shared: Shared) -> None:
    assert len(delta_sharing.load_as_pandas(shared.table, convert_in_batches=True)) == 1_440


def test_the_delta_format_is_declined_in_words(shared: Shared) -> None:
    with pytest.raises(HTTPError, match="responseformat=parquet"):
        delta_sharing.load_as_pandas(shared.table, use_delta_format=True)


class Written(logging.Handler):
    """What the market's process would write of its own records."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("uvicorn", "jinku")):
            self.lines.append(f"{record.getMessage()} {vars(record)}")


def test_no_token_of_anything_stands_in_the_log(shared: Shared, caplog: pytest.LogCaptureFixture) -> None:
    written, root = Written(), logging.getLogger()
    caplog.set_level(logging.DEBUG)
    root.addHandler(written)
    try:
        delta_sharing.load_as_pandas(shared.table, limit=3)
    finally:
        root.removeHandler(written)
    secret, told = json.loads(shared.profile.read_text())["bearerToken"], "\n".join(written.lines)
    assert "/delta-sharing/files/{token}" in told, "requests are logged by their route"
    assert secret not in told and "files/dlv_" not in told


def test_a_revoked_entitlement_ends_what_the_client_reads(shared: Shared) -> None:
    """The last of them: nothing can be read after it."""
    own = shared.own
    own.market.act("market", lambda transaction: revoke(transaction, own.entitlement_id, "the dispute was upheld"))
    with pytest.raises(HTTPError, match="was revoked, because: the dispute was upheld"):
        delta_sharing.load_as_pandas(shared.table)
    assert delta_sharing.SharingClient(str(shared.profile)).list_all_tables() == []
