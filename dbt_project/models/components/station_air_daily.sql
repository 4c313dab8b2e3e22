with

measurements as (select * from {{ ref('air_measurement') }} where is_plausible),

places as (select * from {{ ref('place_air_station') }}),

days as (

    select
        place_id,
        measured_day,
        count(pm2_5_ugm3) as hours_measured,
        avg(pm2_5_ugm3) as pm2_5_ugm3,
        max(pm2_5_ugm3) as pm2_5_ugm3_max,
        avg(pm10_ugm3) as pm10_ugm3,
        avg(so2_ugm3) as so2_ugm3,
        avg(no2_ugm3) as no2_ugm3,
        avg(co_ugm3) as co_ugm3,
        avg(o3_ugm3) as o3_ugm3,
        max(o3_ugm3) as o3_ugm3_max,
        avg(temperature_c) as temperature_c,
        avg(wind_speed_mps) as wind_speed_mps,
        sum(rain_mm) as rain_mm
    from measurements
    where measured_day is not null
    group by place_id, measured_day

)

select
    places.place_name as station,
    days.measured_day,

    -- evidence
    days.hours_measured,

    -- pollutants
    round(days.pm2_5_ugm3, 1) as pm2_5_ugm3,
    round(days.pm2_5_ugm3_max, 1) as pm2_5_ugm3_max,
    round(days.pm10_ugm3, 1) as pm10_ugm3,
    round(days.so2_ugm3, 1) as so2_ugm3,
    round(days.no2_ugm3, 1) as no2_ugm3,
    round(days.co_ugm3, 0) as co_ugm3,
    round(days.o3_ugm3, 1) as o3_ugm3,
    round(days.o3_ugm3_max, 1) as o3_ugm3_max,

    -- weather
    round(days.temperature_c, 1) as temperature_c,
    round(days.wind_speed_mps, 1) as wind_speed_mps,
    round(days.rain_mm, 1) as rain_mm
from days
inner join places on days.place_id = places.place_id
