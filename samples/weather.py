"""Daily weather of the city's one station: seasons, spells of wet days, snow that lies and melts."""

from dataclasses import dataclass

import numpy as np

from samples.chance import Numbers, smooth_noise, stream
from samples.defects import Rule, SpoiltSheet, count_at, spoil
from samples.sheet import Array, Sheet, constant, dates, decimals, plain

FILE = "central_park_weather.csv"
HEADER = ("STATION", "NAME", "DATE", "AWND", "PRCP", "SNOW", "SNWD", "TMAX", "TMIN")
FIRST_DAY, LAST_DAY = np.datetime64("2018-01-01"), np.datetime64("2019-12-31")
DUPLICATE_RATE = 0.005
RULES = (
    Rule("wind_speed", "missing", 0.01),
    Rule("temperature_max", "out_of_range", 0.005, "'999'"),
    Rule("precipitation", "out_of_range", 0.003, "'-9.99'"),
    Rule("station_id", "wrong_code", 0.003, "'USW00000000'"),
    Rule("observed_on", "bad_format", 0.005, "strftime(clean::date, '%d.%m.%Y')"),
)
FREEZING_F = 36.0


@dataclass(frozen=True)
class DailyWeather:
    """The weather as it was, one value a day from FIRST_DAY on; inches, degrees Fahrenheit, miles an hour."""

    days: Array
    wind_mph: Numbers
    precipitation_inch: Numbers
    snowfall_inch: Numbers
    snow_depth_inch: Numbers
    highest_f: Numbers
    lowest_f: Numbers


def weather(seed: int) -> DailyWeather:
    """The weather of all days for a seed."""
    chance = stream(seed, "weather")
    days = np.arange(FIRST_DAY, LAST_DAY + 1)
    count = len(days)
    season = np.cos(2 * np.pi * ((days - FIRST_DAY).astype(int) - 18) / 365.25)
    highest = 62 - 24 * season + 8 * smooth_noise(chance, count, 0.7)
    lowest = highest - np.clip(chance.normal(14, 4, count), 4, 28)
    is_wet = smooth_noise(chance, count, 0.4) > 0.45
    water = np.where(is_wet, np.maximum(chance.gamma(0.8, 0.45, count), 0.01), 0.0)
    falls_as_snow = (highest + lowest) / 2 < FREEZING_F
    snowfall = np.where(falls_as_snow, water * chance.uniform(6, 12, count), 0.0)
    lying = np.convolve(snowfall, 0.6 ** np.arange(8))[:count]
    wind = np.clip(5.4 + 1.2 * season + 1.6 * smooth_noise(chance, count, 0.5), 0.9, None)
    return DailyWeather(days, wind, water, snowfall, np.where(highest > 50, 0.0, lying), highest, lowest)


def weather_sheet(known: DailyWeather, seed: int) -> SpoiltSheet:
    """The file of the weather, with its defects."""
    rows = len(known.days)
    sheet = Sheet(
        {
            "station_id": constant("USW00094728", rows),
            "station_name": constant("NY CITY CENTRAL PARK, NY US", rows),
            "observed_on": dates(known.days),
            "wind_speed": decimals(known.wind_mph, 2),
            "precipitation": decimals(known.precipitation_inch, 2),
            "snowfall": decimals(known.snowfall_inch, 1),
            "snow_depth": decimals(np.round(known.snow_depth_inch), 1),
            "temperature_max": plain(np.rint(known.highest_f).astype(np.int64)),
            "temperature_min": plain(np.rint(known.lowest_f).astype(np.int64)),
        }
    )
    return spoil(sheet, RULES, stream(seed, "weather defects"), copies=count_at(DUPLICATE_RATE, rows))
