with

received as (select * from {{ source('raw', 'subway_timetable__trips') }}),

typed as (

    select
        {{ as_text('trip_id') }} as trip_id,
        {{ as_text('route_id') }} as route_id,
        {{ as_text('service_id') }} as service_id,
        {{ as_text('trip_headsign') }} as trip_headsign,
        {{ as_integer('direction_id') }} as direction_id,
        {{ flags({'integer': ['direction_id']}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', 'trip_id') }}
)

select
    trip_id,

    -- names
    route_id,
    service_id,
    trip_headsign,

    -- codes
    direction_id,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
