{# The model holds one row for each row of `source` that satisfies `where_source`. #}
{% test has_as_many_rows_as(model, source, where_source="1 = 1") %}
with

kept as (select count(*) as rows_kept from {{ model }}),

expected as (select count(*) as rows_expected from {{ source }} where {{ where_source }})

select
    rows_expected,
    rows_kept
from kept cross join expected
where rows_expected <> rows_kept
{% endtest %}
