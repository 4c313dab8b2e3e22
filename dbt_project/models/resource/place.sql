{#
    Every place of the city under one key. What is made from this table rests on all sources of places together, with
    the purposes that all of them permit: a component reads the table of the kind it needs.
#}
with

taxi_zones as (select * from {{ ref('place_taxi_zone') }}),

subway_stations as (select * from {{ ref('place_subway_station') }}),

air_stations as (select * from {{ ref('place_air_station') }}),

clinics as (select * from {{ ref('place_clinic') }}),

districts as (select * from {{ ref('place_district') }}),

places as (

    select place_id, kind, place_name, part_of, cast(null as double) as latitude_deg, cast(null as double) as longitude_deg
    from taxi_zones
    union all
    select place_id, kind, place_name, cast(null as {{ dbt.type_string() }}), latitude_deg, longitude_deg
    from subway_stations
    union all
    select place_id, kind, place_name, cast(null as {{ dbt.type_string() }}), cast(null as double), cast(null as double)
    from air_stations
    union all
    select place_id, kind, place_name, part_of, cast(null as double), cast(null as double)
    from clinics
    union all
    select place_id, kind, place_name, part_of, cast(null as double), cast(null as double)
    from districts

)

select
    place_id,
    kind,

    -- names
    place_name,
    part_of,

    -- measures
    latitude_deg,
    longitude_deg
from places
