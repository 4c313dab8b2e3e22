with

received as (select * from {{ source('raw', 'subway_timetable__calendar') }}),

typed as (

    select
        {{ as_text('service_id') }} as service_id,
        {{ as_integer('monday') }} = 1 as runs_on_monday,
        {{ as_integer('tuesday') }} = 1 as runs_on_tuesday,
        {{ as_integer('wednesday') }} = 1 as runs_on_wednesday,
        {{ as_integer('thursday') }} = 1 as runs_on_thursday,
        {{ as_integer('friday') }} = 1 as runs_on_friday,
        {{ as_integer('saturday') }} = 1 as runs_on_saturday,
        {{ as_integer('sunday') }} = 1 as runs_on_sunday,
        {{ as_compact_date('start_date') }} as first_day,
        {{ as_compact_date('end_date') }} as last_day,
        {{ flags({
            'integer': ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
            'compact_date': ['start_date', 'end_date'],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', 'service_id') }}
)

select
    service_id,

    -- days
    runs_on_monday,
    runs_on_tuesday,
    runs_on_wednesday,
    runs_on_thursday,
    runs_on_friday,
    runs_on_saturday,
    runs_on_sunday,

    -- times
    first_day,
    last_day,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
