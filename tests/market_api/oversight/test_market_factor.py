"""The regulator's β: for quarters to come, within its bounds, told to sellers, and in what the vault prices by."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.oversight.cleared import write_cleared_trades
from market_api.oversight.tables import beta_overrides
from pricing.overrides import BetaOverride
from tests.market_api.builders import served
from tests.market_api.sales import Sale, a_sale
from vault.market_trades import read_trades
from vault.signing import key_id

BETAS = "/v1/oversight/beta-overrides"
FACTS = json.dumps({"subject": "aggregate"})


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path, facts=FACTS)


@pytest.fixture
def either_sale(released: Path, tmp_path: Path, database_url: str | None) -> Sale:
    return a_sale(released, tmp_path, database_url, facts=FACTS)


def body(**changes: Any) -> dict[str, Any]:
    told = {"component": "zone_hours", "beta": "1.1", "first_epoch": "2027q1", "last_epoch": "2027q2"}
    return {**told, "reason": "Two of three providers have left.", **changes}


def of_field(**changes: Any) -> dict[str, Any]:
    told = {name: value for name, value in body(**changes).items() if name != "component"}
    return {**told, "field": "governance"}


def record(sale: Sale, asked: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = served(sale.market).post(BETAS, headers=sale.regulator.changing, json=asked)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def exported(sale: Sale, folder: Path) -> Any:
    """What the vault reads of the market's signed trades."""
    path = folder / "market-trades.json"
    write_cleared_trades(sale.market, path, date(2026, 11, 27))
    own = sale.market.keys.signing.public_key()
    return read_trades(path, {key_id(own): own})


def test_what_is_recorded_reaches_the_vault_with_its_record_reason_and_term(either_sale: Sale, tmp_path: Path) -> None:
    sale = either_sale
    first, second = record(sale, body()), record(sale, of_field(beta="0.85", last_epoch="2027q1"))
    told = exported(sale, tmp_path)
    component = BetaOverride(
        first["record_id"], Fraction(11, 10), first["reason"], "2027q1", "2027q2", component="zone_hours"
    )
    field = BetaOverride(
        second["record_id"], Fraction(17, 20), second["reason"], "2027q1", "2027q1", domain="governance"
    )
    assert told.beta_records == (component, field)
    assert told.overrides("2027q1") == (component, field) and told.overrides("2027q2") == (component,)
    assert told.overrides("2026q4") == ()


def test_the_last_record_counts_and_earlier_ones_are_taken_back_without_beta(sale: Sale, tmp_path: Path) -> None:
    record(sale, body())
    record(sale, body(beta="1.2"))
    assert [each.beta for each in exported(sale, tmp_path).overrides("2027q1")] == [Fraction(6, 5)]
    assert record(sale, body(beta=None, last_epoch="2027q1"))["beta"] is None
    told = exported(sale, tmp_path)
    assert told.overrides("2027q1") == () and told.overrides("2027q2")[0].beta == Fraction(6, 5)


def test_records_whose_term_is_over_do_not_leave_any_more(sale: Sale, tmp_path: Path) -> None:
    record(sale, body(last_epoch="2027q1"))
    sale.clock.move(days=60)
    assert len(exported(sale, tmp_path).beta_records) == 1
    sale.clock.move(days=90)
    assert exported(sale, tmp_path).beta_records == ()


@pytest.mark.parametrize("beta", ["0.8", "1.2", "1", "0.800001", "1.199999"])
def test_a_beta_within_the_bounds_is_recorded_as_it_is(sale: Sale, beta: str) -> None:
    assert record(sale, body(beta=beta))["beta"] == beta


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"beta": "0.799999"}, "beta"),
        ({"beta": "1.200001"}, "beta"),
        ({"beta": "0"}, "beta"),
        ({"beta": "9"}, "beta"),
        ({"beta": "1.1000001"}, "beta"),
        ({"beta": "-1"}, "beta"),
        ({"beta": "1e0"}, "beta"),
        ({"beta": "NaN"}, "beta"),
        ({"beta": "１.1"}, "beta"),
        ({"beta": 1.1}, "beta"),
        ({"field": "governance"}, "component"),
        ({"component": None}, "component"),
        ({"component": "No Name"}, "component"),
        ({"first_epoch": "2026q4"}, "first_epoch"),
        ({"first_epoch": "2020q1", "last_epoch": "2027q1"}, "first_epoch"),
        ({"first_epoch": "2027q5"}, "first_epoch"),
        ({"first_epoch": "2027q3"}, "last_epoch"),
        ({"last_epoch": "2028q1"}, "last_epoch"),
        ({"last_epoch": "2999q4"}, "last_epoch"),
        ({"reason": ""}, "reason"),
        ({"reason": "a\u202eb"}, "reason"),
        ({"until": "2027q4"}, "until"),
    ],
)
def test_what_is_out_of_bounds_or_malformed_is_refused_by_its_field(
    sale: Sale, changes: dict[str, Any], field: str
) -> None:
    refused = record(sale, body(**changes), status=422)
    assert (refused["code"], refused["field"]) == ("invalid_request", field)
    assert served(sale.market).get(BETAS, headers=sale.regulator.headers).json() == {"items": []}


