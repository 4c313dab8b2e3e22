{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='trip_id') }}

with

taxi_trips as (

    select * from {{ ref('taxi_trips') }}
    {{ only_new_batches() }}

),

timed as (

    select
        *,
        {{ from_utc('picked_up_at', 'America/New_York') }} as pickup_local_at,
        {{ dbt.datediff('picked_up_at', 'dropped_off_at', 'second') }} as duration_s
    from taxi_trips

)

select
    trip_id,

    -- places; zones 264 and 265 mean unknown and outside
    case when pickup_zone_id between 1 and 263
        then 'taxi_zone:' || cast(pickup_zone_id as {{ dbt.type_string() }}) end as pickup_place_id,
    case when dropoff_zone_id between 1 and 263
        then 'taxi_zone:' || cast(dropoff_zone_id as {{ dbt.type_string() }}) end as dropoff_place_id,

    -- codes
    payment,
    rate,

    -- measures
    passenger_count,
    distance_km,
    duration_s,
    fare_usd,
    tip_usd,
    total_usd,

    -- times
    picked_up_at,
    dropped_off_at,
    cast(pickup_local_at as date) as pickup_day,
    cast(extract(hour from pickup_local_at) as bigint) as pickup_hour,

    {# a ride that took longer than no time and shorter than six hours, moved, and cost something #}
    coalesce(
        duration_s > 0 and duration_s <= 21600
        and distance_km > 0 and distance_km <= 200
        and total_usd > 0 and total_usd <= 1000
        and pickup_zone_id between 1 and 263,
        false
    ) as is_plausible,

    -- provenance
    _batch,
    _row,
    _collected_at
from timed
