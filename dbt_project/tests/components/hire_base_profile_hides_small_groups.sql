{{ config(meta={'dagster': {'ref': {'name': 'hire_base_profile'}}}) }}

-- every enterprise is like at least ten others
select
    trade_category,
    legal_form,
    has_trade_name,
    count(*) as enterprises
from {{ ref('hire_base_profile') }}
group by trade_category, legal_form, has_trade_name
having count(*) < {{ var('minimum_group') }}
