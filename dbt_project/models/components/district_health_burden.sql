with

visits as (

    select * from {{ ref('visit') }}
    where is_plausible and person_id is not null and district_code is not null and diagnosis_chapter is not null

),

people as (select * from {{ ref('person') }}),

places as (select * from {{ ref('place_district') }}),

calendar as (select * from {{ ref('calendar') }}),

residents as (

    select
        district_code,
        count(*) as residents
    from people
    where district_code is not null
    group by district_code
    having {{ enough('count(*)') }}

),

burden as (

    select
        visits.district_code,
        calendar.quarter_start,
        visits.diagnosis_chapter,
        count(*) as visits,
        count(distinct visits.person_id) as patients,
        avg(case when visits.visit_kind = 'inpatient' then 1.0 else 0.0 end) as inpatient_share,
        avg(visits.cost_yuan) as cost_yuan_mean
    from visits
    inner join calendar on visits.visit_day = calendar.calendar_day
    group by visits.district_code, calendar.quarter_start, visits.diagnosis_chapter
    having {{ enough('count(distinct visits.person_id)') }}

)

select
    burden.district_code,
    burden.quarter_start,
    burden.diagnosis_chapter,

    -- names
    places.place_name as district_name,

    -- measures
    burden.visits,
    burden.patients,
    round(1000.0 * burden.visits / residents.residents, 2) as visits_per_1000_residents,
    round(burden.inpatient_share, 3) as inpatient_share,
    round(burden.cost_yuan_mean, 0) as cost_yuan_mean
from burden
left join residents on burden.district_code = residents.district_code
left join places on burden.district_code = places.part_of
