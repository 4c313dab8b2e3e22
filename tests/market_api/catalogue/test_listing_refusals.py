"""What may not be listed is refused, each time with the true cause, and nothing is left behind."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from market_api.catalogue.tables import listings, notices
from tests.market_api.builders import a_participant, suspended
from tests.market_api.catalogue.releases import (
    HOLDER,
    STRANGER,
    Change,
    a_datasheet,
    a_release,
    priced_at,
    put,
    write,
)
from tests.market_api.catalogue.shops import Shop
from vault.releases.datasheet import DATASHEET, hashes_of
from vault.releases.reading import read_datasheet, table_files, unsigned

NAMES: Iterator[str] = (f"component_{number}" for number in range(1000))


def problem(answer: httpx.Response, code: str) -> str:
    """The refusal's detail, where it is of that kind."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["code"] == code, answer.text
    detail: str = answer.json()["detail"]
    return detail


def refused(shop: Shop, code: str, *changes: Change, **asked: Any) -> str:
    """The refusal of a release whose datasheet says something else, validly signed."""
    release = a_release(shop.folder, next(NAMES), 1, *changes)
    return problem(shop.list(release, **asked), code)


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def folder_of(shop: Shop, release: str) -> Path:
    return shop.folder / "releases" / release.replace("@", "/")


@pytest.fixture(autouse=True)
def _nothing_is_left(asked: Shop) -> Iterator[None]:
    yield
    with asked.market.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(listings)).scalar_one() == 0
        assert connection.execute(sa.select(sa.func.count()).select_from(notices)).scalar_one() == 0


# the datasheet and what it states


def test_a_release_that_is_not_there(asked: Shop) -> None:
    assert "not there" in problem(asked.list("nothing@1"), "not_cleared")


@pytest.mark.parametrize("name", ["../../etc@1", "zone_hours@0", "zone_hours", "zone_hours@1/../2", "ZONE@1", "a@1\n"])
def test_a_name_that_is_none(asked: Shop, name: str) -> None:
    assert problem(asked.list(name), "invalid_request").startswith("release:")


