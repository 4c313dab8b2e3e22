{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='visit_key') }}

with

received as (

    select * from {{ source('raw', 'clinic_visits') }}
    {{ only_new_batches() }}

),

typed as (

    select
        {{ as_text('visit_id') }} as visit_id,
        upper({{ as_text('id_number') }}) as id_number,
        {{ as_text('clinic_code') }} as clinic_code,
        case when {{ from_code_list('district_code', 'district') }} is not null then trim(district_code) end
            as district_code,
        upper({{ as_text('diagnosis_code') }}) as diagnosis_code,
        {{ from_code_list('visit_kind', 'visit_kind') }} as visit_kind,
        {{ as_number('cost_yuan') }} as cost_yuan,
        {{ as_integer('insured') }} = 1 as is_insured,
        {{ as_timestamp('visited_at') }} as visited_local_at,
        {{ flags({
            'code': {'district_code': 'district', 'visit_kind': 'visit_kind'},
            'number': ['cost_yuan'],
            'integer': ['insured'],
            'timestamp': ['visited_at'],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as ({{ ranked_by_receipt('typed', 'visit_id') }}),

identified as (

    select
        *,
        coalesce(visit_id, _batch || '#' || cast(_row as {{ dbt.type_string() }})) as visit_key
    from ranked
    where _rank = 1

),

earlier as ({{ receipts_so_far('visit_key') }})

select
    identified.visit_key,

    -- identifiers: they end here
    visit_id,
    id_number,

    -- codes
    clinic_code,
    district_code,
    diagnosis_code,
    visit_kind,

    -- measures
    cost_yuan,
    is_insured,

    -- times
    {{ to_utc('visited_local_at', 'Asia/Shanghai') }} as visited_at,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts + coalesce(earlier._copies, 0) as _copies
from identified
left join earlier on identified.visit_key = earlier.visit_key
