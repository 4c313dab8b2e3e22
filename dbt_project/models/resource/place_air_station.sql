with

air_quality as (select * from {{ ref('air_quality') }})

{# positions of air stations as received are wrong, so none are passed on #}
select distinct
    'air_station:' || station as place_id,
    'air_station' as kind,

    -- names
    station as place_name
from air_quality
where station is not null
