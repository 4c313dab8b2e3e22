with

received as (select * from {{ source('raw', 'subway_timetable__routes') }}),

typed as (

    select
        {{ as_text('route_id') }} as route_id,
        {{ as_text('agency_id') }} as agency_id,
        {{ as_text('route_short_name') }} as route_short_name,
        {{ as_text('route_long_name') }} as route_long_name,
        {{ as_integer('route_type') }} as route_type,
        {{ flags({'integer': ['route_type']}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', 'route_id') }}
)

select
    route_id,

    -- names
    agency_id,
    route_short_name,
    route_long_name,

    -- codes
    route_type,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
