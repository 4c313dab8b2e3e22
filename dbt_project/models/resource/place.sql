with

taxi_zones as (select * from {{ ref('taxi_zones') }}),

subway_stops as (select * from {{ ref('subway_stops') }}),

air_quality as (select * from {{ ref('air_quality') }}),

clinic_visits as (select * from {{ ref('clinic_visits') }}),

zones as (

    select
        'taxi_zone:' || cast(zone_id as {{ dbt.type_string() }}) as place_id,
        'taxi_zone' as kind,
        zone_name as place_name,
        borough as part_of,
        cast(null as double) as latitude_deg,
        cast(null as double) as longitude_deg
    from taxi_zones
    where zone_id is not null

),

stations as (

    select
        'subway_station:' || stop_id as place_id,
        'subway_station' as kind,
        stop_name as place_name,
        cast(null as {{ dbt.type_string() }}) as part_of,
        latitude_deg,
        longitude_deg
    from subway_stops
    where stop_id is not null and parent_station is null

),

{# positions of air stations as received are wrong, so none are passed on #}
air_stations as (

    select distinct
        'air_station:' || station as place_id,
        'air_station' as kind,
        station as place_name,
        cast(null as {{ dbt.type_string() }}) as part_of,
        cast(null as double) as latitude_deg,
        cast(null as double) as longitude_deg
    from air_quality
    where station is not null

),

visits_by_district as (

    select
        clinic_code,
        district_code,
        row_number() over (partition by clinic_code order by count(*) desc, district_code) as _rank
    from clinic_visits
    where clinic_code is not null and district_code is not null
    group by clinic_code, district_code

),

{# a clinic lies where most of its visits say it does #}
clinics as (

    select
        'clinic:' || clinic_code as place_id,
        'clinic' as kind,
        clinic_code as place_name,
        district_code as part_of,
        cast(null as double) as latitude_deg,
        cast(null as double) as longitude_deg
    from visits_by_district
    where _rank = 1

),

districts as (

    {% for code, name in code_lists()['district'].items() -%}
    select
        'district:{{ code }}' as place_id,
        'district' as kind,
        '{{ name }}' as place_name,
        '{{ code }}' as part_of,
        cast(null as double) as latitude_deg,
        cast(null as double) as longitude_deg
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from zones
union all
select * from stations
union all
select * from air_stations
union all
select * from clinics
union all
select * from districts
