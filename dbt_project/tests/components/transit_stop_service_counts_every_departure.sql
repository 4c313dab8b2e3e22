{{ config(meta={'dagster': {'ref': {'name': 'transit_stop_service'}}}) }}

-- every scheduled departure is counted on workdays, on weekends, or on both
with

scheduled as (

    select
        sum(case when runs_on_workdays then 1 else 0 end) + sum(case when runs_on_weekends then 1 else 0 end)
            as departures
    from {{ ref('transit_departure') }} as departure
    inner join {{ ref('place_subway_station') }} as place on departure.place_id = place.place_id
    where departure.departure_seconds is not null

),

published as (select sum(departures) as departures from {{ ref('transit_stop_service') }})

select
    scheduled.departures as departures_expected,
    published.departures as departures_published
from scheduled cross join published
where coalesce(scheduled.departures, 0) <> coalesce(published.departures, 0)