def test_a_component_that_was_never_listed_and_an_unknown_field_are_refused(sale: Sale) -> None:
    assert record(sale, body(component="never_listed"), status=404)["field"] == "component"
    assert record(sale, {**of_field(), "field": "mobility"}, status=422)["field"] == "field"


def test_only_the_regulator_sets_it_and_reads_it(sale: Sale) -> None:
    client = served(sale.market)
    for other in (sale.seller, sale.buyer, sale.provider, sale.operator, sale.evaluator):
        assert client.post(BETAS, headers=other.changing, json=body()).json()["code"] == "not_permitted"
        assert client.get(BETAS, headers=other.headers).status_code == 403


@pytest.mark.parametrize("asked", [body(), of_field()], ids=["component", "field"])
def test_its_sellers_are_told_and_nobody_else(sale: Sale, asked: dict[str, Any]) -> None:
    record(sale, asked)
    client = served(sale.market)
    (notice,) = client.get("/v1/account/notices", headers=sale.seller.headers).json()["items"]
    assert notice["kind"] == "market_factor" and notice["told"]["beta"] == "1.1"
    assert notice["component"] in ("zone_hours", "field:governance")
    assert notice["told"]["reason"] == body()["reason"]
    assert client.get("/v1/account/notices", headers=sale.buyer.headers).json()["items"] == []


def test_it_is_in_the_black_box_without_the_words_of_the_reason(sale: Sale) -> None:
    found = record(sale, body())
    address = "/v1/oversight/log/subjects/zone_hours"
    entries = served(sale.market).get(address, headers=sale.regulator.headers).json()["items"]
    (payload,) = [each["payload"] for each in entries if each["payload"]["step"] == "oversight.set_beta"]
    assert payload["record_id"] == found["record_id"] and payload["beta"] == "1.1"
    assert "providers" not in str(payload)


def test_records_are_read_page_by_page_and_by_what_they_are_for(sale: Sale) -> None:
    for asked in (body(), of_field(), body(beta="0.9")):
        record(sale, asked)
    client, headers = served(sale.market), sale.regulator.headers
    first = client.get(BETAS, headers=headers, params={"pageSize": 2}).json()
    rest = client.get(BETAS, headers=headers, params={"pageSize": 2, "pageToken": first["nextPageToken"]}).json()
    assert [each["beta"] for each in first["items"] + rest["items"]] == ["1.1", "1.1", "0.9"]
    of_component = client.get(BETAS, headers=headers, params={"component": "zone_hours"}).json()["items"]
    assert [each["beta"] for each in of_component] == ["1.1", "0.9"]
    assert len(client.get(BETAS, headers=headers, params={"field": "governance"}).json()["items"]) == 1


def test_a_record_is_never_changed_and_the_database_keeps_the_bounds(either_sale: Sale) -> None:
    record(either_sale, body())
    table = beta_overrides
    for change in (sa.update(table).values(beta_millionths=10**6), sa.delete(table)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), either_sale.market.engine.begin() as connection:
            connection.execute(change)
    row = either_sale.market.read(lambda connection: connection.execute(sa.select(table)).mappings().one())
    for name, value in (("beta_millionths", 799_999), ("application_field", "governance"), ("last_epoch", "2026q4")):
        wrong = {**row, "number": 2, "record_id": "bov_2", name: value}
        with pytest.raises(sa.exc.IntegrityError), either_sale.market.engine.begin() as connection:
            connection.execute(sa.insert(table).values(**wrong))


def test_those_recorded_at_once_have_numbers_of_their_own(either_sale: Sale) -> None:
    client, regulator = served(either_sale.market), either_sale.regulator
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(client.post, BETAS, headers=regulator.changing, json=body()) for _ in range(6)]
        assert {each.result().status_code for each in asked} == {201}
    found = sa.select(beta_overrides.c.number).order_by(beta_overrides.c.number)
    numbers = either_sale.market.read(lambda connection: connection.execute(found).scalars().all())
    assert numbers == [1, 2, 3, 4, 5, 6]
