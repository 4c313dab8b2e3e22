{{ config(meta={'dagster': {'ref': {'name': 'weather_mobility_daily'}}}) }}

-- one row a day, and the trips of the days that are published are all plausible trips of these days
with

days as (

    select
        pickup_day,
        count(*) as trips
    from {{ ref('trip') }}
    where is_plausible
    group by pickup_day

),

published as (select * from {{ ref('weather_mobility_daily') }})

select
    coalesce(days.pickup_day, published.mobility_day) as mobility_day,
    days.trips as trips_expected,
    published.trips as trips_published
from days
full outer join published on days.pickup_day = published.mobility_day
where ({{ enough('days.trips') }} and published.trips is null)
    or published.trips <> days.trips
    or days.trips is null
