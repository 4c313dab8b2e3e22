"""Taxi trips: who calls a taxi where and when, where they go, how long it takes and what it costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples.chance import Codes, Numbers, quantile_table, shares, stream
from samples.defects import Rule, SpoiltSheet, count_at, originals, spoil
from samples.sheet import Array, Column, Sheet, moments, plain
from samples.weather import DailyWeather
from samples.zones import AIRPORT, HOME, JFK_ZONE, LAGUARDIA_ZONE, NEWARK_ZONE, NIGHT, WORK, ZONES, Zones

HEADER = (
    "vendor_id",
    "pickup_datetime",
    "dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "rate_code_id",
    "store_and_fwd_flag",
    "pickup_location_id",
    "dropoff_location_id",
    "payment_type",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "improvement_surcharge",
    "total_amount",
    "congestion_surcharge",
)
FIRST_MONTH, MONTHS = np.datetime64("2018-07"), 12
JSON_MONTH = np.datetime64("2019-01")
ROWS_A_MONTH = 10_000
DUPLICATE_RATE, LATE_RATE = 0.005, 0.003
RULES = (
    Rule("passenger_count", "missing", 0.005),
    Rule("store_and_fwd_flag", "missing", 0.002),
    Rule("fare_amount", "out_of_range", 0.003, "'-' || clean"),
    Rule("trip_distance", "out_of_range", 0.002, "(100000 + clean::double)::varchar"),
    Rule("rate_code_id", "wrong_code", 0.003, "'99'"),
    Rule("payment_type", "wrong_code", 0.002, "'0'"),
    Rule("pickup_datetime", "bad_format", 0.003, "strftime(clean::timestamp, '%m/%d/%Y %I:%M:%S %p')"),
    Rule("dropoff_location_id", "broken_reference", 0.003, "'999'"),
)
SURCHARGE_KNOWN_FROM, SURCHARGE_FROM = np.datetime64("2019-01-01"), np.datetime64("2019-02-01")
CLOCKS_FORWARD = np.datetime64("2019-03-10T02")
OUTCOMES = 4096
MORNING, EVENING, OTHER = 0, 1, 2
BRIDGE_TOLL_CENTS, JFK_FLAT_CENTS, FLAG_FALL_CENTS = 576, 5200, 250
PASSENGERS = np.repeat([1, 2, 3, 4, 5, 6], [72, 14, 4, 2, 5, 3])
PAYMENTS = np.repeat([1, 2, 3, 4], [700, 290, 6, 4])
# miles an hour by hour of the day
SPEEDS_MPH = np.array(
    [17, 19, 20, 21, 22, 21, 17, 13, 11, 10.5, 10.5, 10.5, 10, 10, 9.5, 9.5, 9, 9, 10, 11, 12.5, 13, 14, 15.5]
)


@dataclass(frozen=True)
class Streets:
    """What all months share: the map, driving distances, and destinations drawn by a look-up."""

    zones: Zones
    miles: Numbers
    destinations: NDArray[np.int16]
    weather: DailyWeather


@dataclass(frozen=True)
class Journey:
    """Trips before they are charged; zones count from 0."""

    start: Codes
    end: Codes
    picked_up: Array
    seconds: Codes
    miles: Numbers


def streets(zones: Zones, weather: DailyWeather) -> Streets:
    """Destinations attract by demand, fade with distance, and change with the time of day."""
    miles = zones.street_miles()
    pull = zones.demand[None, :] * np.exp(-miles / 3.2)
    pull[:, zones.kinds == AIRPORT] *= 3
    by_time = [np.ones(4), np.ones(4), np.ones(4)]
    by_time[MORNING][[WORK, NIGHT]] = 2.5, 0.5
    by_time[EVENING][[HOME, NIGHT]] = 1.8, 2.0
    weights = np.concatenate([pull * factor[zones.kinds][None, :] for factor in by_time])
    return Streets(zones, miles, quantile_table(weights, OUTCOMES), weather)


def trip_file(month: np.datetime64) -> str:
    """The name of a month's file."""
    return f"yellow_tripdata_sample_{month}.{'json' if month == JSON_MONTH else 'csv'}.gz"


