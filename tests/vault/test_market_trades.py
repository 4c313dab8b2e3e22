"""The market's trades price components only as the market signed them, by day, and without telling who bought."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from orchestration.declarations import declarations
from orchestration.epoch_proposal import propose_from_catalogue
from orchestration.valuation.rates import rates_of
from pricing.comparables import Factors, comparable_price
from pricing.component_price import Trading, priced
from pricing.negotiated import Trade, traded_value
from pricing.price_record import differences, document_of
from pricing.trade_records import NoTrades, TradeRecords, market_facts
from tests.orchestration.test_epoch import TODAY, valued
from tests.pricing.markets import unhurried
from tests.pricing.prices import facts, parameters
from vault.errors import JinkuError
from vault.home import Home
from vault.marked_yaml import read_marked
from vault.market_trades import (
    Activity,
    ClearedSale,
    ClosedTrade,
    ListedComponent,
    SignedTrades,
    market_records,
    read_trades,
    trades_document,
)
from vault.signing import key_id, public_keys, sign

KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
KEYS = {key_id(KEY.public_key()): KEY.public_key()}
SALT = b"random bytes, 16+"
MADE_AT = datetime(2026, 11, 25, 6, tzinfo=UTC)
COMPONENTS = {
    "zone_hourly_mobility": ListedComponent("governance", "aggregate"),
    "transit_stop_service": ListedComponent("governance", "aggregate"),
    "hire_base_profile": ListedComponent("development", "enterprise"),
}
NUMBERED: dict[str, Any] = {"sequence": 1, "log_size": 100}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BUYERS = ("Li Wei Ltd", "Wang Fang Ltd", "Zhang Min Ltd")


def closed(day: date, component: str = "zone_hourly_mobility", **changes: Any) -> ClosedTrade:
    agreed: dict[str, Any] = {"price": 4_000_000, "cost": Fraction(2_000_001, 2), "information": 0.7, **changes}
    return ClosedTrade(component, day, Trade(**agreed))


def sale(day: date, component: str = "zone_hourly_mobility", **changes: Any) -> ClearedSale:
    given: dict[str, Any] = {"unit_price_fen": 60_000, "buyer_id": BUYERS[0], **changes}
    return ClearedSale(component, day, **given)


def market(count: int = 12, **given: Any) -> dict[str, Any]:
    """Twelve negotiations at arm's length, three sales to three buyers, and a busy quarter."""
    days = [date(2026, 10, 1) + timedelta(days=number) for number in range(count)]
    factors = Factors(0.5, 0.9, 120_000, Fraction(49, 50))
    return trades_document(
        COMPONENTS,
        [closed(day) for day in days],
        [sale(day, buyer_id=buyer, factors=factors) for day, buyer in zip(days, BUYERS, strict=False)],
        {"2026q4": Activity(enquiries=40, open_lots=2)},
        MADE_AT,
        SALT,
        **(NUMBERED | given),
    )


def written(path: Path, document: dict[str, Any], key: Ed25519PrivateKey = KEY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**document, "signature": sign(key, document)}), "utf-8")
    return path


def read(tmp_path: Path, document: dict[str, Any] | None = None) -> SignedTrades:
    return read_trades(written(tmp_path / "trades.json", document or market()), KEYS)


def home_with_market(root: Path) -> Home:
    """A home that knows the market's public key and has its trades."""
    home = Home(root)
    home.market_public.mkdir(parents=True)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (home.market_public / "market.pem").write_bytes(pem)
    written(home.market_trades, market())
    return home


def test_pricing_asks_the_document_what_it_asks_of_any_market(tmp_path: Path) -> None:
    records: TradeRecords = read(tmp_path)
    trades = records.trades("governance", date(2026, 12, 1))
    assert len(trades) == 12 and traded_value(trades) == (
        4_000_000 / Fraction("1.15") - Fraction(2_000_001, 2)
    ) / Fraction("0.7")
    sales = records.comparables("zone_hourly_mobility", date(2026, 12, 1))
    assert [each.age_days for each in sales] == [61, 60, 59] and comparable_price(sales) == 60_000
    assert sales[0].factors == Factors(0.5, 0.9, 120_000, Fraction(49, 50))
    assert (records.enquiries("2026q4"), records.open_lots("2026q4")) == (40, 2)
    assert (records.enquiries("2026q3"), records.open_lots("2027q1")) == (0, 0)


def test_what_closed_on_the_day_asked_or_after_it_is_not_told(tmp_path: Path) -> None:
    records = read(tmp_path)
    first = date(2026, 10, 1)
    assert records.trades("governance", first) == records.comparables("zone_hourly_mobility", first) == ()
    assert len(records.trades("governance", first + timedelta(days=1))) == 1
    assert records.comparables("zone_hourly_mobility", first + timedelta(days=1))[0].age_days == 1


