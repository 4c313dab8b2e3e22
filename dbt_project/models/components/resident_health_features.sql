with

people as (select * from {{ ref('person') }}),

visits as (select * from {{ ref('visit') }} where is_plausible),

reference as (select max(extract(year from visit_day)) as reference_year from visits),

visits_of_person as (

    select
        person_id,
        count(*) as visits,
        sum(case when visit_kind = 'emergency' then 1 else 0 end) as emergencies,
        sum(case when visit_kind = 'inpatient' then 1 else 0 end) as admissions,
        sum(case when diagnosis_chapter in ('circulatory', 'metabolic') then 1 else 0 end) as chronic_visits,
        sum(cost_yuan) as cost_yuan
    from visits
    where person_id is not null
    group by person_id

),

{# exact values become bands before anything else is done with them #}
generalised as (

    select
        people.person_id,
        case
            when reference.reference_year - people.birth_year < 18 then '0-17'
            when reference.reference_year - people.birth_year < 35 then '18-34'
            when reference.reference_year - people.birth_year < 50 then '35-49'
            when reference.reference_year - people.birth_year < 65 then '50-64'
            else '65+'
        end as age_band,
        people.sex,
        people.district_code,
        case
            when people.education in ('college', 'bachelor', 'postgraduate') then 'higher'
            else 'up_to_secondary'
        end as education_level,
        coalesce(visits_of_person.visits, 0) as visits,
        coalesce(visits_of_person.emergencies, 0) as emergencies,
        coalesce(visits_of_person.admissions, 0) as admissions,
        coalesce(visits_of_person.chronic_visits, 0) as chronic_visits,
        coalesce(visits_of_person.cost_yuan, 0) as cost_yuan
    from people
    cross join reference
    left join visits_of_person on people.person_id = visits_of_person.person_id
    where people.birth_year is not null
        and people.sex is not null
        and people.district_code is not null
        and people.education is not null

),

groups as (

    select
        age_band,
        sex,
        district_code,
        education_level
    from generalised
    group by age_band, sex, district_code, education_level
    having {{ enough('count(*)') }}

)

select
    {# a pseudonym of this component alone: two components cannot be joined on it #}
    {{ pseudonym('resident_health_features', 'generalised.person_id') }} as resident_id,

    -- who, in bands
    generalised.age_band,
    generalised.sex,
    generalised.district_code,
    generalised.education_level,

    -- use of care, in bands
    case
        when visits = 0 then '0'
        when visits <= 2 then '1-2'
        when visits <= 5 then '3-5'
        else '6+'
    end as visits_band,
    emergencies > 0 as had_emergency,
    admissions > 0 as had_admission,
    chronic_visits >= 2 as has_chronic_pattern,
    case
        when cost_yuan = 0 then '0'
        when cost_yuan < 500 then '1-499'
        when cost_yuan < 2000 then '500-1999'
        else '2000+'
    end as cost_yuan_band
from generalised
inner join groups
    on generalised.age_band = groups.age_band
    and generalised.sex = groups.sex
    and generalised.district_code = groups.district_code
    and generalised.education_level = groups.education_level
