with

trips as (select * from {{ ref('trip') }} where is_plausible),

places as (select * from {{ ref('place_taxi_zone') }}),

calendar as (select * from {{ ref('calendar') }}),

dated as (

    select
        trips.*,
        calendar.day_type
    from trips
    inner join calendar on trips.pickup_day = calendar.calendar_day

),

days as (select day_type, count(distinct pickup_day) as days_observed from dated group by day_type),

hours as (

    select
        pickup_place_id,
        day_type,
        pickup_hour,
        count(*) as trips,
        avg(distance_km) as distance_km_mean,
        median(duration_s) / 60.0 as duration_minutes_median,
        sum(distance_km) / (sum(duration_s) / 3600.0) as speed_kmh,
        avg(fare_usd) as fare_usd_mean,
        avg(case when payment = 'card' then 1.0 else 0.0 end) as card_share
    from dated
    group by pickup_place_id, day_type, pickup_hour
    having {{ enough('count(*)') }}

)

select
    places.place_id as zone_id,
    hours.day_type,
    hours.pickup_hour,

    -- names
    places.place_name as zone_name,
    places.part_of as borough,

    -- measures
    hours.trips,
    cast(hours.trips as double) / days.days_observed as trips_per_day,
    round(distance_km_mean, 2) as distance_km_mean,
    round(duration_minutes_median, 1) as duration_minutes_median,
    round(speed_kmh, 1) as speed_kmh,
    round(fare_usd_mean, 2) as fare_usd_mean,
    round(card_share, 3) as card_share
from hours
inner join places on hours.pickup_place_id = places.place_id
inner join days on hours.day_type = days.day_type
