"""Pulling into files, over a wire that breaks."""

from pathlib import Path

import duckdb
import httpx
import pytest

from market_api.client import MarketError
from tests.market_api.client.places import FUNDS_FEN, NAME, PURPOSES, Cut, Place, Player

DATA = f"/v1/components/{NAME}/data"
READERS = {"parquet": "read_parquet", "csv": "read_csv", "ndjson": "read_json"}


@pytest.fixture(scope="module")
def holder(place: Place) -> Player:
    """Who bought the component."""
    assert place.listing.state == "listed"
    buyer = place.joined(funds_fen=FUNDS_FEN)
    buyer.market.buy(NAME, PURPOSES)
    return buyer


@pytest.mark.parametrize("form", sorted(READERS))
def test_every_form_has_all_rows(holder: Player, tmp_path: Path, form: str) -> None:
    path = holder.market.pull(NAME, tmp_path / f"data.{form}", form)  # type: ignore[arg-type]
    assert duckdb.sql(f"select count(*) from {READERS[form]}('{path}')").fetchone() == (1440,)
    (entitlement,) = holder.market.entitlements()
    assert entitlement.pulls_used == 1


def test_arrow_is_pulled_as_a_stream_of_it(holder: Player, tmp_path: Path) -> None:
    import pyarrow as pa

    path = holder.market.pull(NAME, tmp_path / "data.arrow", "arrow")
    with pa.ipc.open_stream(path) as stream:
        assert stream.read_all().num_rows == 1440


def test_it_goes_on_where_the_connection_broke_off(place: Place, holder: Player, tmp_path: Path) -> None:
    whole = holder.market.pull(NAME, tmp_path / "whole.csv", "csv").read_bytes()
    wire = Cut(DATA, after_bytes=5_000, times=2)
    path = place.again(holder, wire).pull(NAME, tmp_path / "broken.csv", "csv")
    assert path.read_bytes() == whole and wire.ranges == [None, "bytes=5000-", "bytes=10000-"]


def test_bytes_that_changed_on_the_way_are_not_taken(place: Place, holder: Player, tmp_path: Path) -> None:
    target = tmp_path / "data.csv"
    target.write_text("what was there before")
    market = place.again(holder, Cut(DATA, after_bytes=0, change=True))
    with pytest.raises(MarketError) as caught:
        market.pull(NAME, target, "csv")
    assert caught.value.code == "damaged" and target.read_text() == "what was there before"
    assert [each.name for each in tmp_path.iterdir()] == ["data.csv"]


def test_a_connection_that_breaks_again_and_again_leaves_nothing(place: Place, holder: Player, tmp_path: Path) -> None:
    market = place.again(holder, Cut(DATA, after_bytes=10, times=9), attempts_max=2)
    with pytest.raises(httpx.ReadError):
        market.pull(NAME, tmp_path / "data.csv", "csv")
    assert list(tmp_path.iterdir()) == []


def test_who_is_not_entitled_gets_nothing(place: Place, tmp_path: Path) -> None:
    assert place.listing.state == "listed"
    with pytest.raises(MarketError) as caught:
        place.joined().market.pull(NAME, tmp_path / "data.parquet")
    assert caught.value.code in ("not_entitled", "not_found") and list(tmp_path.iterdir()) == []


def test_another_version_is_pulled_from_its_beginning(place: Place, holder: Player, tmp_path: Path) -> None:
    """Between two attempts the market serves another file: nothing of the first is kept."""

    class Changed(Cut):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if "If-Range" in request.headers:
                request.headers["If-Range"] = '"another version"'
            return super().handle_request(request)

    whole = holder.market.pull(NAME, tmp_path / "whole.csv", "csv").read_bytes()
    wire = Changed(DATA, after_bytes=5_000)
    path = place.again(holder, wire).pull(NAME, tmp_path / "broken.csv", "csv")
    assert path.read_bytes() == whole and wire.ranges == [None, "bytes=5000-"]


def test_a_profile_is_its_owners_alone_and_pulls(holder: Player, tmp_path: Path) -> None:
    import delta_sharing

    path = holder.market.profile(tmp_path / "own.share", ttl_days=7)
    assert path.stat().st_mode & 0o077 == 0
    (table,) = delta_sharing.SharingClient(str(path)).list_all_tables()
    assert table.name == NAME
