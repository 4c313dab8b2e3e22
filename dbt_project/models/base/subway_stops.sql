with

received as (select * from {{ source('raw', 'subway_timetable__stops') }}),

typed as (

    select
        {{ as_text('stop_id') }} as stop_id,
        {{ as_text('stop_name') }} as stop_name,
        {{ as_text('parent_station') }} as parent_station,
        {{ as_integer('location_type') }} as location_type,
        {{ as_number('stop_lat') }} as latitude_deg,
        {{ as_number('stop_lon') }} as longitude_deg,
        {{ flags({'integer': ['location_type'], 'number': ['stop_lat', 'stop_lon']}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', 'stop_id') }}
)

select
    stop_id,

    -- names
    stop_name,
    parent_station,

    -- codes
    location_type,

    -- measures
    latitude_deg,
    longitude_deg,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