def test_an_unsigned_datasheet(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    write(folder_of(asked, release), unsigned(read_datasheet(folder_of(asked, release))))
    assert "'required'" in problem(asked.list(release), "not_cleared")


def test_a_datasheet_signed_by_a_stranger(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1, key=STRANGER)
    assert "not signed by a trusted key" in problem(asked.list(release), "not_cleared")


def test_a_datasheet_that_was_altered_after_it_was_signed(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    document = read_datasheet(folder_of(asked, release))
    document["contract"]["permittedUses"].append("advertising")
    stated = document["hashes"]
    document["hashes"] = hashes_of(document, stated["data"], stated["model"], stated["contracts"])
    write(folder_of(asked, release), document)
    assert "not signed by a trusted key" in problem(asked.list(release), "not_cleared")


def test_the_datasheet_of_another_release(asked: Shop) -> None:
    one, other = (a_release(asked.folder, next(NAMES), 1) for _ in range(2))
    write(folder_of(asked, other), read_datasheet(folder_of(asked, one)))
    assert "another release" in problem(asked.list(other), "not_cleared")


def test_a_datasheet_that_is_no_json(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    (folder_of(asked, release) / DATASHEET).write_text("{")
    assert "cannot be read" in problem(asked.list(release), "not_cleared")


def test_a_datasheet_too_large_to_be_one(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    with (folder_of(asked, release) / DATASHEET).open("r+b") as file:
        file.truncate(1 << 25)
    assert "too large" in problem(asked.list(release), "not_cleared")


def test_hashes_that_are_not_those_of_the_parts(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1, put("contract/purpose", "Anything"), is_hashed=False)
    assert "not what its hash states" in problem(asked.list(release), "not_cleared")


# the files and rows


def flip_a_byte(folder: Path) -> None:
    (path,) = table_files(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    overwrite(path, bytes(content))


def remove_the_rows(folder: Path) -> None:
    (path,) = table_files(folder)
    path.unlink()


def add_a_file(folder: Path) -> None:
    (folder / "table" / "more.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    ("change", "cause"),
    [(flip_a_byte, "altered"), (remove_the_rows, "missing"), (add_a_file, "does not know this file")],
)
def test_files_that_are_not_what_was_signed(asked: Shop, change: Callable[[Path], None], cause: str) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    change(folder_of(asked, release))
    assert cause in problem(asked.list(release), "not_cleared")


def test_rows_that_are_not_those_that_were_reviewed(asked: Shop) -> None:
    import duckdb

    from vault.releases.table_files import file_hash

    def other_rows(document: dict[str, Any]) -> None:
        folder = asked.folder / "releases" / document["component"] / "1"
        (path,) = table_files(folder)
        path.chmod(0o644)
        duckdb.sql(f"select * replace (trips + 1 as trips) from '{path}'").write_parquet(f"{path}.new")
        Path(f"{path}.new").replace(path)
        stated = next(each for each in document["files"] if each["path"].endswith(".parquet"))
        stated |= {"bytes": path.stat().st_size, "sha256": file_hash(path)}

    assert "not those that were reviewed" in refused(asked, "not_cleared", other_rows)


# the review, the gate and the rights


def test_a_security_review_of_0(asked: Shop) -> None:
    assert "review/security" in refused(asked, "not_cleared", put("review/security", 0))


@pytest.mark.parametrize("outcome", ["fail", "pending", "error"])
def test_a_blocking_check_that_did_not_pass(asked: Shop, outcome: str) -> None:
    assert f"O1_legal_basis: {outcome}" in refused(asked, "not_cleared", put("review/checks/0/outcome", outcome))


def test_a_review_of_other_rows(asked: Shop) -> None:
    assert "other rows were reviewed" in refused(asked, "not_cleared", put("review/data_hash", "0" * 64))


def test_a_closed_quality_gate(asked: Shop) -> None:
    assert "quality/gate_closed" in refused(asked, "not_cleared", put("quality/gate_closed", True))


def test_a_right_that_has_ended_since(asked: Shop) -> None:
    cause = refused(asked, "not_cleared", put("rights/0/valid_until", "2026-11-26"))
    assert "the holding right on 'taxi_trips' is not in force today" in cause


def test_a_source_without_a_right(asked: Shop) -> None:
    cause = refused(asked, "not_cleared", put("rights/0/subject", "another_source"))
    assert "no holding right on 'taxi_trips' is on record" in cause


def test_a_price_that_does_not_follow_from_its_steps(asked: Shop) -> None:
    cause = refused(asked, "not_cleared", put("price/steps/negotiated/price_fen", 1))
    assert "negotiated.price_fen" in cause


# whose it is


def test_another_ones_component(asked: Shop) -> None:
    cause = refused(asked, "not_permitted", put("contract/owner", "team:air"), put("contract/provider", "Air office"))
    assert cause.startswith("'team:mobility', the party confirmed of you, is neither the owner nor the provider")


def test_a_seller_of_whom_no_party_is_confirmed(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    nobody = a_participant(asked.market, "developer")
    assert "No party is confirmed" in problem(asked.list(release, nobody), "not_permitted")


@pytest.mark.parametrize("role", ["provider", "app_developer", "operator", "evaluator", "regulator"])
def test_whoever_is_no_developer(asked: Shop, role: str) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    who = a_participant(asked.market, role)
    assert "not to" in problem(asked.list(release, who), "not_permitted")


def test_a_developer_without_the_scope(asked: Shop) -> None:
    reader = a_participant(asked.market, "developer", party="a reader", scopes=frozenset({"catalogue"}))
    assert "scope 'provide'" in problem(asked.list("zone_hours@1", reader), "not_permitted")


def test_a_suspended_seller(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1, put("contract/owner", "team:gone"))
    seller = a_participant(asked.market, "developer", party="team:gone")
    suspended(asked.market, seller)
    assert "suspended" in problem(asked.list(release, seller), "unauthenticated")


# for what


def test_purposes_wider_than_the_contract(asked: Shop) -> None:
    cause = refused(asked, "invalid_request", terms={"purposes": ["advertising"]})
    assert cause.endswith("permit: transport_planning, urban_management; not advertising.")


def test_purposes_wider_than_one_of_the_rights(asked: Shop) -> None:
    narrow = put("rights/0/purposes", ["urban_management"])
    cause = refused(asked, "invalid_request", narrow, terms={"purposes": ["transport_planning", "urban_management"]})
    assert cause.endswith("permit: urban_management; not transport_planning.")


def test_rights_that_permit_nothing_together(asked: Shop) -> None:
    apart = put("rights/0/purposes", ["model_training"])
    assert "permit: none" in refused(asked, "invalid_request", apart)


def test_terms_that_contradict_each_other(asked: Shop) -> None:
    terms = {"purposes": ["urban_management"], "term_days": 30, "exclusive_days": 60}
    assert "exclusive window" in refused(asked, "invalid_request", terms=terms)


# at what price


@pytest.mark.parametrize(
    ("price_fen", "cause"),
    [
        (79_999, "below the cost price of ¥800.00"),
        (0, "below the cost price"),
        (10**13, "neither P²"),
    ],
)
def test_a_price_outside_what_the_model_says(asked: Shop, price_fen: int, cause: str) -> None:
    assert cause in refused(asked, "invalid_request", price_fen=price_fen)


def test_a_price_just_above_the_band(asked: Shop) -> None:
    steps = a_datasheet(asked.folder / "releases" / "zone_hours" / "1")["price"]["steps"]
    highest = steps["negotiated"]["price_fen"] * 115 // 100
    assert highest + 1 != steps["guided"]["price_fen"]
    assert "the band around P¹" in refused(asked, "invalid_request", price_fen=highest + 1)


def test_a_price_above_the_ceiling(asked: Shop) -> None:
    guided = priced_at(regime="public_guided", ceiling_fen=90_000)
    assert "above the ceiling of ¥900.00" in refused(asked, "invalid_request", guided, price_fen=90_001)


def test_a_guided_price_below_the_cost(asked: Shop) -> None:
    guided = priced_at(regime="public_guided", ceiling_fen=90_000)
    assert "below the cost price" in refused(asked, "invalid_request", guided, price_fen=79_999)


def test_a_ceiling_below_the_cost(asked: Shop) -> None:
    assert "no price to sell it at" in refused(asked, "not_cleared", priced_at(regime="public_guided", ceiling_fen=100))


def test_free_data_for_money(asked: Shop) -> None:
    assert "given free" in refused(asked, "invalid_request", priced_at(regime="public_free"), price_fen=1)


def test_free_data_on_request(asked: Shop) -> None:
    assert "given free" in refused(asked, "invalid_request", priced_at(regime="public_free"), price="on_request")


def test_a_price_on_request_that_is_posted(asked: Shop) -> None:
    assert "leave price_fen out" in refused(asked, "invalid_request", price="on_request", price_fen=100_000)


@pytest.mark.parametrize("price_fen", [-1, 10**13 + 1, 10**30, 1.5, "100", True])
def test_an_amount_that_is_none(asked: Shop, price_fen: Any) -> None:
    assert refused(asked, "invalid_request", price_fen=price_fen).startswith("price_fen:")


def test_a_seller_that_no_rate_of_tax_is_known_for(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1, put("contract/owner", "team:untaxed"))
    seller = a_participant(asked.market, "developer", party="team:untaxed", taxpayer="none")
    assert "taxpayers of kind 'none'" in problem(asked.list(release, seller), "no_rate")


# who shares


@pytest.mark.parametrize(
    ("shares", "cause"),
    [
        (["7/10", "2/10"], "The shares make up 9/10, not the whole."),
        (["7/10", "7/10"], "The shares make up 7/5, not the whole."),
        (["333333333333/999999999999", "666666666665/999999999999"], "not the whole"),
        (["1", "0"], "A share is above 0"),
        (["2", "1"], "at most the whole"),
    ],
)
def test_shares_that_are_not_the_whole(asked: Shop, shares: list[str], cause: str) -> None:
    receivers = (asked.seller.participant_id, asked.buyer.participant_id)
    pairs = [list(pair) for pair in zip(receivers, shares, strict=True)]
    assert cause in refused(asked, "invalid_request", shares=pairs)


@pytest.mark.parametrize("share", ["-1", "1/0", "0.5", "1e0", "½", "1/3/3", "", " 1", "9" * 30])
def test_a_share_that_is_no_fraction(asked: Shop, share: str) -> None:
    assert "shares" in refused(asked, "invalid_request", shares=[[asked.seller.participant_id, share]])


def test_a_share_without_a_participant(asked: Shop) -> None:
    for shares in (
        [["1/2", "1/2"]],
        [],
        [[]],
        "all",
        {"a": "1"},
        [["1"]],
        None,
        [[asked.seller.participant_id, 1]] * 2,
    ):
        assert refused(asked, "invalid_request", shares=shares).startswith("shares:")


def test_a_participant_that_shares_twice(asked: Shop) -> None:
    own = asked.seller.participant_id
    assert "stands twice" in refused(asked, "invalid_request", shares=[[own, "1/2"], [own, "1/2"]])


def test_a_share_for_somebody_who_is_not_admitted(asked: Shop) -> None:
    stranger = "par_" + "0" * 28
    shares = [[asked.seller.participant_id, "1/2"], [stranger, "1/2"]]
    assert f"{stranger} is not an admitted participant" in refused(asked, "invalid_request", shares=shares)


def test_a_holder_of_rights_who_takes_part_and_gets_nothing(asked: Shop) -> None:
    holder = a_participant(asked.market, "provider", party="Register of hire bases")
    cause = refused(asked, "invalid_request", put("rights/0/holder", "Register of hire bases"))
    assert "'Register of hire bases' holds the right on 'taxi_trips'" in cause
    assert holder.participant_id in cause


def test_contributions_without_the_providers_part(asked: Shop) -> None:
    assert "which part the providers get" in refused(asked, "invalid_request", shares="by_contribution")


def test_contributions_of_a_source_whose_holder_takes_no_part(asked: Shop) -> None:
    cause = refused(asked, "invalid_request", shares="by_contribution", providers_share="3/10")
    assert "the source taxi_trips has no provider on record" in cause


def test_a_providers_part_beside_agreed_shares(asked: Shop) -> None:
    assert "'by_contribution' alone" in refused(asked, "invalid_request", providers_share="3/10")


# the request itself


def test_a_request_without_its_key(asked: Shop) -> None:
    answer = asked.client.post("/v1/listings", json={}, headers=asked.seller.headers)
    assert answer.status_code == 422
    body = {"release": "zone_hours@1", "terms": {"purposes": ["urban_management"]}, "shares": "by_contribution"}
    assert problem(asked.client.post("/v1/listings", json=body, headers=asked.seller.headers), "key_missing")


def test_a_member_that_is_unknown(asked: Shop) -> None:
    assert problem(asked.list("zone_hours@1", discount=1), "invalid_request").startswith("discount:")


def test_nobody_is_told_where_the_releases_lie(asked: Shop) -> None:
    release = a_release(asked.folder, next(NAMES), 1)
    flip_a_byte(folder_of(asked, release))
    answer = asked.list(release)
    assert str(asked.folder) not in json.dumps(answer.json())
    assert HOLDER not in json.dumps(answer.json())
