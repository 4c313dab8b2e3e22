{# Every row of `source` stands in the model once or is counted among its copies: nothing lost, nothing doubled. #}
{% test accounts_for(model, source) %}
with

kept as (select coalesce(sum(_copies), 0) as rows_kept from {{ model }}),

received as (select count(*) as rows_received from {{ source }})

select
    rows_received,
    rows_kept
from kept cross join received
where rows_received <> rows_kept
{% endtest %}
