{{ config(meta={'dagster': {'ref': {'name': 'clinic_load_weekly'}}}) }}

-- visits of published weeks are all plausible visits of known patients in these weeks
with

weeks as (

    select
        place.place_name as clinic_code,
        calendar.week_start,
        count(*) as visits,
        count(distinct visit.person_id) as patients
    from {{ ref('visit') }} as visit
    inner join {{ ref('calendar') }} as calendar on visit.visit_day = calendar.calendar_day
    inner join {{ ref('place_clinic') }} as place on visit.clinic_place_id = place.place_id
    where visit.is_plausible and visit.person_id is not null
    group by place.place_name, calendar.week_start

),

published as (select * from {{ ref('clinic_load_weekly') }})

select
    weeks.clinic_code,
    weeks.week_start
from weeks
full outer join published
    on weeks.clinic_code = published.clinic_code
    and weeks.week_start = published.week_start
where ({{ enough('weeks.patients') }} and published.visits is null)
    or published.visits <> weeks.visits
    or weeks.visits is null
