with

departures as (select * from {{ ref('transit_departure') }} where departure_seconds is not null),

places as (select * from {{ ref('place_subway_station') }}),

by_day_type as (

    select place_id, route_id, departure_seconds, 'workday' as day_type
    from departures
    where runs_on_workdays
    union all
    select place_id, route_id, departure_seconds, 'weekend' as day_type
    from departures
    where runs_on_weekends

),

service as (

    select
        place_id,
        day_type,
        count(*) as departures,
        count(distinct route_id) as routes,
        min(departure_seconds) / 3600.0 as first_departure_hour,
        max(departure_seconds) / 3600.0 as last_departure_hour,
        sum(case when departure_seconds >= 25200 and departure_seconds < 36000 then 1 else 0 end) / 3.0
            as departures_per_peak_hour
    from by_day_type
    group by place_id, day_type

)

select
    places.place_id as station_id,
    service.day_type,

    -- names
    places.place_name as station_name,
    round(places.latitude_deg, 5) as latitude_deg,
    round(places.longitude_deg, 5) as longitude_deg,

    -- measures
    service.departures,
    service.routes,
    round(service.departures_per_peak_hour, 1) as departures_per_peak_hour,
    round(service.first_departure_hour, 2) as first_departure_hour,
    round(service.last_departure_hour, 2) as last_departure_hour
from service
inner join places on service.place_id = places.place_id
