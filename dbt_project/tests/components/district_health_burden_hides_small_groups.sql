{{ config(meta={'dagster': {'ref': {'name': 'district_health_burden'}}}) }}

-- no row rests on fewer patients than the smallest group, and none has more patients than visits
select *
from {{ ref('district_health_burden') }}
where patients < {{ var('minimum_group') }} or patients > visits
