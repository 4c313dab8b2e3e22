{# Keys of rows, and pseudonyms of people and enterprises. #}

{# One key from several columns; a missing part counts as a value of its own. #}
{% macro surrogate_key(columns) -%}
    md5(
        {%- for column in columns %}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~'){{ " || '|' ||" if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#
    A keyed pseudonym: hash(key || hash(key || subject || value)). The key is a row of the vault, never SQL text.
    The subject keeps the pseudonyms of persons and of enterprises apart.
#}
{% macro pseudonym(subject, column) -%}
    {%- set key = "(select max(key) from " ~ source('vault', 'pseudonym_key') ~ " where name = 'person')" -%}
    {{ sha256_hex(key ~ " || " ~ sha256_hex(key ~ " || '" ~ subject ~ "|' || " ~ column)) }}
{%- endmacro %}

{% macro sha256_hex(text) %}{{ return(adapter.dispatch('sha256_hex', 'jinku')(text)) }}{% endmacro %}
{% macro default__sha256_hex(text) -%} sha256({{ text }}) {%- endmacro %}
{% macro spark__sha256_hex(text) -%} sha2({{ text }}, 256) {%- endmacro %}
