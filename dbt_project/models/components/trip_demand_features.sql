with

trips as (select * from {{ ref('trip') }} where is_plausible),

places as (select * from {{ ref('place_taxi_zone') }}),

weather as (select * from {{ ref('weather') }}),

calendar as (select * from {{ ref('calendar') }}),

{# cells below the smallest group are left out before any feature is made of them #}
cells as (

    select
        places.part_of as borough,
        trips.pickup_day,
        {{ day_part('trips.pickup_hour') }} as day_part,
        count(*) as trips
    from trips
    inner join places on trips.pickup_place_id = places.place_id
    group by places.part_of, trips.pickup_day, {{ day_part('trips.pickup_hour') }}
    having {{ enough('count(*)') }}

),

with_past as (

    select
        cells.*,
        day_before.trips as trips_day_before,
        week_before.trips as trips_week_before
    from cells
    left join cells as day_before
        on cells.borough = day_before.borough
        and cells.day_part = day_before.day_part
        and cells.pickup_day = cast({{ dbt.dateadd('day', 1, 'day_before.pickup_day') }} as date)
    left join cells as week_before
        on cells.borough = week_before.borough
        and cells.day_part = week_before.day_part
        and cells.pickup_day = cast({{ dbt.dateadd('day', 7, 'week_before.pickup_day') }} as date)

)

select
    with_past.borough,
    with_past.pickup_day,
    with_past.day_part,

    -- calendar
    calendar.day_type,
    calendar.season,
    calendar.iso_weekday,

    -- weather
    weather.weather_kind,
    round(weather.precipitation_mm, 1) as precipitation_mm,
    round(weather.temperature_max_c, 1) as temperature_max_c,

    -- past demand
    with_past.trips_day_before,
    with_past.trips_week_before,

    -- target
    with_past.trips
from with_past
inner join calendar on with_past.pickup_day = calendar.calendar_day
left join weather on with_past.pickup_day = weather.observed_on
