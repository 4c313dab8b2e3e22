{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='measurement_id') }}

with

received as (

    select * from {{ source('raw', 'air_quality') }}
    {{ only_new_batches() }}

),

typed as (

    select
        {{ as_text('station') }} as station,
        {{ timestamp_from_parts('year', 'month', 'day', 'hour') }} as measured_local_at,
        {{ as_number('pm2_5') }} as pm2_5_ugm3,
        {{ as_number('pm10') }} as pm10_ugm3,
        {{ as_number('so2') }} as so2_ugm3,
        {{ as_number('no2') }} as no2_ugm3,
        {{ as_number('co') }} as co_ugm3,
        {{ as_number('o3') }} as o3_ugm3,
        {{ as_number('temperature') }} as temperature_c,
        {{ as_number('pressure') }} as pressure_hpa,
        {{ as_number('dew_point') }} as dew_point_c,
        {{ as_number('rain') }} as rain_mm,
        {{ as_number('wind_speed') }} as wind_speed_mps,
        {{ as_text('wind_direction') }} as wind_direction,
        {{ as_number('latitude') }} as latitude,
        {{ as_number('longitude') }} as longitude,
        {{ flags({
            'integer': ['year', 'month', 'day', 'hour'],
            'number': [
                'pm2_5', 'pm10', 'so2', 'no2', 'co', 'o3', 'temperature', 'pressure', 'dew_point', 'rain',
                'wind_speed', 'latitude', 'longitude',
            ],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

keyed as (

    select
        *,
        station || '|' || cast(measured_local_at as {{ dbt.type_string() }}) as station_hour
    from typed

),

ranked as ({{ ranked_by_receipt('keyed', 'station_hour') }}),

identified as (

    {# a row without a station or a time keeps a key of its own: its place in its batch #}
    select
        *,
        md5(coalesce(station_hour, _batch || '#' || cast(_row as {{ dbt.type_string() }}))) as measurement_id
    from ranked
    where _rank = 1

),

earlier as ({{ receipts_so_far('measurement_id') }})

select
    identified.measurement_id,
    station,

    -- measures
    pm2_5_ugm3,
    pm10_ugm3,
    so2_ugm3,
    no2_ugm3,
    co_ugm3,
    o3_ugm3,
    temperature_c,
    pressure_hpa,
    dew_point_c,
    rain_mm,
    wind_speed_mps,
    wind_direction,
    latitude,
    longitude,

    -- times
    {{ to_utc('measured_local_at', 'Asia/Shanghai') }} as measured_at,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts + coalesce(earlier._copies, 0) as _copies
from identified
left join earlier on identified.measurement_id = earlier.measurement_id
