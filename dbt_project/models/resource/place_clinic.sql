with

clinic_visits as (select * from {{ ref('clinic_visits') }}),

visits_by_district as (

    select
        clinic_code,
        district_code,
        row_number() over (partition by clinic_code order by count(*) desc, district_code) as _rank
    from clinic_visits
    where clinic_code is not null and district_code is not null
    group by clinic_code, district_code

)

{# a clinic lies where most of its visits say it does #}
select
    'clinic:' || clinic_code as place_id,
    'clinic' as kind,

    -- names
    clinic_code as place_name,
    district_code as part_of
from visits_by_district
where _rank = 1
