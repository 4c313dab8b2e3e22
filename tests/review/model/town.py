"""A small town for the model review: four sources, the vault's models above them, and a component to be judged."""

from collections.abc import Mapping
from typing import Any

from review.findings import Finding
from review.model.reviewing import review_model
from review.model.under_review import ModelUnderReview, Table

KEY = "(select max(key) from raw.vault.pseudonym_key where name = 'person')"
NAME = "sample"


def pseudonym(subject: str, value: str) -> str:
    """A keyed pseudonym as dbt compiles it."""
    return f"sha256({KEY} || sha256({KEY} || '{subject}|' || {value}))"


OWN = pseudonym(NAME, "person_id")

ROLES: Mapping[Table, Mapping[str, str]] = {
    ("raw", "residents"): {
        "id_number": "identifier",
        "name": "identifier",
        "sex": "quasi_identifier",
        "birth_date": "quasi_identifier",
        "district_code": "quasi_identifier",
        "income": "measure",
        "illness": "sensitive",
        "remark": "free_text",
        "_batch": "attribute",
        "_row": "attribute",
    },
    ("raw", "visits"): {
        "visit_number": "identifier",
        "id_number": "identifier",
        "clinic": "attribute",
        "district_code": "quasi_identifier",
        "diagnosis": "sensitive",
        "kind": "attribute",
        "cost_yuan": "measure",
        "visited_on": "timestamp",
    },
    ("raw", "trips"): {"zone": "quasi_identifier", "day": "timestamp", "fare": "measure", "seconds": "measure"},
    ("raw", "zones"): {"zone": "attribute", "borough": "attribute"},
    ("raw", "readings"): {"station": "attribute", "day": "timestamp", "level": "measure"},
}

STATEMENTS: Mapping[Table, str] = {
    ("base", "residents"): """
        with received as (select * from raw.raw.residents)
        select upper(trim(id_number)) as id_number, trim(name) as full_name, district_code, income, illness, remark,
            case trim(sex) when 'M' then 'male' when 'F' then 'female' end as sex,
            try_cast(birth_date as date) as birth_date, _batch, _row
        from (select *, row_number() over (partition by id_number order by _batch desc) as _rank from received)
        where _rank = 1""",
    ("resource", "person"): f"""
        select {pseudonym("person", "id_number")} as person_id, sex, district_code, income, illness, remark,
            extract(year from birth_date) as birth_year, birth_date, _row
        from warehouse.base.residents where id_number is not null""",
    ("resource", "visit"): f"""
        select {pseudonym("visit", "visit_number")} as visit_id, {pseudonym("person", "id_number")} as person_id,
            'clinic:' || clinic as place_id, district_code, diagnosis, kind, cost_yuan, visited_on,
            case substr(diagnosis, 1, 1) when 'A' then 'infectious' when 'C' then 'neoplasms' end as chapter
        from raw.raw.visits""",
    ("resource", "trip"): "select 'zone:' || zone as place_id, day, fare, seconds from raw.raw.trips",
    ("resource", "reading"): "select 'station:' || station as place_id, day, level from raw.raw.readings",
    ("resource", "place"): """
        select 'zone:' || zone as place_id, 'zone' as kind, borough as name from raw.raw.zones
        union all
        select distinct 'station:' || station as place_id, 'station' as kind, station as name from raw.raw.readings
        union all
        select 'clinic:' || clinic as place_id, 'clinic' as kind, district_code as name
        from raw.raw.visits group by clinic, district_code""",
    ("resource", "smuggled"): """
        select code as ware, district_code from (select id_number as code, district_code from base.residents)""",
}

UNIQUE: Mapping[Table, frozenset[str]] = {
    ("resource", "person"): frozenset({"person_id"}),
    ("resource", "visit"): frozenset({"visit_id"}),
    ("resource", "place"): frozenset({"place_id"}),
}


def model(sql: str, **changes: Any) -> ModelUnderReview:
    """A component of the town: of figures, with a minimum of 11, unless said otherwise."""
    known: dict[str, Any] = {
        "name": NAME,
        "statements": {**STATEMENTS, ("components", NAME): sql},
        "roles": ROLES,
        "unique": UNIQUE,
        "columns": {},
        "grain": (),
        "subject": "aggregate",
        "minimum_group": 11,
        "release_tier": "market",
        "noise": None,
    }
    return ModelUnderReview(**{**known, **changes})


def findings(sql: str, **changes: Any) -> dict[str, Finding]:
    """The findings by the number of their check, such as M3."""
    return {each.check[:2]: each for each in review_model(model(sql, **changes))}


def refusal(check: str, sql: str, **changes: Any) -> str:
    """Why a check refuses, with a small first letter; nothing where it does not."""
    found = findings(sql, **changes)[check]
    assert found.outcome in ("pass", "fail"), found
    return found.reason[0].lower() + found.reason[1:] if found.outcome == "fail" else ""


def refused(sql: str, **changes: Any) -> set[str]:
    """The checks that refuse."""
    return {check for check, found in findings(sql, **changes).items() if found.outcome != "pass"}
