{# A row may be published only where enough subjects stand behind it. #}
{% macro enough(subjects) -%} {{ subjects }} >= {{ var('minimum_group') }} {%- endmacro %}

{# Whether the city works or rests, and the part of a day, in the words of every component. #}
{% macro day_part(hour) -%}
    case
        when {{ hour }} < 6 then 'night'
        when {{ hour }} < 12 then 'morning'
        when {{ hour }} < 18 then 'afternoon'
        else 'evening'
    end
{%- endmacro %}
