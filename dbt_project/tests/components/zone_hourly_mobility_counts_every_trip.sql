{{ config(meta={'dagster': {'ref': {'name': 'zone_hourly_mobility'}}}) }}

-- trips in published cells and in cells left out for their size are all plausible trips
with

cells as (

    select
        trip.pickup_place_id,
        calendar.day_type,
        trip.pickup_hour,
        count(*) as trips
    from {{ ref('trip') }} as trip
    inner join {{ ref('calendar') }} as calendar on trip.pickup_day = calendar.calendar_day
    inner join {{ ref('place_taxi_zone') }} as place on trip.pickup_place_id = place.place_id
    where trip.is_plausible
    group by trip.pickup_place_id, calendar.day_type, trip.pickup_hour

),

expected as (select coalesce(sum(trips), 0) as trips from cells where {{ enough('trips') }}),

published as (select coalesce(sum(trips), 0) as trips from {{ ref('zone_hourly_mobility') }})

select
    expected.trips as trips_expected,
    published.trips as trips_published
from expected cross join published
where expected.trips <> published.trips
