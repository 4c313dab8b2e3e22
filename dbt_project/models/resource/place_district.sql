{% for code, name in code_lists()['district'].items() -%}
select
    'district:{{ code }}' as place_id,
    'district' as kind,

    -- names
    '{{ name }}' as place_name,
    '{{ code }}' as part_of
{% if not loop.last %}union all
{% endif %}
{%- endfor %}
