{# Large event tables take only what was collected since they were last built; what came twice is counted, not doubled. #}

{% macro only_new_batches(table=none) -%}
    {%- if is_incremental() -%}
    where _collected_at > (select coalesce(max(_collected_at), timestamp '1900-01-01 00:00:00') from {{ this }})
    {%- endif -%}
{%- endmacro %}

{# The latest receipt of each key ranks first. A row without a key stands for itself. #}
{% macro ranked_by_receipt(relation, key) -%}
    select
        *,
        row_number() over (
            partition by coalesce({{ key }}, _batch || '#' || cast(_row as {{ dbt.type_string() }}))
            order by _collected_at desc, _batch desc, _row desc
        ) as _rank,
        count(*) over (
            partition by coalesce({{ key }}, _batch || '#' || cast(_row as {{ dbt.type_string() }}))
        ) as _receipts
    from {{ relation }}
{%- endmacro %}

{# How often a key was received before this build; empty on a full build. #}
{% macro receipts_so_far(key) -%}
    {%- if is_incremental() -%}
    select {{ key }}, _copies from {{ this }}
    {%- else -%}
    select cast(null as {{ dbt.type_string() }}) as {{ key }}, cast(null as bigint) as _copies where 1 = 0
    {%- endif -%}
{%- endmacro %}