def test_comparables_are_of_the_same_field_and_subject(tmp_path: Path) -> None:
    records, day = read(tmp_path), date(2026, 12, 1)
    assert len(records.comparables("transit_stop_service", day)) == 3
    assert records.comparables("hire_base_profile", day) == ()
    assert records.comparables("never_listed", day) == ()
    assert records.trades("development", day) == ()


def test_facts_of_the_market_count_each_sale_once(tmp_path: Path) -> None:
    found = market_facts(read(tmp_path), COMPONENTS, date(2026, 12, 1), "2026q4")
    assert (len(found.trades["governance"]), len(found.comparables), found.demand, found.supply) == (12, 3, 40, 2)


def test_no_buyer_is_named_and_the_same_one_is_told_as_the_same_within_a_document_only() -> None:
    days = [date(2026, 10, 1), date(2026, 10, 2)]

    def buyers(salt: bytes) -> list[str]:
        document = trades_document(COMPONENTS, [], [sale(day) for day in days], {}, MADE_AT, salt, **NUMBERED)
        assert not any(buyer in json.dumps(document) for buyer in BUYERS)
        return [each["buyer"] for each in document["sales"]]

    one, other = buyers(SALT), buyers(b"other random bytes")
    assert one[0] == one[1] and other[0] == other[1] and one[0] != other[0]


def test_a_salt_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        trades_document(COMPONENTS, [], [], {}, MADE_AT, b"short", **NUMBERED)


@unhurried
@given(st.permutations(range(12)), st.permutations(range(3)))
def test_the_order_in_which_the_market_keeps_its_records_is_not_told(trades: list[int], sales: list[int]) -> None:
    days = [date(2026, 10, 1) + timedelta(days=number // 2) for number in range(12)]

    def document(first: list[int], second: list[int]) -> dict[str, Any]:
        return trades_document(
            COMPONENTS,
            [closed(days[number], price=number) for number in first],
            [sale(days[0], buyer_id=BUYERS[number]) for number in second],
            {},
            MADE_AT,
            SALT,
            **NUMBERED,
        )

    assert document(trades, sales) == document(list(range(12)), list(range(3)))


@pytest.mark.parametrize(
    ("components", "activity", "made_at", "cause"),
    [
        ({}, {}, MADE_AT, "not listed"),
        (COMPONENTS, {}, MADE_AT - timedelta(days=90), "after the document was made"),
        (COMPONENTS, {"2026-q4": Activity(1, 1)}, MADE_AT, "not of the form"),
        (COMPONENTS | {"Bad Name": COMPONENTS["hire_base_profile"]}, {}, MADE_AT, "not of the form"),
        (COMPONENTS, {}, MADE_AT.replace(tzinfo=None), "without a zone"),
    ],
)
def test_the_market_cannot_write_what_the_vault_would_not_read(
    components: Any, activity: Any, made_at: datetime, cause: str
) -> None:
    with pytest.raises(ValueError, match=cause):
        trades_document(components, [closed(date(2026, 10, 1))], [], activity, made_at, SALT, **NUMBERED)


def test_records_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="unit_price_fen"):
        sale(TODAY, unit_price_fen=0)
    with pytest.raises(ValueError, match="enquiries"):
        Activity(-1, 0)
    with pytest.raises(ValueError, match="domain"):
        ListedComponent("mobility", "aggregate")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="subject"):
        ListedComponent("governance", "city")  # type: ignore[arg-type]


def dearer(document: dict[str, Any]) -> None:
    document["trades"][0]["price_fen"] += 1


def at_arms_length(document: dict[str, Any]) -> None:
    document["sales"][0]["arms_length"] = not document["sales"][0]["arms_length"]


def one_less(document: dict[str, Any]) -> None:
    del document["trades"][-1]


def busier(document: dict[str, Any]) -> None:
    document["activity"]["2026q4"]["enquiries"] = 10**6


def without_signature(document: dict[str, Any]) -> None:
    del document["signature"]


def signature_of_nobody(document: dict[str, Any]) -> None:
    document["signature"]["key_id"] = "0" * 16


def signature_that_is_none(document: dict[str, Any]) -> None:
    document["signature"] = "signed"


def no_number(document: dict[str, Any]) -> None:
    document["trades"][0]["information"] = float("nan")


@pytest.mark.parametrize(
    "tamper",
    [
        dearer,
        at_arms_length,
        one_less,
        busier,
        without_signature,
        signature_of_nobody,
        signature_that_is_none,
        no_number,
    ],
)
def test_whatever_was_changed_after_the_signature_is_refused(
    tmp_path: Path, tamper: Callable[[dict[str, Any]], None]
) -> None:
    path = written(tmp_path / "trades.json", market())
    document = json.loads(path.read_text("utf-8"))
    tamper(document)
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(JinkuError) as refused:
        read_trades(path, KEYS)
    assert refused.value.code == "trades_unsigned"


