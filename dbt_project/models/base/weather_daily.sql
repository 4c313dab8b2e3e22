with

received as (select * from {{ source('raw', 'weather_daily') }}),

typed as (

    select
        {{ as_text('station_id') }} as station_id,
        {{ as_text('station_name') }} as station_name,
        {{ as_date('observed_on') }} as observed_on,
        {{ as_number('wind_speed') }} as wind_speed_mph,
        {{ as_number('precipitation') }} as precipitation_inch,
        {{ as_number('snowfall') }} as snowfall_inch,
        {{ as_number('snow_depth') }} as snow_depth_inch,
        {{ as_number('temperature_max') }} as temperature_max_f,
        {{ as_number('temperature_min') }} as temperature_min_f,
        {{ flags({
            'date': ['observed_on'],
            'number': [
                'wind_speed', 'precipitation', 'snowfall', 'snow_depth', 'temperature_max', 'temperature_min',
            ],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as (
    {{ ranked_by_receipt('typed', "station_id || '|' || cast(observed_on as " ~ dbt.type_string() ~ ")") }}
)

select
    station_id,
    observed_on,

    -- names
    station_name,

    -- measures
    {{ miles_per_hour_to_metres_per_second('wind_speed_mph') }} as wind_speed_mps,
    {{ inches_to_mm('precipitation_inch') }} as precipitation_mm,
    {{ inches_to_mm('snowfall_inch') }} as snowfall_mm,
    {{ inches_to_mm('snow_depth_inch') }} as snow_depth_mm,
    {{ fahrenheit_to_celsius('temperature_max_f') }} as temperature_max_c,
    {{ fahrenheit_to_celsius('temperature_min_f') }} as temperature_min_c,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
