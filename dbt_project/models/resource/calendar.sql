{%- set first_day = modules.datetime.date.fromisoformat(var('calendar_from')) -%}
{%- set last_day = modules.datetime.date.fromisoformat(var('calendar_to')) -%}

with

numbers as ({{ dbt.generate_series((last_day - first_day).days + 1) }}),

dated as (

    select cast({{ dbt.dateadd('day', '(generated_number - 1)', "cast('" ~ first_day ~ "' as date)") }} as date)
        as calendar_day
    from numbers

)

select
    calendar_day,

    -- parts
    extract(year from calendar_day) as calendar_year,
    extract(quarter from calendar_day) as calendar_quarter,
    extract(month from calendar_day) as calendar_month,
    {{ iso_weekday('calendar_day') }} as iso_weekday,
    cast({{ dbt.date_trunc('week', 'calendar_day') }} as date) as week_start,
    cast({{ dbt.date_trunc('month', 'calendar_day') }} as date) as month_start,
    cast({{ dbt.date_trunc('quarter', 'calendar_day') }} as date) as quarter_start,

    -- kinds
    case when {{ iso_weekday('calendar_day') }} >= 6 then 'weekend' else 'workday' end as day_type,
    case
        when extract(month from calendar_day) in (12, 1, 2) then 'winter'
        when extract(month from calendar_day) in (3, 4, 5) then 'spring'
        when extract(month from calendar_day) in (6, 7, 8) then 'summer'
        else 'autumn'
    end as season
from dated
