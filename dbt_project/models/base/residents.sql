with

received as (select * from {{ source('raw', 'residents') }}),

typed as (

    select
        upper({{ as_text('id_number') }}) as id_number,
        {{ as_text('name') }} as full_name,
        {{ as_text('phone') }} as phone,
        {{ as_text('address') }} as address,
        {{ from_code_list('sex', 'sex') }} as sex,
        {{ as_date('birth_date') }} as birth_date,
        case when {{ from_code_list('district_code', 'district') }} is not null then trim(district_code) end
            as district_code,
        {{ from_code_list('education', 'education') }} as education,
        {{ from_code_list('occupation', 'occupation') }} as occupation,
        {{ as_integer('household_size') }} as household_size,
        {{ as_date('registered_on') }} as registered_on,
        {{ flags({
            'code': {
                'sex': 'sex', 'district_code': 'district', 'education': 'education', 'occupation': 'occupation',
            },
            'date': ['birth_date', 'registered_on'],
            'integer': ['household_size'],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as ({{ ranked_by_receipt('typed', 'id_number') }})

select
    -- identifiers: they end here
    id_number,
    full_name,
    phone,
    address,

    -- codes
    sex,
    district_code,
    education,
    occupation,

    -- measures
    household_size,

    -- times
    birth_date,
    registered_on,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
