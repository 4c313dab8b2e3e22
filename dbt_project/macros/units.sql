{# To SI units; factors are exact by definition. #}

{% macro miles_to_km(column) -%} {{ column }} * 1.609344 {%- endmacro %}
{% macro miles_per_hour_to_metres_per_second(column) -%} {{ column }} * 0.44704 {%- endmacro %}
{% macro inches_to_mm(column) -%} {{ column }} * 25.4 {%- endmacro %}
{% macro fahrenheit_to_celsius(column) -%} ({{ column }} - 32) * 5 / 9 {%- endmacro %}
