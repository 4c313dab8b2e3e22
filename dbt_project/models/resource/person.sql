with

residents as (select * from {{ ref('residents') }})

select
    {{ pseudonym('person', 'id_number') }} as person_id,

    -- codes
    sex,
    district_code,
    education,
    occupation,

    -- measures
    household_size,

    -- times
    extract(year from birth_date) as birth_year,
    registered_on,

    -- provenance
    _batch,
    _row
from residents
{# someone without an identity number cannot be told from anyone else #}
where id_number is not null
