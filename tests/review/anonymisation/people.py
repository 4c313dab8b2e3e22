"""A table of invented persons, and a component that is to be anonymised from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from review.anonymisation.plan import Plan, plan_of
from tests.builders import column
from vault.contract import ComponentContract

RESOURCE = """
create schema if not exists {database}.resource;
create or replace table {database}.resource.person as
with drawn as (
    select i, hash(i) % 1000 / 1000 as a, hash(i + 100000) % 1000 / 1000 as b, hash(i + 200000) % 1000 / 1000 as c
    from range({rows}) numbers(i)
)
select
    sha256(i::varchar) as person_id,
    case when i % 97 > 0 then (1935 + 70 * (a + b) / 2)::bigint end as birth_year,
    case when hash(i + 300000) % 2 = 0 then 'male' else 'female' end as sex,
    '4403' || lpad((3 + (c * c * 8.9)::int)::varchar, 2, '0') as district_code,
    ['none', 'primary', 'college', 'bachelor'][1 + ((b + c) * 1.9)::int] as education,
    case when i % 89 > 0 then ['J', 'I', 'M', 'E', 'K'][1 + (hash(i + 400000) % 5)::int] end as diagnosis,
    (a * 250 + c * 150) as cost_yuan,
    (1 + i % 6)::bigint as household_size
from drawn
"""

EDUCATION = "none;low;*\nprimary;low;*\ncollege;high;*\nbachelor;high;*\n"


def attributes(**changes: Any) -> dict[str, Any]:
    """The contract of a component of persons as plain values; what is None is left out."""
    own = {
        "title": {"en": "Profile of residents", "zh": "居民画像"},
        "description": "One row a resident, in groups.",
        "applicationField": "livelihood",
        "form": "custom",
        "subject": "person",
        "grain": ["resident_id"],
        "purpose": "Planning",
        "permittedUses": ["public_health"],
        "refreshPeriod": "yearly",
        "owner": "team:health",
        "provider": "City data vault",
        "rights": {"holding": "Civil affairs bureau", "processing": "City data vault"},
        "cost": {"developmentFen": 100},
        "pricing": {},
        "columns": [
            column("resident_id", role="identifier"),
            column("born", role="quasi_identifier"),
            column("sex", role="quasi_identifier"),
            column("district_code", role="quasi_identifier"),
            column("education", role="quasi_identifier"),
            column("diagnosis", role="sensitive"),
            column("cost_band", role="sensitive"),
            column("household_size", logicalType="integer"),
        ],
        "anonymise": {
            "from": "person",
            "subject": "person_id",
            "suppressionLimit": 0.05,
            "generalise": {
                "born": {"of": "birth_year", "intervals": [5, 20]},
                "sex": {"hidden": True},
                "district_code": {"prefix": [4]},
                "education": {"hierarchy": "education.csv"},
                "cost_band": {"of": "cost_yuan", "bands": [[100, 200, 300]]},
            },
        },
    }
    return {key: value for key, value in {**own, **changes}.items() if value is not None}


def contract(**changes: Any) -> ComponentContract:
    return ComponentContract.model_validate(attributes(**changes))


def with_people(rows: int, database: str = "memory") -> duckdb.DuckDBPyConnection:
    """An engine that holds the table of persons."""
    connection = duckdb.connect(":memory:")
    connection.execute(RESOURCE.format(database=database, rows=rows))
    return connection


def types_of(connection: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    return {row[0]: row[1] for row in connection.execute("describe resource.person").fetchall()}


def plan(connection: duckdb.DuckDBPyConnection, folder: Path, **changes: Any) -> Plan:
    """The plan of the contract, its hierarchy in the given folder."""
    (folder / "education.csv").write_text(EDUCATION)
    return plan_of("resident_profile", contract(**changes), types_of(connection), folder, folder)