def test_a_stranger_signs_nothing_and_without_a_key_nothing_is_believed(tmp_path: Path) -> None:
    by_stranger = written(tmp_path / "stranger.json", market(), STRANGER)
    with pytest.raises(JinkuError, match="trades_unsigned"):
        read_trades(by_stranger, KEYS)
    with pytest.raises(JinkuError, match="trades_unsigned"):
        read_trades(written(tmp_path / "trades.json", market()), {})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_document_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trades.json").write_bytes(content)
    with pytest.raises(JinkuError, match="trades_unreadable"):
        read_trades(tmp_path / "trades.json", KEYS)


def test_a_list_is_no_document_and_a_missing_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "trades.json").write_text("[]", "utf-8")
    with pytest.raises(JinkuError, match="trades_unsigned"):
        read_trades(tmp_path / "trades.json", KEYS)
    with pytest.raises(JinkuError, match="trades_unreadable"):
        read_trades(tmp_path / "none.json", KEYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "jinku-trades/1"},
        {"made_at": "2026-11-25T06:00:00"},
        {"made_at": 1},
        {"surprise": 1},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": "7"},
        {"log_size": -1},
        {"log_size": 1.5},
        {"beta_overrides": 1},
        {"beta_overrides": [1]},
        {"beta_overrides": [{}]},
        {"trades": 1},
        {"trades": [{"component": "zone_hourly_mobility"}]},
        {"components": {"zone_hourly_mobility": {"domain": "governance"}}},
        {"activity": {"2026q4": {"enquiries": True, "open_lots": 0}}},
        {"activity": {"2026q4": []}},
    ],
)
def test_a_signed_document_of_another_form_is_unreadable(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(JinkuError, match=r"trades_unreadable: .*it is signed, and yet"):
        read(tmp_path, {**market(), **changes})


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("trades", {"price_fen": 1.5}),
        ("trades", {"price_fen": -1}),
        ("trades", {"information": 0}),
        ("trades", {"margin": "1/0"}),
        ("trades", {"margin": "3/4"}),
        ("trades", {"cost_fen": True}),
        ("trades", {"arms_length": 1}),
        ("trades", {"closed_on": "2027-01-01"}),
        ("trades", {"component": "unknown"}),
        ("trades", {"component": ["zone_hourly_mobility"]}),
        ("sales", {"unit_price_fen": 0}),
        ("sales", {"buyer": "Li Wei Ltd"}),
        ("sales", {"closed_on": "tomorrow"}),
        ("sales", {"factors": {"scarcity": 2, "timeliness": 1, "records": 1, "coverage": 1}}),
        ("sales", {"factors": {"scarcity": 1}}),
        ("sales", {"buyer_name": "Li Wei"}),
    ],
)
def test_a_signed_record_that_cannot_be_is_unreadable(tmp_path: Path, part: str, changes: dict[str, Any]) -> None:
    document = market()
    document[part][0] = {**document[part][0], **changes}
    with pytest.raises(JinkuError) as refused:
        read(tmp_path, document)
    assert refused.value.code == "trades_unreadable" and "Li Wei" not in str(refused.value)


def regulated(**changes: Any) -> dict[str, Any]:
    """A document with one record of the regulator's, as its JSON tells it."""
    told = {
        "record": "bov_1",
        "component": "zone_hourly_mobility",
        "field": None,
        "first_epoch": "2027q1",
        "last_epoch": "2027q4",
        "beta": "11/10",
        "reason": "Scarce.",
    }
    return {**market(), "beta_overrides": [{**told, **changes}]}


def test_what_the_regulator_set_is_told_by_epoch(tmp_path: Path) -> None:
    records: TradeRecords = read(tmp_path, regulated())
    (found,) = records.overrides("2027q2")
    assert (found.component, found.beta, found.record_id, found.reason) == (
        "zone_hourly_mobility",
        Fraction(11, 10),
        "bov_1",
        "Scarce.",
    )
    assert records.overrides("2026q4") == records.overrides("2028q1") == ()
    assert read(tmp_path, regulated(beta=None)).overrides("2027q2") == ()
    of_field = read(tmp_path, regulated(component=None, field="governance")).overrides("2027q1")
    assert of_field[0].domain == "governance"


def test_records_of_the_regulator_are_written_as_they_are_read(tmp_path: Path) -> None:
    records = read(tmp_path, regulated()).beta_records
    assert read(tmp_path, market(beta_records=records)).beta_records == records


