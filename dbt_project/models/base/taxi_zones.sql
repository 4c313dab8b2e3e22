with

received as (select * from {{ source('raw', 'taxi_zones') }}),

typed as (

    select
        {{ as_integer('zone_id') }} as zone_id,
        {{ as_text('zone_name') }} as zone_name,
        {{ as_text('borough') }} as borough,
        {{ as_text('area') }} as area,
        {{ flags({'integer': ['zone_id']}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as ({{ ranked_by_receipt('typed', 'cast(zone_id as ' ~ dbt.type_string() ~ ')') }})

select
    zone_id,

    -- names
    zone_name,
    borough,
    area,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
