"""Public revenue: what guided components earned, against what they may, with the excess clawed back."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from market_api.disputes.completing import complete_orders
from market_api.oversight.tables import permitted_revenues
from tests.market_api.builders import a_participant, served
from tests.market_api.disputes.acts import decided, opened, upheld
from tests.market_api.sales import PRICE_FEN, Sale, a_sale, bought_again

REVENUE, PERMITTED = "/v1/oversight/public-revenue", "/v1/oversight/permitted-revenues"


@pytest.fixture
def guided(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path, regime="public_guided", ceiling_fen=200_000)


def test_what_is_not_recorded_is_not_judged(guided: Sale) -> None:
    assert asked(guided) == [
        {
            "component": "zone_hours",
            "period": "2026q4",
            "revenue_fen": PRICE_FEN,
            "permitted_fen": None,
            "earlier_excess_fen": None,
            "excess_fen": None,
        }
    ]


def test_other_regimes_are_not_asked_about(released: Path, tmp_path: Path) -> None:
    sale = a_sale(released, tmp_path)
    assert asked(sale) == []
    assert record(sale, 1, status=404)["code"] == "not_found"


def test_what_goes_back_is_no_revenue(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url, regime="public_guided", ceiling_fen=200_000)
    decided(sale, opened(sale), upheld(30_000, "keeps"))
    whole = bought_again(sale, 5_000)
    decided(whole, opened(whole), upheld(5_000))
    assert asked(sale)[0]["revenue_fen"] == PRICE_FEN - 30_000


def test_what_is_earned_above_the_permitted_is_clawed_back_in_the_next_quarter(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url, regime="public_guided", ceiling_fen=200_000)
    record(sale, 60_000, 10_000, 5_000)
    assert figures(sale) == (PRICE_FEN, 75_000, 0, 25_000)
    sale.clock.move(days=60)
    bought_again(sale, 40_000)
    record(sale, 50_000, period="2027q1")
    assert figures(sale, "2027q1") == (40_000, 25_000, 25_000, 15_000)
    record(sale, 60_000, period="2027q2")
    assert figures(sale, "2027q2") == (0, 45_000, 15_000, 0)
    assert figures(sale, "2027q3") == (0, None, None, None)


def test_the_last_record_is_in_force_and_none_is_changed(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url, regime="public_guided", ceiling_fen=200_000)
    assert (record(sale, 50_000)["number"], record(sale, 70_000)["number"]) == (1, 2)
    assert figures(sale) == (PRICE_FEN, 70_000, 0, 30_000)
    for change in (sa.update(permitted_revenues).values(tax_fen=1), sa.delete(permitted_revenues)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), sale.market.engine.begin() as connection:
            connection.execute(change)


def test_a_completed_sale_is_revenue_of_the_quarter_in_which_it_was_paid(guided: Sale) -> None:
    guided.clock.move(days=60)
    complete_orders(guided.market)
    assert figures(guided) == (PRICE_FEN, None, None, None) and figures(guided, "2027q1") == (0, None, None, None)


def test_only_the_regulator_records(guided: Sale) -> None:
    for other in (guided.seller, guided.buyer, guided.operator, guided.evaluator):
        assert client_of(guided).post(PERMITTED, headers=other.changing, json=body(5)).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"tax_fen": -1},
        {"operating_cost_fen": 10**14},
        {"operating_cost_fen": 1.5},
        {"period": "2026"},
        {"period": "2026q5"},
        {"component": "Zone"},
        {"reason": ""},
        {"earlier_excess_fen": 5},
    ],
)
def test_what_is_no_record_is_refused(guided: Sale, changes: dict[str, Any]) -> None:
    refused = client_of(guided).post(PERMITTED, headers=guided.regulator.changing, json={**body(5), **changes})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_period_is_named(guided: Sale) -> None:
    client = client_of(guided)
    for given in ({}, {"period": "2026q9"}, {"period": "now"}):
        assert client.get(REVENUE, headers=guided.regulator.headers, params=given).status_code == 422


def body(operating_cost_fen: int, profit_fen: int = 0, tax_fen: int = 0, period: str = "2026q4") -> dict[str, Any]:
    return {
        "component": "zone_hours",
        "period": period,
        "operating_cost_fen": operating_cost_fen,
        "permitted_profit_fen": profit_fen,
        "tax_fen": tax_fen,
        "reason": "As audited.",
    }


def record(sale: Sale, *parts: int, period: str = "2026q4", status: int = 201) -> dict[str, Any]:
    regulator = a_participant(sale.market, "regulator")  # with a token of this quarter
    answer = client_of(sale).post(PERMITTED, headers=regulator.changing, json=body(*parts, period=period))
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(sale: Sale, period: str = "2026q4") -> list[dict[str, Any]]:
    regulator = a_participant(sale.market, "regulator")
    answer = client_of(sale).get(REVENUE, headers=regulator.headers, params={"period": period})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def figures(sale: Sale, period: str = "2026q4") -> tuple[int | None, ...]:
    (found,) = asked(sale, period)
    return tuple(found[name] for name in ("revenue_fen", "permitted_fen", "earlier_excess_fen", "excess_fen"))


def client_of(sale: Sale) -> TestClient:
    return served(sale.market)