@pytest.mark.parametrize(
    "changes",
    [
        {"beta": "13/10"},
        {"beta": "79/100"},
        {"beta": 1.1},
        {"beta": "much"},
        {"beta": "1/0"},
        {"record": ""},
        {"record": None},
        {"reason": ""},
        {"component": None},
        {"component": "never_listed"},
        {"field": "governance"},
        {"component": None, "field": "mobility"},
        {"first_epoch": "2027"},
        {"last_epoch": "2026q4"},
        {"surprise": "x"},
    ],
)
def test_a_signed_record_of_the_regulator_that_cannot_be_is_unreadable(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(JinkuError, match="trades_unreadable"):
        read(tmp_path, regulated(**changes))


def test_a_proposal_uses_what_the_regulator_set(tmp_path: Path) -> None:
    home = home_with_market(tmp_path)
    valued(tmp_path, "zone_hourly_mobility", 1_000_000)
    written(home.market_trades, regulated())
    assert proposed_values(home)["beta_market"] == {
        "value": 1.05,
        "overrides": [
            {"component": "zone_hourly_mobility", "value": 1.1, "regulator_record": "bov_1", "reason": "Scarce."}
        ],
    }


def test_a_price_by_the_markets_sales_is_one_that_its_record_gives_again(tmp_path: Path) -> None:
    sales = read(tmp_path).comparables("zone_hourly_mobility", date(2026, 12, 1))
    given_facts, used = facts(trading=Trading(sales)), parameters()
    assert differences(document_of(given_facts, used, priced(given_facts, used))) == ()


def test_a_home_without_trades_knows_no_market(tmp_path: Path) -> None:
    assert market_records(Home(tmp_path), NOW) == NoTrades()


def test_trades_that_do_not_pass_are_not_taken_for_none(tmp_path: Path) -> None:
    home = home_with_market(tmp_path)
    assert isinstance(market_records(home, NOW), SignedTrades)
    home.market_trades.unlink()
    home.market_trades.symlink_to(tmp_path / "gone")
    with pytest.raises(JinkuError, match="trades_unreadable"):
        market_records(home, NOW)


def test_the_markets_key_signs_nothing_of_the_vaults(tmp_path: Path) -> None:
    assert public_keys(home_with_market(tmp_path)) == {}


def proposed_values(home: Home) -> dict[str, Any]:
    document: dict[str, Any] = read_marked(propose_from_catalogue(home, NOW)).value
    return document


def test_a_proposal_rests_on_the_trades_where_there_are_any(tmp_path: Path) -> None:
    home = home_with_market(tmp_path)
    valued(tmp_path, "zone_hourly_mobility", 1_000_000)
    valued(tmp_path / "other", "zone_hourly_mobility", 1_000_000)
    with_trades, without = proposed_values(home), proposed_values(Home(tmp_path / "other"))
    values, cold = with_trades["parameters"]["price"]["value_fen"], without["parameters"]["price"]["value_fen"]
    assert values["governance"] == 3_540_372  # (4,000,000 / 1.15 - 1,000,000.5) / 0.7
    assert cold["governance"] == 800_000 and values["development"] == cold["development"]
    assert "over 12 arm's-length trades" in with_trades["reasons"]["price.value_fen.governance"]
    assert "0 arm's-length trades" in without["reasons"]["price.value_fen.governance"]
    assert with_trades["parameters"]["guide"]["reference_timeliness"] == 0.9
    assert without["parameters"]["guide"]["reference_timeliness"] == 0.75
    assert (with_trades["beta_market"]["value"], without["beta_market"]["value"]) == (1.05, 1)


def test_tampered_trades_refuse_the_proposal_and_price_nothing(tmp_path: Path) -> None:
    home = home_with_market(tmp_path)
    valued(tmp_path, "zone_hourly_mobility", 1_000_000)
    path = propose_from_catalogue(home, NOW)
    before = path.read_bytes()
    home.market_trades.write_text(home.market_trades.read_text("utf-8").replace("4000000", "9000000"), "utf-8")
    with pytest.raises(JinkuError, match="trades_unsigned"):
        propose_from_catalogue(home, NOW)
    assert path.read_bytes() == before
    with pytest.raises(JinkuError, match="trades_unsigned"):
        rates_of(home, declarations(), datetime(2026, 11, 25, tzinfo=UTC))


def test_components_are_valued_by_the_trades_before_the_epoch(tmp_path: Path) -> None:
    home = home_with_market(tmp_path)
    september = replace(sale(date(2026, 9, 30)), buyer_id=BUYERS[2])
    written(home.market_trades, trades_document(COMPONENTS, [], [september], {}, MADE_AT, SALT, **NUMBERED))
    rates = rates_of(home, declarations(), datetime(2026, 11, 25, tzinfo=UTC))
    (found,) = rates.trades.comparables("zone_hourly_mobility", rates.epoch.from_day)
    assert (found.age_days, found.unit_price) == (1, 60_000)
