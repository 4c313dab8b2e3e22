with

weather_daily as (select * from {{ ref('weather_daily') }})

select
    station_id,
    observed_on,

    -- measures
    wind_speed_mps,
    precipitation_mm,
    snowfall_mm,
    snow_depth_mm,
    temperature_max_c,
    temperature_min_c,

    -- kinds
    case
        when snowfall_mm >= 10 then 'snow'
        when precipitation_mm >= 2.5 then 'rain'
        when precipitation_mm is not null then 'dry'
    end as weather_kind,

    -- provenance
    _batch,
    _row
from weather_daily
where station_id is not null and observed_on is not null
