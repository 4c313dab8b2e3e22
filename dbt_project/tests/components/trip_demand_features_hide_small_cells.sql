{{ config(meta={'dagster': {'ref': {'name': 'trip_demand_features'}}}) }}

-- neither the target nor a feature of the past shows a cell below the smallest group
select *
from {{ ref('trip_demand_features') }}
where trips < {{ var('minimum_group') }}
    or trips_day_before < {{ var('minimum_group') }}
    or trips_week_before < {{ var('minimum_group') }}
