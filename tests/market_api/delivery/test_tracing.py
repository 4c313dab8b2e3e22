"""Tracing over several releases of a component: an accusation must stand though each of them was tried."""

import math
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from market_api.delivery.tracing import trace
from tests.market_api.builders import renewed, served
from tests.market_api.delivery.pulls import DATA, Bought, bought, deliveries_of, listed, sold
from tests.market_api.delivery.releases import NAME
from vault.errors import JinkuError


@pytest.fixture
def holder(pulled_home: Path, tmp_path: Path) -> Bought:
    return bought(tmp_path, pulled_home)


def pulled(holder: Bought, path: Path, number: int | None = None) -> Path:
    """A copy as it is delivered."""
    query = "" if number is None else f"&release={number}"
    answer = served(holder.market).get(f"{DATA}?format=csv{query}", headers=holder.buyer.headers)
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


def scratch_in(folder: Path) -> Path:
    (folder / "scratch").mkdir()
    return folder / "scratch"


def test_of_two_releases_the_buyer_is_found_and_p_counts_both(holder: Bought, tmp_path: Path) -> None:
    other = sold(holder.market, holder.clock, holder.listing_id)
    pulled(other, tmp_path / "other.csv")
    first = pulled(holder, tmp_path / "first.csv")
    listed(holder.market, "par_seller", 2)
    pulled(holder, tmp_path / "second.csv")
    found = trace(holder.market, first, scratch_in(tmp_path))
    assert found.releases_tried == (f"{NAME}@1", f"{NAME}@2") and found.outcome == "traced"
    (accused,) = found.accused
    assert accused.buyer == holder.buyer.participant_id
    assert math.isclose(math.log10(float(found.p(accused))), accused.log10_p + math.log10(2), abs_tol=0.05)


def test_whoever_pulled_twice_is_one_receiver(holder: Bought, tmp_path: Path) -> None:
    copy = pulled(holder, tmp_path / "one.csv")
    holder.clock.move(hours=2)
    pulled(replace(holder, buyer=renewed(holder.market, holder.buyer)), tmp_path / "again.csv")
    assert len(deliveries_of(holder.market, holder.entitlement_id)) == 2
    found = trace(holder.market, copy, scratch_in(tmp_path), of=NAME)
    (receiver,) = found.receivers.values()
    assert receiver.entitlement_ids == (holder.entitlement_id,)
    assert receiver.registered_name == holder.buyer.registered_name


def test_a_file_of_other_columns_is_of_no_component_here(holder: Bought, tmp_path: Path) -> None:
    pulled(holder, tmp_path / "one.csv")
    (tmp_path / "other.csv").write_text("name,amount\nx,1\n")
    with pytest.raises(JinkuError, match="leak_unrelated"):
        trace(holder.market, tmp_path / "other.csv", scratch_in(tmp_path))


def test_values_that_say_nothing_accuse_nobody(holder: Bought, tmp_path: Path) -> None:
    copy = pulled(holder, tmp_path / "one.csv")
    flat = tmp_path / "flat.csv"
    duckdb.sql(f"copy (select * replace (10.0 as distance_km_mean) from '{copy}') to '{flat}' (header)")
    found = trace(holder.market, flat, scratch_in(tmp_path))
    assert found.outcome == "nobody" and found.accused == () and "chance" in found.reason


def test_before_anything_was_delivered_there_is_nothing_to_trace(holder: Bought, tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match="nothing_delivered"):
        trace(holder.market, tmp_path / "any.csv", scratch_in(tmp_path))