def trip_sheet(known: Streets, month: np.datetime64, rows: int, seed: int) -> SpoiltSheet:
    """One month of trips, with its defects; `rows` counts the copies too."""
    number = int((month - FIRST_MONTH).astype(int))
    chance = stream(seed, "trips", number)
    distinct = originals(rows, DUPLICATE_RATE)
    late = np.sort(chance.choice(distinct, count_at(LATE_RATE, distinct), replace=False))
    sheet = _charged(known, _journeys(known, month, distinct, late, chance), chance)
    copies = rows - distinct
    defects = stream(seed, "trip defects", number)
    return spoil(sheet, RULES, defects, copies=copies, late=late, late_column="pickup_datetime")


def hourly_demand(known: Streets, month: np.datetime64) -> Numbers:
    """The weight of every hour of the month (rows) in every zone (columns)."""
    hours = np.arange(month.astype("datetime64[h]"), (month + 1).astype("datetime64[h]"))
    day_at = (hours.astype("datetime64[D]") - known.weather.days[0]).astype(int)
    wet = np.minimum(known.weather.precipitation_inch[day_at], 1.0)
    snow = np.minimum(known.weather.snowfall_inch[day_at] / 6, 1.0)
    mood = (1 - 0.12 * wet) * (1 - 0.45 * snow)
    mood[hours == CLOCKS_FORWARD] = 0
    weekday = (hours.astype("datetime64[D]").astype(int) + 3) % 7
    rhythm = _weekly_rhythm()[known.zones.kinds][:, weekday * 24 + hours.astype(int) % 24].T
    demand: Numbers = mood[:, None] * rhythm * known.zones.demand[None, :]
    return demand


def _weekly_rhythm() -> Numbers:
    """Pickups by kind of zone (rows) and hour of the week from Monday 0:00 (columns)."""
    hour = np.arange(24)

    def hump(at: float, width: float, height: float) -> Numbers:
        distance = np.minimum(np.abs(hour - at), 24 - np.abs(hour - at))
        bell: Numbers = height * np.exp(-((distance / width) ** 2))
        return bell

    workday = np.zeros((4, 24))
    workday[HOME] = 0.12 + hump(8, 2.2, 1.2) + hump(18, 4, 0.7)
    workday[WORK] = 0.08 + hump(9, 3, 0.5) + hump(13, 4, 0.6) + hump(18.5, 3, 1.4)
    workday[NIGHT] = 0.1 + hump(20, 4, 1.0) + hump(23.5, 2.5, 0.7)
    workday[AIRPORT] = 0.1 + hump(10, 5, 0.7) + hump(17, 5, 1.0)
    weekend = np.zeros((4, 24))
    weekend[HOME] = 0.2 + hump(12, 4, 0.7) + hump(19, 4, 0.6)
    weekend[WORK] = 0.1 + hump(15, 5, 0.6)
    weekend[NIGHT] = 0.2 + hump(22, 4, 1.3) + hump(1, 2.5, 1.6)
    weekend[AIRPORT] = workday[AIRPORT] * 0.9
    week = np.stack([workday] * 5 + [weekend] * 2, axis=1)
    week[:, 4, 18:] = 0.5 * (week[:, 4, 18:] + weekend[:, 18:])
    return week.reshape(4, 7 * 24)


