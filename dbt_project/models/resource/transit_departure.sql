with

stop_times as (select * from {{ ref('subway_stop_times') }}),

trips as (select * from {{ ref('subway_trips') }}),

calendar as (select * from {{ ref('subway_calendar') }}),

stops as (select * from {{ ref('subway_stops') }})

select
    stop_times.trip_id,
    stop_times.stop_sequence,

    -- places
    'subway_station:' || coalesce(stops.parent_station, stop_times.stop_id) as place_id,

    -- codes
    trips.route_id,
    trips.direction_id,
    trips.service_id,

    -- days
    coalesce(
        runs_on_monday or runs_on_tuesday or runs_on_wednesday or runs_on_thursday or runs_on_friday, false
    ) as runs_on_workdays,
    coalesce(runs_on_saturday or runs_on_sunday, false) as runs_on_weekends,

    -- times; seconds since midnight of the service day, which may pass 24 hours
    stop_times.arrival_seconds,
    stop_times.departure_seconds,

    -- provenance
    stop_times._batch,
    stop_times._row
from stop_times
left join trips on stop_times.trip_id = trips.trip_id
left join calendar on trips.service_id = calendar.service_id
left join stops on stop_times.stop_id = stops.stop_id
