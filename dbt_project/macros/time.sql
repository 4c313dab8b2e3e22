{# Providers' local times become UTC at base and stay so; local time comes back only where people's rhythm counts. #}

{% macro to_utc(column, zone) %}{{ return(adapter.dispatch('to_utc', 'jinku')(column, zone)) }}{% endmacro %}
{% macro default__to_utc(column, zone) -%} timezone('UTC', timezone('{{ zone }}', {{ column }})) {%- endmacro %}
{% macro spark__to_utc(column, zone) -%} to_utc_timestamp({{ column }}, '{{ zone }}') {%- endmacro %}

{% macro from_utc(column, zone) %}{{ return(adapter.dispatch('from_utc', 'jinku')(column, zone)) }}{% endmacro %}
{% macro default__from_utc(column, zone) -%} timezone('{{ zone }}', timezone('UTC', {{ column }})) {%- endmacro %}
{% macro spark__from_utc(column, zone) -%} from_utc_timestamp({{ column }}, '{{ zone }}') {%- endmacro %}

{# Monday is 1, Sunday 7 #}
{% macro iso_weekday(column) %}{{ return(adapter.dispatch('iso_weekday', 'jinku')(column)) }}{% endmacro %}
{% macro default__iso_weekday(column) -%} extract(isodow from {{ column }}) {%- endmacro %}
{% macro spark__iso_weekday(column) -%} extract(dayofweek_iso from {{ column }}) {%- endmacro %}

{# A timestamp from the parts of a provider's clock; null where they are no calendar time. #}
{% macro timestamp_from_parts(year, month, day, hour) -%}
    case
        when {{ as_integer(hour) }} between 0 and 23
        then try_cast(
            lpad(trim({{ year }}), 4, '0') || '-' || lpad(trim({{ month }}), 2, '0') || '-' || lpad(trim({{ day }}), 2, '0')
            || ' ' || lpad(trim({{ hour }}), 2, '0') || ':00:00' as timestamp
        )
    end
{%- endmacro %}