def _journeys(known: Streets, month: np.datetime64, rows: int, late: Array, chance: np.random.Generator) -> Journey:
    demand = hourly_demand(known, month)
    cells = np.repeat(np.arange(demand.size), chance.multinomial(rows, shares(demand.ravel())))
    hour_at, start = np.divmod(chance.permutation(cells), ZONES)
    first = month.astype("datetime64[s]").astype(np.int64)
    moment = first + hour_at * 3600 + chance.integers(0, 3600, rows)
    hour = hour_at % 24
    is_workday = ((moment // 86400 + 3) % 7) < 5
    part = np.full(rows, OTHER)
    part[is_workday & (hour >= 6) & (hour < 11)] = MORNING
    part[(hour >= 16) & (hour < 23)] = EVENING
    end = known.destinations[part * ZONES + start, chance.integers(0, OUTCOMES, rows)].astype(np.int64)
    miles = np.maximum(np.round(known.miles[start, end] * np.exp(chance.normal(0, 0.22, rows)), 2), 0.1)
    snow = known.weather.snowfall_inch[(moment // 86400) - known.weather.days[0].astype(np.int64)]
    speed = SPEEDS_MPH[hour] * (1 + miles / 14) / (1 + 0.06 * np.minimum(snow, 8))
    seconds = np.maximum(60 + miles / speed * 3600 * np.exp(chance.normal(0, 0.2, rows)), 60).astype(np.int64)
    moment[late] -= (31 + chance.integers(0, 60, len(late))) * 86400
    return Journey(start, end, moment.astype("datetime64[s]"), seconds, miles)


def _charged(known: Streets, journey: Journey, chance: np.random.Generator) -> Sheet:
    """The columns of the file; money is added up in cents, so that the total is exactly the sum of its parts."""
    rows = len(journey.start)
    rate = _rates(known.zones, journey)
    payment = PAYMENTS[chance.integers(0, len(PAYMENTS), rows)]
    fare = _fares_cents(journey, rate)
    extra = _extras_cents(journey)
    extra[rate == 2] = 0
    tax = np.where(rate == 3, 0, 50)
    is_bridge = np.isin(journey.start + 1, [JFK_ZONE, LAGUARDIA_ZONE]) | np.isin(journey.end + 1, [JFK_ZONE])
    tolls = np.where(is_bridge & (chance.random(rows) < 0.5), BRIDGE_TOLL_CENTS, 0)
    wanted = np.clip(chance.normal(0.2, 0.07, rows), 0, 0.6)
    tip = np.where(payment == 1, np.rint((fare + extra + tolls) * wanted), 0).astype(np.int64)
    surcharge = _surcharges_cents(known.zones, journey)
    total = fare + extra + tax + tip + tolls + 30 + np.maximum(surcharge, 0)
    columns = (
        plain(np.where(chance.random(rows) < 0.42, 1, 2)),
        moments(journey.picked_up),
        moments(journey.picked_up + journey.seconds.astype("timedelta64[s]")),
        plain(PASSENGERS[chance.integers(0, len(PASSENGERS), rows)]),
        plain(journey.miles),
        plain(rate),
        Column((chance.random(rows) < 0.005,), "case when {0} then 'Y' else 'N' end", quoted=True),
        plain(journey.start + 1),
        plain(journey.end + 1),
        plain(payment),
        *(plain(cents / 100) for cents in (fare, extra, tax, tip, tolls, np.full(rows, 30), total)),
        Column((surcharge / 100,), "case when {0} >= 0 then {0}::varchar end"),
    )
    return Sheet(dict(zip(HEADER, columns, strict=True)))


def _rates(zones: Zones, journey: Journey) -> Codes:
    """Flat rate between JFK and Manhattan, its own rate to Newark, the meter for the rest."""
    is_manhattan = zones.boroughs == "Manhattan"
    is_jfk = np.arange(ZONES) + 1 == JFK_ZONE
    is_flat = (is_jfk[journey.start] & is_manhattan[journey.end]) | (is_manhattan[journey.start] & is_jfk[journey.end])
    return np.where(is_flat, 2, np.where(journey.end + 1 == NEWARK_ZONE, 3, 1))


def _fares_cents(journey: Journey, rate: Codes) -> Codes:
    """By distance and time in steps of 50 cents."""
    metered = FLAG_FALL_CENTS + 180 * journey.miles + 35 * journey.seconds / 60
    stepped = (np.floor(metered / 50) * 50).astype(np.int64)
    return np.where(rate == 2, JFK_FLAT_CENTS, stepped + np.where(rate == 3, 1750, 0))


def _extras_cents(journey: Journey) -> Codes:
    """A dollar in the rush hours of working days, half a dollar at night."""
    moment = journey.picked_up.astype(np.int64)
    hour = moment // 3600 % 24
    is_rush = ((moment // 86400 + 3) % 7 < 5) & (hour >= 16) & (hour < 20)
    return np.where(is_rush, 100, np.where((hour >= 20) | (hour < 6), 50, 0))


def _surcharges_cents(zones: Zones, journey: Journey) -> Codes:
    """None (-1) before the column was filled, then 2.50 for trips that touch the congested part of town."""
    is_congested = np.isin(zones.areas, ["manhattan_below_60", "manhattan_60_96"])
    touches = is_congested[journey.start] | is_congested[journey.end]
    charged = np.where(touches & (journey.picked_up >= SURCHARGE_FROM), 250, 0)
    return np.where(journey.picked_up >= SURCHARGE_KNOWN_FROM, charged, -1)
