{{ config(meta={'dagster': {'ref': {'name': 'resident_health_features'}}}) }}

-- everyone is like at least ten others in all that an outsider could know
select
    age_band,
    sex,
    district_code,
    education_level,
    count(*) as persons
from {{ ref('resident_health_features') }}
group by age_band, sex, district_code, education_level
having count(*) < {{ var('minimum_group') }}
