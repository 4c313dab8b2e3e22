with

trips as (select * from {{ ref('trip') }} where is_plausible),

weather as (select * from {{ ref('weather') }}),

calendar as (select * from {{ ref('calendar') }}),

days as (

    select
        pickup_day,
        count(*) as trips,
        avg(distance_km) as distance_km_mean,
        median(duration_s) / 60.0 as duration_minutes_median,
        sum(distance_km) / (sum(duration_s) / 3600.0) as speed_kmh,
        avg(fare_usd) as fare_usd_mean
    from trips
    group by pickup_day
    having {{ enough('count(*)') }}

)

select
    days.pickup_day as mobility_day,

    -- kinds
    calendar.day_type,
    calendar.season,
    weather.weather_kind,

    -- mobility
    days.trips,
    round(days.distance_km_mean, 2) as distance_km_mean,
    round(days.duration_minutes_median, 1) as duration_minutes_median,
    round(days.speed_kmh, 1) as speed_kmh,
    round(days.fare_usd_mean, 2) as fare_usd_mean,

    -- weather
    round(weather.precipitation_mm, 1) as precipitation_mm,
    round(weather.snowfall_mm, 1) as snowfall_mm,
    round(weather.temperature_max_c, 1) as temperature_max_c,
    round(weather.temperature_min_c, 1) as temperature_min_c,
    round(weather.wind_speed_mps, 1) as wind_speed_mps
from days
inner join calendar on days.pickup_day = calendar.calendar_day
left join weather on days.pickup_day = weather.observed_on
