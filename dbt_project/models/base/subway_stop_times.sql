with

received as (select * from {{ source('raw', 'subway_timetable__stop_times') }}),

typed as (

    select
        {{ as_text('trip_id') }} as trip_id,
        {{ as_integer('stop_sequence') }} as stop_sequence,
        {{ as_text('stop_id') }} as stop_id,
        {{ as_seconds_of_day('arrival_time') }} as arrival_seconds,
        {{ as_seconds_of_day('departure_time') }} as departure_seconds,
        {{ flags({
            'integer': ['stop_sequence'],
            'seconds_of_day': ['arrival_time', 'departure_time'],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', "trip_id || '|' || cast(stop_sequence as " ~ dbt.type_string() ~ ")") }}
)

select
    trip_id,
    stop_sequence,

    -- names
    stop_id,

    -- times
    arrival_seconds,
    departure_seconds,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
