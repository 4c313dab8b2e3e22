with

taxi_zones as (select * from {{ ref('taxi_zones') }})

select
    'taxi_zone:' || cast(zone_id as {{ dbt.type_string() }}) as place_id,
    'taxi_zone' as kind,

    -- names
    zone_name as place_name,
    borough as part_of
from taxi_zones
where zone_id is not null
