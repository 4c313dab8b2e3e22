with

received as (select * from {{ source('raw', 'hire_bases') }}),

typed as (

    select
        upper({{ as_text('base_number') }}) as base_number,
        {{ as_text('base_name') }} as base_name,
        {{ as_text('dba') }} as trade_name,
        {{ as_text('dba_category') }} as trade_category,
        {{ flags({}) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

ranked as ({{ ranked_by_receipt('typed', 'base_number') }})

select
    base_number,

    -- names
    base_name,
    trade_name,
    trade_category,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts as _copies
from ranked
where _rank = 1
