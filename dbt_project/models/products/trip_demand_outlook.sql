with

features as (select * from {{ ref('trip_demand_features') }}),

days as (select * from {{ ref('weather_mobility_daily') }}),

{# how much weather moves the whole city, against dry days of the same type #}
weather_effect as (

    select
        day_type,
        weather_kind,
        avg(trips) as trips_mean
    from days
    where weather_kind is not null
    group by day_type, weather_kind

),

dry as (select day_type, trips_mean from weather_effect where weather_kind = 'dry'),

demand as (

    select
        borough,
        day_type,
        day_part,
        weather_kind,
        count(*) as days_observed,
        avg(trips) as trips_expected,
        percentile_cont(0.1) within group (order by trips) as trips_low,
        percentile_cont(0.9) within group (order by trips) as trips_high
    from features
    where weather_kind is not null
    group by borough, day_type, day_part, weather_kind

)

select
    demand.borough,
    demand.day_type,
    demand.day_part,
    demand.weather_kind,

    -- evidence
    demand.days_observed,

    -- outlook
    round(demand.trips_expected, 1) as trips_expected,
    round(demand.trips_low, 1) as trips_low,
    round(demand.trips_high, 1) as trips_high,
    round(100.0 * (weather_effect.trips_mean / dry.trips_mean - 1), 1) as city_weather_effect_percent
from demand
left join weather_effect
    on demand.day_type = weather_effect.day_type
    and demand.weather_kind = weather_effect.weather_kind
left join dry on demand.day_type = dry.day_type
