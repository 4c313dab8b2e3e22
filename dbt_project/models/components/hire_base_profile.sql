with

enterprises as (select * from {{ ref('enterprise') }}),

total as (select count(*) as enterprises from enterprises),

categories as (

    select
        trade_category,
        count(*) as peers
    from enterprises
    group by trade_category

),

groups as (

    select
        trade_category,
        legal_form,
        has_trade_name
    from enterprises
    group by trade_category, legal_form, has_trade_name
    having {{ enough('count(*)') }}

)

select
    {{ pseudonym('hire_base_profile', 'enterprises.enterprise_id') }} as base_id,

    -- kinds
    enterprises.trade_category,
    enterprises.legal_form,
    enterprises.has_trade_name,

    -- measures
    categories.peers as bases_in_category,
    round(cast(categories.peers as double) / total.enterprises, 4) as category_share
from enterprises
cross join total
inner join categories on enterprises.trade_category = categories.trade_category
inner join groups
    on enterprises.trade_category = groups.trade_category
    and enterprises.legal_form = groups.legal_form
    and enterprises.has_trade_name = groups.has_trade_name
