"""Evidence: what concerns the sale and is signed already; all else is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from market_api.catalogue.clearance import signed_datasheet
from market_api.disputes.evidence import entries_page
from market_api.disputes.reading import any_dispute, sale_of
from market_api.disputes.requests import DatasheetField, LogEntry, StatementRequest
from market_api.disputes.tables import statements
from market_api.problems import Problem
from tests.market_api.disputes.acts import evaluate, opened, say
from tests.market_api.goods import RELEASE, lose_clearance
from tests.market_api.sales import Sale, a_sale
from vault.black_box.log import last_entries
from vault.black_box.proofs import proves_inclusion
from vault.signing import key_id


@pytest.fixture
def sale(released: Path, tmp_path: Path) -> Sale:
    return a_sale(released, tmp_path)


def test_an_entry_about_the_sale_is_kept_with_its_proof(
    released: Path, tmp_path: Path, database_url: str | None
) -> None:
    sale = a_sale(released, tmp_path, database_url)
    dispute_id = opened(sale)
    settled = next(each for each in entries(sale, dispute_id) if each["step"] == "order.settle")
    say(sale, dispute_id, sale.seller, [entry(settled["index"], settled["entry_hash"])])
    (kept,) = evidence(sale, dispute_id)
    own = sale.market.keys.signing.public_key()
    assert proves_inclusion(kept["proof"], {key_id(own): own})
    assert kept["proof"]["entry"]["subject"] == sale.order_id


def test_an_entry_of_others_is_not_found(sale: Sale) -> None:
    """Its proof would tell who they are."""
    dispute_id = opened(sale)
    sale.market.seal()
    known = {each["index"] for each in entries(sale, dispute_id)}
    logged = sale.market.read(lambda connection: last_entries(connection, 1000))
    others = [each.entry for each in logged if each.entry.index not in known]
    assert others
    for each in others:
        with pytest.raises(Problem, match="not_found"):
            say(sale, dispute_id, sale.buyer, [entry(each.index, "0" * 64)])
    with pytest.raises(Problem, match="not_found"):
        say(sale, dispute_id, sale.buyer, [entry(10**6, "0" * 64)])


def test_what_an_evaluator_wrote_about_the_sale_is_not_proved_to_the_parties(sale: Sale) -> None:
    """The proof would tell them who it is."""
    dispute_id = opened(sale)
    evaluate(sale, dispute_id, sale.evaluator)
    sale.market.seal()
    logged = sale.market.read(lambda connection: last_entries(connection, 10, subject=dispute_id))
    (own,) = [each.entry for each in logged if each.entry.actor == sale.evaluator.participant_id]
    assert own.index not in {each["index"] for each in entries(sale, dispute_id)}
    with pytest.raises(Problem, match="not_found"):
        say(sale, dispute_id, sale.buyer, [entry(own.index, "0" * 64)])


def test_the_list_of_entries_names_nobody_but_the_parties(sale: Sale) -> None:
    told = json.dumps(entries(sale, opened(sale)))
    for other in (sale.provider, sale.operator, sale.evaluator, sale.regulator):
        assert other.participant_id not in told
    assert '"by": "buyer"' in told


def test_an_entry_with_another_hash_is_refused(sale: Sale) -> None:
    dispute_id = opened(sale)
    first, second = entries(sale, dispute_id)[:2]
    with pytest.raises(Problem, match="another hash"):
        say(sale, dispute_id, sale.buyer, [entry(first["index"], second["entry_hash"])])


def test_an_entry_that_is_not_signed_yet_is_refused_until_it_is(sale: Sale) -> None:
    dispute_id = opened(sale)
    begun = next(each for each in entries(sale, dispute_id) if each["step"] == "dispute.begin")
    reference = [entry(begun["index"], begun["entry_hash"])]
    with pytest.raises(Problem, match="not signed yet"):
        say(sale, dispute_id, sale.buyer, reference)
    sale.market.seal()
    say(sale, dispute_id, sale.buyer, reference)


@pytest.mark.parametrize(
    ("field", "value"),
    [("component", "zone_hours"), ("contract.columns.0.name", "zone_id"), ("measures.rows", 1440), ("tier", "market")],
)
def test_a_field_of_the_datasheet_is_kept_with_its_value(sale: Sale, field: str, value: Any) -> None:
    dispute_id = opened(sale, evidence=[of_datasheet(sale, field)])
    (kept,) = evidence(sale, dispute_id)
    assert (kept["field"], kept["value"]) == (field, value)


@pytest.mark.parametrize("field", ["nothing", "contract.columns.99", "contract.columns.x", "component.length", "a.b.c"])
def test_a_field_that_is_not_there_is_refused(sale: Sale, field: str) -> None:
    with pytest.raises(Problem, match="has no field"):
        opened(sale, evidence=[of_datasheet(sale, field)])
    assert sale.states == ("settled", "active")


def test_a_large_part_of_the_datasheet_is_refused(sale: Sale) -> None:
    with pytest.raises(Problem, match="name a field within it"):
        opened(sale, evidence=[of_datasheet(sale, "contract")])


def test_another_datasheet_is_refused(sale: Sale) -> None:
    with pytest.raises(Problem, match="not the datasheet by which"):
        opened(sale, evidence=[DatasheetField(kind="datasheet", datasheet_hash="0" * 64, field="component")])


def test_a_datasheet_that_is_gone_is_no_evidence(sale: Sale) -> None:
    reference = of_datasheet(sale, "component")
    lose_clearance(sale.market)
    with pytest.raises(Problem, match="not_cleared"):
        opened(sale, evidence=[reference])
    opened(sale)


@pytest.mark.parametrize(
    "reference",
    [
        {"kind": "file", "path": "/etc/passwd"},
        {"kind": "log_entry", "index": -1, "entry_hash": "0" * 64},
        {"kind": "log_entry", "index": 1, "entry_hash": "0" * 63},
        {"kind": "log_entry", "index": "1", "entry_hash": "0" * 64},
        {"kind": "datasheet", "datasheet_hash": "0" * 64, "field": "a..b"},
        {"kind": "datasheet", "datasheet_hash": "0" * 64, "field": "../keys"},
        {"kind": "datasheet", "datasheet_hash": "0" * 64, "field": ".".join("a" * 13)},
        {"kind": "datasheet", "datasheet_hash": "0" * 64, "field": "a", "value": 3},
    ],
)
def test_what_is_no_reference_is_refused(reference: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="evidence"):
        StatementRequest.model_validate({"statement": "x", "evidence": [reference]})


def test_references_are_bounded() -> None:
    many = [{"kind": "log_entry", "index": 1, "entry_hash": "0" * 64}] * 21
    with pytest.raises(ValueError, match="at most 20"):
        StatementRequest.model_validate({"statement": "x", "evidence": many})


def test_statements_are_never_changed(released: Path, tmp_path: Path, database_url: str | None) -> None:
    sale = a_sale(released, tmp_path, database_url)
    opened(sale)
    for change in (sa.update(statements).values(text="another"), sa.delete(statements)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), sale.market.engine.begin() as connection:
            connection.execute(change)


def entry(index: int, entry_hash: str) -> LogEntry:
    return LogEntry(kind="log_entry", index=index, entry_hash=entry_hash)


def of_datasheet(sale: Sale, field: str) -> DatasheetField:
    hashed = signed_datasheet(sale.market.settings, RELEASE).hash
    return DatasheetField(kind="datasheet", datasheet_hash=hashed, field=field)


def entries(sale: Sale, dispute_id: str) -> list[dict[str, Any]]:
    """All entries that may be referred to, page by page."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        shown = sale.market.read(lambda c, token=token: entries_page(c, *sale_of(c, dispute_id, None), token, 3))  # type: ignore[misc]
        found += shown["items"]
        if "nextPageToken" not in shown:
            return found
        token = shown["nextPageToken"]


def evidence(sale: Sale, dispute_id: str) -> list[dict[str, Any]]:
    said = sale.market.read(lambda connection: any_dispute(connection, dispute_id))["statements"]
    return [each for statement in said for each in statement["evidence"]]
