"""A datasheet says what a buyer may know, in the published form, and is another one only where its content is."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from orchestration.declarations import declarations
from tests.vault.releases.builds import MORNING, NAME, contract
from tests.vault.releases.conftest import Ready
from vault.releases.datasheet import facts_of, public_contract, time_text
from vault.releases.evidence import Evidence
from vault.releases.gate import causes_against
from vault.releases.reading import read_datasheet
from vault.releases.schema import datasheet_schema, schema_faults

DAY = date(2026, 11, 24)


def content_of(given: Evidence) -> str:
    content: str = facts_of(given, "1" * 64, DAY)["hashes"]["content"]
    return content


def test_the_published_schema_is_one_and_a_datasheet_is_as_it_says(ready: Ready) -> None:
    Draft202012Validator.check_schema(datasheet_schema())
    document = read_datasheet(ready.released / "releases" / NAME / "1")
    Draft202012Validator(datasheet_schema()).validate(document)
    assert schema_faults(document) == ()


def test_every_contract_of_the_project_fits_the_schema() -> None:
    schema = datasheet_schema()
    of_contracts = Draft202012Validator({**schema["$defs"]["contract"], "$defs": schema["$defs"]})
    for name, each in declarations().components.items():
        if each.release_tier != "sandbox":
            assert list(of_contracts.iter_errors(public_contract(each))) == [], name


def test_a_fault_is_told_by_its_place_and_without_a_value(ready: Ready) -> None:
    document = read_datasheet(ready.released / "releases" / NAME / "1")
    (fault,) = schema_faults({**document, "tier": "Li Wei, 13800138000"})
    assert fault == "tier: not as 'enum' asks"
    assert len(schema_faults({})) == 5, "not all of them, where there are many"


def test_what_the_contract_keeps_to_the_vault_is_not_told() -> None:
    told = public_contract(contract(minimumGroup=20, populationShare=0.5))
    assert told["title"] == {"en": "Hourly mobility by zone", "zh": "分区小时出行"}
    assert (told["minimumGroup"], told["populationShare"]) == (20, 0.5)
    assert {"cost", "rights"} & set(told) == set()
    assert set(told["columns"][3]) <= {"name", "logicalType", "role", "unit", "primaryKey", "eventTime", "description"}


def test_without_evidence_the_facts_are_empty_and_the_gate_names_all_that_is_missing(given: Evidence) -> None:
    nothing = replace(given, review=None, quality=None, valuation=None, rights=(), batches=())
    facts = facts_of(nothing, "1" * 64, DAY)
    assert facts["review"] is facts["quality"] is facts["price"] is facts["measures"] is None
    assert len(causes_against(facts, time_text(MORNING))) == 5


@settings(max_examples=15, deadline=None)
@for_all(days=st.integers(0, 3000), run=st.text(), data=st.data())
def test_when_it_was_found_and_in_which_order_and_words_is_no_content(
    ready: Ready, days: int, run: str, data: st.DataObject
) -> None:
    given, later = ready.given, MORNING + timedelta(days=days)
    assert given.review and given.quality and given.valuation
    checks = tuple(replace(each, reason=run) for each in data.draw(st.permutations(given.review.checks)))
    again = replace(
        given,
        run_id=run,
        review=replace(given.review, review_id=days + 1, reviewed_at=later, checks=checks),
        quality=replace(given.quality, evaluated_at=later),
        valuation=replace(given.valuation, valuation_id=days + 1, valued_at=later),
        batches=tuple(data.draw(st.permutations(given.batches))),
        rights=tuple(data.draw(st.permutations(given.rights))),
    )
    assert content_of(again) == content_of(given)


def test_everything_else_is_content(given: Evidence) -> None:
    assert given.review and given.quality
    failed = (replace(given.review.checks[0], outcome="fail"), *given.review.checks[1:])
    ended = replace(given.rights[0].application, valid_until=date(2028, 1, 1))
    others: tuple[Any, ...] = (
        replace(given, model_hash="0" * 64),
        replace(given, contract_hash="0" * 64),
        replace(given, contract=contract(purpose="another")),
        replace(given, review=replace(given.review, policy_hash="0" * 64)),
        replace(given, review=replace(given.review, checks=failed)),
        replace(given, review=replace(given.review, smallest_group=12)),
        replace(given, quality=replace(given.quality, quality=0.5)),
        replace(given, batches=given.batches[1:]),
        replace(given, rights=(replace(given.rights[0], application=ended), *given.rights[1:])),
    )
    assert len({content_of(each) for each in (given, *others)}) == len(others) + 1


def test_of_several_rights_the_one_in_force_is_told(given: Evidence) -> None:
    ended = replace(given.rights[0], application=replace(given.rights[0].application, valid_until=date(2026, 5, 1)))
    told = facts_of(replace(given, rights=(*given.rights, ended)), "1" * 64, DAY)["rights"]
    assert [(each["confirmation"], each["state"]) for each in told] == [
        ("holding", "granted"),
        ("processing", "granted"),
    ]


def test_times_are_utc_and_have_a_zone() -> None:
    assert time_text(datetime.fromisoformat("2026-11-24T20:00:00+08:00")) == "2026-11-24T12:00:00Z"
    with pytest.raises(ValueError, match="without a zone"):
        time_text(datetime(2026, 1, 1))


def test_a_datasheet_is_plain_json_that_everybody_reads(ready: Ready) -> None:
    text = (ready.released / "releases" / NAME / "1" / "datasheet.json").read_text("utf-8")
    assert "分区小时出行" in text and json.loads(text)["release"] == f"{NAME}@1"
