{# From the text as received to typed values. What does not type becomes null, and `flags` names the column. #}

{% macro as_text(column) -%}
    case when {{ is_present(column) }} then trim({{ column }}) end
{%- endmacro %}

{# A finite number: 'inf' and 'nan' are no measurements, and nan is greater than every number in both engines. #}
{% macro as_number(column) -%}
    case when abs(try_cast(trim({{ column }}) as double)) <= 1e300 then try_cast(trim({{ column }}) as double) end
{%- endmacro %}

{# A whole number, also where it was written 1.0; the bound is the last one that a double holds exactly. #}
{% macro as_integer(column) -%}
    case
        when abs(try_cast(trim({{ column }}) as double)) <= 9007199254740991
            and try_cast(trim({{ column }}) as double) = floor(try_cast(trim({{ column }}) as double))
        then cast(try_cast(trim({{ column }}) as double) as bigint)
    end
{%- endmacro %}

{% macro as_timestamp(column) -%}
    case
        when try_cast(trim({{ column }}) as timestamp)
            between timestamp '1900-01-01 00:00:00' and timestamp '2199-12-31 23:59:59'
        then try_cast(trim({{ column }}) as timestamp)
    end
{%- endmacro %}

{% macro as_date(column) -%}
    case
        when try_cast(trim({{ column }}) as date) between date '1900-01-01' and date '2199-12-31'
        then try_cast(trim({{ column }}) as date)
    end
{%- endmacro %}

{# yyyymmdd, as timetables write days #}
{% macro as_compact_date(column) -%}
    {{ as_date("substr(" ~ column ~ ", 1, 4) || '-' || substr(" ~ column ~ ", 5, 2) || '-' || substr(" ~ column ~ ", 7)") }}
{%- endmacro %}

{# hh:mm:ss of a service day, in seconds; hours may pass 24 #}
{% macro as_seconds_of_day(column) -%}
    (
        {{ as_integer(dbt.split_part(column, "':'", 1)) }} * 3600
        + {{ as_integer(dbt.split_part(column, "':'", 2)) }} * 60
        + {{ as_integer(dbt.split_part(column, "':'", 3)) }}
    )
{%- endmacro %}

{# Whether the provider gave a value at all; the words for "no value" are a setting of the project. #}
{% macro is_present(column) -%}
    trim({{ column }}) not in ({% for word in var('missing_words') %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#
    Names, joined by commas, of the columns that were given a value and have none after typing.
    kinds: {'integer': [columns], 'number': [...], 'timestamp': [...], 'date': [...], 'compact_date': [...],
    'seconds_of_day': [...], 'code': {column: list}}
#}
{% macro flags(kinds) -%}
    {%- set typing = {
        'integer': as_integer, 'number': as_number, 'timestamp': as_timestamp, 'date': as_date,
        'compact_date': as_compact_date, 'seconds_of_day': as_seconds_of_day,
    } -%}
    concat_ws(
        ',',
        cast(null as {{ dbt.type_string() }})
        {%- for kind, columns in kinds.items() -%}
        {%- for column in columns %},
        case
            when {{ is_present(column) }}
                and ({{ from_code_list(column, columns[column]) if kind == 'code' else typing[kind](column) }}) is null
            then '{{ column }}'
        end
        {%- endfor -%}
        {%- endfor %}
    )
{%- endmacro %}
