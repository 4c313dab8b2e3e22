with

hire_bases as (select * from {{ ref('hire_bases') }}),

named as (

    select
        *,
        ' ' || translate(upper(base_name), '.,-&', '    ') || ' ' as padded_name
    from hire_bases
    where base_number is not null

)

select
    {{ pseudonym('enterprise', 'base_number') }} as enterprise_id,

    -- codes
    case
        when padded_name like '% LLC %' or padded_name like '% L L C %' then 'limited_company'
        when padded_name like '% INC %' or padded_name like '% CORP %' or padded_name like '% CORPORATION %'
            then 'corporation'
        else 'other'
    end as legal_form,
    coalesce(lower(trade_category), 'none') as trade_category,
    trade_name is not null as has_trade_name,

    -- provenance
    _batch,
    _row
from named
