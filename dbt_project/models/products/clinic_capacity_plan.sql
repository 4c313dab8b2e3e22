with

weeks as (select * from {{ ref('clinic_load_weekly') }}),

burden as (select * from {{ ref('district_health_burden') }}),

{# one consulting room takes 120 visits a week: 5 days of 8 hours at 20 minutes each #}
clinics as (

    select
        clinic_code,
        max(district_code) as district_code,
        count(*) as weeks_observed,
        avg(visits) as visits_per_week,
        percentile_cont(0.9) within group (order by visits) as visits_in_busy_week,
        avg(emergency_share) as emergency_share
    from weeks
    group by clinic_code

),

districts as (

    select
        district_code,
        sum(visits_per_1000_residents) / count(distinct quarter_start) as visits_per_1000_residents_and_quarter
    from burden
    group by district_code

)

select
    clinics.clinic_code,

    -- places
    clinics.district_code,

    -- evidence
    clinics.weeks_observed,

    -- plan
    round(clinics.visits_per_week, 1) as visits_per_week,
    round(clinics.visits_in_busy_week, 1) as visits_in_busy_week,
    cast(ceil(clinics.visits_in_busy_week / 120.0) as bigint) as rooms_needed,
    round(clinics.emergency_share, 3) as emergency_share,
    round(districts.visits_per_1000_residents_and_quarter, 1) as visits_per_1000_residents_and_quarter
from clinics
left join districts on clinics.district_code = districts.district_code
