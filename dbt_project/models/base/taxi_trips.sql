{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='trip_id') }}

with

received as (

    select * from {{ source('raw', 'taxi_trips') }}
    {{ only_new_batches() }}

),

typed as (

    select
        {{ from_code_list('vendor_id', 'vendor') }} as vendor,
        {{ from_code_list('rate_code_id', 'rate') }} as rate,
        {{ from_code_list('payment_type', 'payment') }} as payment,
        {{ from_code_list('store_and_fwd_flag', 'yes_no') }} as stored_and_forwarded,
        {{ as_integer('pickup_location_id') }} as pickup_zone_id,
        {{ as_integer('dropoff_location_id') }} as dropoff_zone_id,
        {{ as_integer('passenger_count') }} as passenger_count,
        {{ as_number('trip_distance') }} as distance_miles,
        {{ as_number('fare_amount') }} as fare_usd,
        {{ as_number('extra') }} as extra_usd,
        {{ as_number('mta_tax') }} as mta_tax_usd,
        {{ as_number('tip_amount') }} as tip_usd,
        {{ as_number('tolls_amount') }} as tolls_usd,
        {{ as_number('improvement_surcharge') }} as improvement_surcharge_usd,
        {{ as_number('congestion_surcharge') }} as congestion_surcharge_usd,
        {{ as_number('total_amount') }} as total_usd,
        {{ as_timestamp('pickup_datetime') }} as pickup_local_at,
        {{ as_timestamp('dropoff_datetime') }} as dropoff_local_at,
        {{ flags({
            'code': {
                'vendor_id': 'vendor', 'rate_code_id': 'rate', 'payment_type': 'payment', 'store_and_fwd_flag': 'yes_no',
            },
            'integer': ['pickup_location_id', 'dropoff_location_id', 'passenger_count'],
            'number': [
                'trip_distance', 'fare_amount', 'extra', 'mta_tax', 'tip_amount', 'tolls_amount',
                'improvement_surcharge', 'congestion_surcharge', 'total_amount',
            ],
            'timestamp': ['pickup_datetime', 'dropoff_datetime'],
        }) }} as _flags,
        _batch,
        _row,
        _collected_at
    from received

),

{# a trip has no number of its own: two rows are the same trip when every typed value is the same #}
keyed as (

    select
        *,
        {{ surrogate_key([
            'vendor', 'rate', 'payment', 'stored_and_forwarded', 'pickup_zone_id', 'dropoff_zone_id',
            'passenger_count', 'distance_miles', 'fare_usd', 'extra_usd', 'mta_tax_usd', 'tip_usd', 'tolls_usd',
            'improvement_surcharge_usd', 'congestion_surcharge_usd', 'total_usd', 'pickup_local_at',
            'dropoff_local_at', '_flags',
        ]) }} as trip_id
    from typed

),

ranked as ({{ ranked_by_receipt('keyed', 'trip_id') }}),

earlier as ({{ receipts_so_far('trip_id') }})

select
    ranked.trip_id,

    -- codes
    vendor,
    rate,
    payment,
    stored_and_forwarded,
    pickup_zone_id,
    dropoff_zone_id,

    -- measures
    passenger_count,
    {{ miles_to_km('distance_miles') }} as distance_km,
    fare_usd,
    extra_usd,
    mta_tax_usd,
    tip_usd,
    tolls_usd,
    improvement_surcharge_usd,
    congestion_surcharge_usd,
    total_usd,

    -- times
    {{ to_utc('pickup_local_at', 'America/New_York') }} as picked_up_at,
    {{ to_utc('dropoff_local_at', 'America/New_York') }} as dropped_off_at,

    -- provenance
    _flags,
    _batch,
    _row,
    _collected_at,
    _receipts + coalesce(earlier._copies, 0) as _copies
from ranked
left join earlier on ranked.trip_id = earlier.trip_id
where _rank = 1
