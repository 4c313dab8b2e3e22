with

days as (select * from {{ ref('station_air_daily') }} where hours_measured >= 18),

{# shares of the 24-hour limits of GB 3095-2012, class II; ozone's limit is the one for 8 hours #}
shares as (

    select
        station,
        cast({{ dbt.date_trunc('month', 'measured_day') }} as date) as month_start,
        pm2_5_ugm3 / 75.0 as pm2_5_share,
        pm10_ugm3 / 150.0 as pm10_share,
        so2_ugm3 / 150.0 as so2_share,
        no2_ugm3 / 80.0 as no2_share,
        co_ugm3 / 4000.0 as co_share,
        o3_ugm3_max / 160.0 as o3_share
    from days

),

months as (

    select
        station,
        month_start,
        count(*) as days_measured,
        avg(pm2_5_share) as pm2_5_share,
        avg(pm10_share) as pm10_share,
        avg(so2_share) as so2_share,
        avg(no2_share) as no2_share,
        avg(co_share) as co_share,
        avg(o3_share) as o3_share,
        sum(case when pm2_5_share > 1 then 1 else 0 end) as days_over_pm2_5_limit
    from shares
    group by station, month_start

)

select
    station,
    month_start,

    -- evidence
    days_measured,

    -- exposure
    round(
        coalesce(pm2_5_share, 0) + coalesce(pm10_share, 0) + coalesce(so2_share, 0)
        + coalesce(no2_share, 0) + coalesce(co_share, 0) + coalesce(o3_share, 0), 2
    ) as exposure_index,
    days_over_pm2_5_limit,
    round(pm2_5_share, 3) as pm2_5_share_of_limit,
    round(o3_share, 3) as o3_share_of_limit
from months
