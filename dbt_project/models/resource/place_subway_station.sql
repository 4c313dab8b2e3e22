with

subway_stops as (select * from {{ ref('subway_stops') }})

select
    'subway_station:' || stop_id as place_id,
    'subway_station' as kind,

    -- names
    stop_name as place_name,

    -- measures
    latitude_deg,
    longitude_deg
from subway_stops
where stop_id is not null and parent_station is null
