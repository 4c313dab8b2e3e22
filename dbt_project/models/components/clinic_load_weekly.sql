with

visits as (select * from {{ ref('visit') }} where is_plausible and person_id is not null),

places as (select * from {{ ref('place_clinic') }}),

calendar as (select * from {{ ref('calendar') }}),

weeks as (

    select
        visits.clinic_place_id,
        calendar.week_start,
        count(*) as visits,
        count(distinct visits.person_id) as patients,
        avg(case when visits.visit_kind = 'emergency' then 1.0 else 0.0 end) as emergency_share,
        avg(case when visits.visit_kind = 'inpatient' then 1.0 else 0.0 end) as inpatient_share,
        avg(visits.cost_yuan) as cost_yuan_mean
    from visits
    inner join calendar on visits.visit_day = calendar.calendar_day
    group by visits.clinic_place_id, calendar.week_start
    having {{ enough('count(distinct visits.person_id)') }}

)

select
    places.place_name as clinic_code,
    weeks.week_start,

    -- names
    places.part_of as district_code,

    -- measures
    weeks.visits,
    weeks.patients,
    round(weeks.emergency_share, 3) as emergency_share,
    round(weeks.inpatient_share, 3) as inpatient_share,
    round(weeks.cost_yuan_mean, 0) as cost_yuan_mean
from weeks
inner join places on weeks.clinic_place_id = places.place_id
