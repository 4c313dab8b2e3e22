{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='measurement_id') }}

with

air_quality as (

    select * from {{ ref('air_quality') }}
    {{ only_new_batches() }}

),

timed as (

    select
        *,
        {{ from_utc('measured_at', 'Asia/Shanghai') }} as measured_local_at
    from air_quality

)

select
    measurement_id,
    'air_station:' || station as place_id,

    {# concentrations below nothing are no measurements #}
    -- measures
    case when pm2_5_ugm3 >= 0 then pm2_5_ugm3 end as pm2_5_ugm3,
    case when pm10_ugm3 >= 0 then pm10_ugm3 end as pm10_ugm3,
    case when so2_ugm3 >= 0 then so2_ugm3 end as so2_ugm3,
    case when no2_ugm3 >= 0 then no2_ugm3 end as no2_ugm3,
    case when co_ugm3 >= 0 then co_ugm3 end as co_ugm3,
    case when o3_ugm3 >= 0 then o3_ugm3 end as o3_ugm3,
    temperature_c,
    pressure_hpa,
    dew_point_c,
    rain_mm,
    wind_speed_mps,

    -- times
    measured_at,
    cast(measured_local_at as date) as measured_day,
    cast(extract(hour from measured_local_at) as bigint) as measured_hour,

    {# fine particles are a part of all particles #}
    not coalesce(pm2_5_ugm3 > pm10_ugm3, false) as is_plausible,

    -- provenance
    _batch,
    _row,
    _collected_at
from timed
