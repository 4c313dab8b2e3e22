with

received as (select * from {{ source('raw', 'subway_timetable__calendar_dates') }}),

typed as (

    select
        {{ as_text('service_id') }} as service_id,
        {{ as_compact_date('date') }} as exception_day,
        {{ as_integer('exception_type') }} as exception_type,
        {{ flags({'compact_date': ['date'], 'integer': ['exception_type']}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', "service_id || '|' || cast(exception_day as " ~ dbt.type_string() ~ ")") }}
)

select
    service_id,
    exception_day,

    -- codes
    exception_type,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
