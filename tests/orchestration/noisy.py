"""A component of the sample city whose figures are noisy: residents and people in their households by district."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from orchestration.dbt_assets import Models
from orchestration.declarations import declarations
from tests.builders import column
from vault.contract import ComponentContract

NAME = "noisy_residents"
RESIDENTS = "select person_id as contributor, district_code from {person}"
MEMBERS = "select person_id as contributor, district_code, household_size as value from {person}"
CELLS = "select part_of as district_code, place_name as district_name from {place_district}"
MODEL = """with

people as (

    select
        district_code,
        count(*) as residents,
        sum(household_size) as household_members
    from {{ ref('person') }}
    where district_code is not null
    group by district_code

)

select
    places.part_of as district_code,
    places.place_name as district_name,
    coalesce(people.residents, 0) as residents,
    coalesce(people.household_members, 0) as household_members
from {{ ref('place_district') }} as places
left join people on places.part_of = people.district_code
"""


def compiled(model: str = MODEL) -> str:
    """The model as dbt compiles it."""
    for table in ("person", "place_district"):
        model = model.replace(f"{{{{ ref('{table}') }}}}", f'"warehouse"."resource"."{table}"')
    return model


def attributes(**changes: Any) -> dict[str, Any]:
    """The component's declaration."""
    figures = ("residents", "household_members")
    declared = {
        "title": {"en": "Residents by district", "zh": "分区居民"},
        "description": "Residents and people in their households by district, noisy.",
        "applicationField": "livelihood",
        "form": "standard",
        "subject": "aggregate",
        "grain": ["district_code"],
        "columns": [
            column("district_code"),
            column("district_name"),
            *(column(name, logicalType="integer", role="measure", unit="person") for name in figures),
        ],
        "purpose": "Planning of public health",
        "permittedUses": ["public_health"],
        "contributions": {
            "residents": {"aggregate": "count", "query": RESIDENTS},
            "household_members": {"aggregate": "sum", "query": MEMBERS, "bounds": {"low": 0, "high": 12}},
        },
        "differentialPrivacy": {"cells": CELLS},
        "refreshPeriod": "yearly",
        "cost": {"developmentFen": 100},
        "pricing": {},
        "owner": "team:health",
        "authors": ["person:chen.yu"],
        "provider": "City data vault",
        "rights": {
            "holding": "Civil affairs bureau",
            "processing": "City data vault",
            "resources": ["residents"],
        },
    }
    return {**declared, **changes}


def contract(**changes: Any) -> ComponentContract:
    return ComponentContract.model_validate(attributes(**changes))


def models_with(
    models: Models, of: ComponentContract, name: str = NAME, below: tuple[str, ...] = ("person", "place_district")
) -> Models:
    """The city's models and a component among them that rests on others."""
    node = {
        "resource_type": "model",
        "name": name,
        "fqn": ["jinku", "components", name],
        "original_file_path": f"models/components/{name}.sql",
        "depends_on": {"nodes": [f"model.jinku.{each}" for each in below]},
    }
    nodes = {**models.manifest["nodes"], f"model.jinku.{name}": node}
    components = MappingProxyType({**declarations().components, name: of})
    return replace(
        models, manifest={**models.manifest, "nodes": nodes}, known=replace(models.known, components=components)
    )


def declare(project: Path, model: str = MODEL, **changes: Any) -> None:
    """Put the component into a copy of the project; its source is general there, so that nobody need sign it off."""
    folder = project / "assets" / "components" / NAME
    folder.mkdir(exist_ok=True)
    document = {"type": "orchestration.kinds.Component", "attributes": attributes(**changes)}
    (folder / "defs.yaml").write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (project / "dbt_project" / "models" / "components" / f"{NAME}.sql").write_text(model)
    source = project / "assets" / "sources" / "residents" / "defs.yaml"
    source.write_text(source.read_text("utf-8").replace("grade: important", "grade: general"), encoding="utf-8")
