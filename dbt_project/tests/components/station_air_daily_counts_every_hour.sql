{{ config(meta={'dagster': {'ref': {'name': 'station_air_daily'}}}) }}

-- the hours behind the daily means are all plausible hours with fine particles
with

measured as (

    select count(pm2_5_ugm3) as hours
    from {{ ref('air_measurement') }}
    where is_plausible and measured_day is not null and place_id is not null

),

published as (select coalesce(sum(hours_measured), 0) as hours from {{ ref('station_air_daily') }})

select
    measured.hours as hours_expected,
    published.hours as hours_published
from measured cross join published
where measured.hours <> published.hours
