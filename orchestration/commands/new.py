"""`jinku new`: a folder with a contract and an SQL file that run as they are, to be changed from there."""

import re
from pathlib import Path

from rich.console import Console

from orchestration.declarations import PROJECT, declarations
from vault.errors import JinkuError

SOURCE = """\
type: orchestration.kinds.Source
attributes:
  title: {{en: {words}, zh: 待命名}}
  description: What one row is, and what a reader must know of it.
  provider: {{name: Who hands the data over, kind: organisation}}
  acquisition: authorisation
  legalBasis: {{basis: contract, reference: Number of the agreement, expires: 2027-12-31}}
  providerContract: {{reference: Number of the agreement, expires: 2027-12-31}}
  permittedPurposes: [urban_management]
  grade: general
  category: public
  refreshPeriod: monthly
  owner: team:vault
  files: ["{name}*.csv"]
  columns:
    - {{name: record_id, logicalType: string, role: attribute, primaryKey: true, description: Key of the row}}
    - {{name: recorded_on, logicalType: date, role: timestamp, eventTime: true, description: Day of the record}}
    - {{name: amount, logicalType: number, role: measure, unit: "1", description: What was measured}}
"""

BASE_MODEL = """\
with

received as (select * from {{{{ source('raw', '{name}') }}}}),

typed as (

    select
        {{{{ as_text('record_id') }}}} as record_id,
        {{{{ as_date('recorded_on') }}}} as recorded_on,
        {{{{ as_number('amount') }}}} as amount,
        {{{{ flags({{'date': ['recorded_on'], 'number': ['amount']}}) }}}} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as ({{{{ ranked_by_receipt('typed', 'record_id') }}}})

select
    record_id,

    -- measures
    amount,

    -- times
    recorded_on,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
"""

COMPONENT = """\
type: orchestration.kinds.Component
attributes:
  title: {{en: {words}, zh: 待命名}}
  description: What one row is, and what a buyer must know of it.
  applicationField: development
  form: custom
  subject: aggregate
  grain: [day_type, season]
  purpose: What it is made for
  permittedUses: [urban_management]
  releaseTier: sandbox
  refreshPeriod: monthly
  owner: team:vault
  provider: City data vault
  rights: {{holding: Who holds the resources, processing: City data vault, resources: []}}
  cost: {{developmentFen: 100000}}
  pricing: {{regime: market, ecosystem: development}}
  columns:
    - {{name: day_type, logicalType: string, role: attribute, description: workday or weekend}}
    - {{name: season, logicalType: string, role: attribute, description: Season}}
    - {{name: days, logicalType: integer, role: measure, unit: d, description: Days of the calendar}}
"""

COMPONENT_MODEL = """\
with

calendar as (select * from {{ ref('calendar') }})

select
    day_type,
    season,

    -- measures
    count(*) as days
from calendar
group by day_type, season
having {{ enough('count(*)') }}
"""

PRODUCT = """\
type: orchestration.kinds.Product
attributes:
  title: {{en: {words}, zh: 待命名}}
  description: What one row is, and whom it serves.
  applicationField: development
  grain: [component]
  purpose: What it is made for
  refreshPeriod: monthly
  owner: team:vault
  operator: City data vault
  columns:
    - {{name: component, logicalType: string, role: attribute, description: Component the figure comes from}}
    - {{name: records, logicalType: integer, role: measure, unit: record, description: Records it holds}}
"""

PRODUCT_MODEL = """\
with

records as (select * from {{{{ ref('{component}') }}}})

select
    '{component}' as component,

    -- measures
    count(*) as records
from records
"""


def scaffold(console: Console, kind: str, name: str) -> None:
    """Write the two files of a new source, component or product.

    Raises JinkuError `unknown_kind`, `bad_name`, `name_taken` or `no_component`.
    """
    if kind not in ("source", "component", "product"):
        raise JinkuError("unknown_kind", f"'{kind}' is no kind", "command line", "Say source, component or product.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise JinkuError(
            "bad_name", f"'{name}' is no name", "command line", "Use lower case letters, digits and underscores."
        )
    contract, model, model_path = _files(kind, name)
    folder = PROJECT / "assets" / f"{kind}s" / name
    taken = list((PROJECT / "dbt_project" / "models").rglob(f"{name}.sql"))
    if folder.exists() or taken:
        raise JinkuError(
            "name_taken", f"'{name}' is there already", str(taken[0] if taken else folder), "Choose another."
        )
    folder.mkdir(parents=True)
    (folder / "defs.yaml").write_text(contract, encoding="utf-8")
    model_path.write_text(model, encoding="utf-8")
    console.print(f"wrote {(folder / 'defs.yaml').relative_to(PROJECT)} and {model_path.relative_to(PROJECT)}")
    console.print("next: change both, then `make run`")


def _files(kind: str, name: str) -> tuple[str, str, Path]:
    """Contract, model, and where the model goes."""
    models = PROJECT / "dbt_project" / "models"
    words = name.replace("_", " ").capitalize()
    if kind == "source":
        return SOURCE.format(name=name, words=words), BASE_MODEL.format(name=name), models / "base" / f"{name}.sql"
    if kind == "component":
        return COMPONENT.format(words=words), COMPONENT_MODEL, models / "components" / f"{name}.sql"
    components = sorted(declarations().components)
    if not components:
        raise JinkuError(
            "no_component", "a product is made from components, and there is none", "assets", "Add one first."
        )
    model = PRODUCT_MODEL.format(component=components[0])
    return PRODUCT.format(words=words), model, models / "products" / f"{name}.sql"
