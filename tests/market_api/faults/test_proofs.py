"""What is asked after each fall sees every kind of damage: each is done here by hand, and is told."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.market_api.builders import served
from tests.market_api.faults.busy import Busy, a_busy_market
from tests.market_api.faults.proofs import faults_of

FIRST = "(select min(order_id) from orders where order_id not in (select order_id from disputes))"
DAMAGE = {
    "a balance that no posting made": "update accounts set balance_fen = balance_fen + 1 where account_id = 'outside'",
    "money moved beside the ledger": "update accounts set balance_fen = balance_fen + "
    "case account_id when 'tax:pending' then 1 when 'market:pending' then -1 else 0 end",
    "a payment without a licence": f"delete from entitlements where order_id = {FIRST}",
    "a licence without an order": f"update entitlements set order_id = 'ord_x' where order_id = {FIRST}",
    "a licence of an order that is not paid": f"update orders set state = 'placed' where order_id = {FIRST}",
    "a state that nothing led to": f"update orders set state = 'completed' where order_id = {FIRST}",
    "a price that was not paid": f"update orders set price_fen = price_fen + 1 where order_id = {FIRST}",
    "a key without an answer": "insert into idempotent_requests values ('par_x', 'key-00001', 'h', '2026', 0, '')",
    "a hold that ended and did not": "update holds set state = 'voided' where state = 'held'",
    "a pull that was counted for nothing": f"update entitlements set pulls_used = 1 where order_id = {FIRST}",
    "a bid that is not there": "update auctions set bids = bids + 1",
    "an order that is gone": f"delete from orders where order_id = {FIRST}",
    "an invoice of another amount": f"insert into invoices select {FIRST}, 2026, 1, 's', 'b', "
    """'{"number": "2026-000001", "net_fen": 1, "vat_fen": 0, "gross_fen": 1}', '', ''""",
    "a transfer that is booked twice": "insert into deposits select 'dep_x', participant_id, amount_fen, "
    "bank_reference, booking + 1, transaction_id, booked_by, at from deposits",
    "an entry that was changed": "update black_box_entries set actor = 'nobody' where leaf_index = 3",
}


@pytest.fixture
def own(pulled_home: Path, tmp_path: Path) -> Busy:
    return a_busy_market(pulled_home, tmp_path)


def test_a_market_in_order_has_no_faults(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    assert client.get("/v1/components/zone_hours/data", headers=buyer.headers).status_code == 200
    assert faults_of(own.market) == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told(own: Busy, kind: str) -> None:
    with own.market.engine.begin() as connection:
        triggers = connection.execute(sa.text("select name from sqlite_master where type = 'trigger'")).scalars().all()
        for trigger in triggers:
            connection.exec_driver_sql(f"drop trigger {trigger}")
        assert connection.exec_driver_sql(DAMAGE[kind]).rowcount > 0
    assert faults_of(own.market)


def test_a_copy_that_is_not_whole_is_told(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    assert client.get("/v1/components/zone_hours/data?format=csv", headers=buyer.headers).status_code == 200
    (copy,) = own.market.settings.copies.glob("*/*/csv")
    content = (copy / "data.csv").read_bytes()
    (copy / "data.csv").write_bytes(content[:-1])
    assert faults_of(own.market)
    (copy / "data.csv").write_bytes(content)
    assert faults_of(own.market) == []
    (copy / "manifest.json").unlink()
    assert faults_of(own.market)
    shutil.rmtree(copy)
    assert faults_of(own.market) == []


def test_a_delivery_counted_twice_within_its_life_is_told(own: Busy) -> None:
    client, buyer = served(own.market), own.parties["app_developer"]
    client.get("/v1/components/zone_hours/data", headers=buyer.headers)
    own_columns = "entitlement_id, participant_id, component, release_number, copy_hash, channel, begun_at, ends_at"
    with own.market.engine.begin() as connection:
        connection.exec_driver_sql(f"insert into deliveries select delivery_id || '2', {own_columns} from deliveries")
    assert any("within the life" in each for each in faults_of(own.market))
