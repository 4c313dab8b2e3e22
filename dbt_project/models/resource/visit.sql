{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='visit_id') }}

with

clinic_visits as (

    select * from {{ ref('clinic_visits') }}
    {{ only_new_batches() }}

),

timed as (

    select
        *,
        {{ from_utc('visited_at', 'Asia/Shanghai') }} as visited_local_at
    from clinic_visits

)

select
    {{ pseudonym('visit', 'visit_key') }} as visit_id,
    {{ pseudonym('person', 'id_number') }} as person_id,

    -- places
    'clinic:' || clinic_code as clinic_place_id,
    district_code,

    -- codes
    {{ from_code_list('substr(diagnosis_code, 1, 1)', 'diagnosis_chapter') }} as diagnosis_chapter,
    visit_kind,
    is_insured,

    -- measures
    cost_yuan,

    -- times
    visited_at,
    cast(visited_local_at as date) as visit_day,

    {# a visit that can be placed in time and at a clinic, at a cost that is none or more #}
    coalesce(
        visited_at is not null and clinic_code is not null and (cost_yuan is null or cost_yuan >= 0),
        false
    ) as is_plausible,

    -- provenance
    _batch,
    _row,
    _collected_at
from timed
