"""Hourly air of twelve stations over one year: dirty in winter and in still air, dirtier in town than in the hills."""

from dataclasses import dataclass

import numpy as np

from samples.chance import Numbers, smooth_noise, stream
from samples.defects import Rule, SpoiltSheet, count_at, spoil
from samples.sheet import Array, Column, Sheet, constant, plain, text

HEADER = (
    "No",
    "year",
    "month",
    "day",
    "hour",
    "PM2.5",
    "PM10",
    "SO2",
    "NO2",
    "CO",
    "O3",
    "TEMP",
    "PRES",
    "DEWP",
    "RAIN",
    "wd",
    "WSPM",
    "station",
    "lat",
    "long",
)
NUMBERED_FROM = np.datetime64("2013-03-01T00")
FIRST_HOUR, AFTER_LAST_HOUR = np.datetime64("2016-01-01T00"), np.datetime64("2017-01-01T00")
# station: dirt against the city's mean, height in metres, invented place
STATIONS = {
    "Aotizhongxin": (1.04, 45, 39.98, 116.40),
    "Changping": (0.88, 80, 40.22, 116.23),
    "Dingling": (0.78, 120, 40.29, 116.22),
    "Dongsi": (1.12, 44, 39.93, 116.42),
    "Guanyuan": (1.08, 46, 39.93, 116.34),
    "Gucheng": (1.05, 70, 39.91, 116.18),
    "Huairou": (0.80, 90, 40.33, 116.63),
    "Nongzhanguan": (1.10, 40, 39.94, 116.46),
    "Shunyi": (0.97, 35, 40.13, 116.66),
    "Tiantan": (1.06, 42, 39.89, 116.41),
    "Wanliu": (1.09, 50, 39.97, 116.29),
    "Wanshouxigong": (1.11, 43, 39.88, 116.35),
}
COMPASS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
DUPLICATE_RATE = 0.002
NOT_MEASURED = "'NA'"
RULES = (
    *(
        Rule(column, "missing", rate, NOT_MEASURED)
        for column, rate in (
            ("pm2_5", 0.01),
            ("pm10", 0.008),
            ("so2", 0.01),
            ("no2", 0.01),
            ("co", 0.01),
            ("o3", 0.01),
            ("temperature", 0.002),
            ("wind_direction", 0.004),
        )
    ),
    Rule("pm2_5", "out_of_range", 0.003, "'-' || (1 + clean::integer)"),
    Rule("temperature", "out_of_range", 0.002, "'999.9'"),
    Rule("wind_direction", "wrong_code", 0.003, "'XX'"),
    Rule("pressure", "bad_format", 0.003, "replace(clean, '.', ',') || ' hPa'"),
)


@dataclass(frozen=True)
class Sky:
    """What all stations share, hour by hour; `stillness` has mean 0 and standard deviation 1."""

    hours: Array
    temperature_c: Numbers
    pressure_hpa: Numbers
    humidity_gap_c: Numbers
    rain_mm: Numbers
    wind_mps: Numbers
    wind_from: Numbers
    stillness: Numbers
    winter: Numbers


def air_file(station: str) -> str:
    """The name of a station's file; the span in it is the provider's, not the one of the rows."""
    return f"PRSA_Data_{station}_20130301-20170228.csv.gz"


def sky(seed: int) -> Sky:
    """The weather over all stations for a seed."""
    chance = stream(seed, "sky")
    hours = np.arange(FIRST_HOUR, AFTER_LAST_HOUR)
    count = len(hours)
    winter = np.cos(2 * np.pi * (np.arange(count) / 24 - 18) / 366)
    daytime = np.cos(2 * np.pi * (np.arange(count) % 24 - 15) / 24)
    stillness = smooth_noise(chance, count, 0.985)
    temperature = 13 - 15 * winter + 4.5 * daytime + 3 * smooth_noise(chance, count, 0.98)
    pressure = 1012 + 11 * winter - 4 * smooth_noise(chance, count, 0.99)
    gap = np.clip(11 + 4 * winter + 3 * daytime - 4 * stillness, 0.5, None)
    is_wet = smooth_noise(chance, count, 0.8) + 0.8 * -winter > 2.3
    rain = np.where(is_wet, chance.exponential(1.6, count), 0)
    wind = np.clip(1.8 + 0.6 * daytime - 0.8 * stillness + 0.5 * chance.standard_normal(count), 0, None)
    turning = 4 * smooth_noise(chance, count, 0.9) + 2 * winter
    return Sky(hours, temperature, pressure, gap, rain, wind, turning, stillness, winter)


def air_sheet(known: Sky, station: str, seed: int) -> SpoiltSheet:
    """The file of one station, with its defects."""
    number = list(STATIONS).index(station)
    chance = stream(seed, "air", number)
    sheet = Sheet(_time_columns(known) | _air_columns(known, station, chance))
    copies = count_at(DUPLICATE_RATE, sheet.rows)
    return spoil(sheet, RULES, stream(seed, "air defects", number), copies=copies)


def _time_columns(known: Sky) -> dict[str, Column]:
    day = known.hours.astype("datetime64[D]")
    month = known.hours.astype("datetime64[M]")
    return {
        "row_number": plain((known.hours - NUMBERED_FROM).astype(np.int64) + 1),
        "year": plain(month.astype("datetime64[Y]").astype(np.int64) + 1970),
        "month": plain(month.astype(np.int64) % 12 + 1),
        "day": plain((day - month.astype("datetime64[D]")).astype(np.int64) + 1),
        "hour": plain((known.hours - day.astype("datetime64[h]")).astype(np.int64)),
    }


def _air_columns(known: Sky, station: str, chance: np.random.Generator) -> dict[str, Column]:
    dirt, height_m, latitude, longitude = STATIONS[station]
    count = len(known.hours)
    own = smooth_noise(chance, count, 0.9)
    rush = np.cos(2 * np.pi * (np.arange(count) % 12 - 8) / 12)
    sunny = np.clip(known.temperature_c / 30, 0, None) * (
        1 + 0.7 * np.cos(2 * np.pi * (np.arange(count) % 24 - 15) / 24)
    )
    level = 0.85 * known.stillness + 0.35 * known.winter + 0.2 * own - 0.25 * (known.rain_mm > 0)
    fine = np.clip(52 * dirt * np.exp(level), 3, 900)
    coarse = np.clip(fine * (1.15 + chance.gamma(2, 0.12, count)) + 4, fine, 990)
    temperature = known.temperature_c - height_m * 0.0065 + 0.4 * own
    wind = np.clip(known.wind_mps + 0.3 * own, 0, None)
    return {
        "pm2_5": plain(np.rint(fine).astype(np.int64)),
        "pm10": plain(np.rint(coarse).astype(np.int64)),
        "so2": plain(np.rint(np.clip(10 * dirt * np.exp(0.6 * level + 0.7 * known.winter), 2, 400)).astype(np.int64)),
        "no2": plain(np.rint(np.clip(45 * dirt * np.exp(0.45 * level) * (1 + 0.2 * rush), 2, 280)).astype(np.int64)),
        "co": plain((np.clip(np.rint(9 * dirt * np.exp(0.8 * level)), 1, 100) * 100).astype(np.int64)),
        "o3": plain(np.rint(np.clip(90 * sunny - 12 * known.stillness + 8 * own, 2, 400)).astype(np.int64)),
        "temperature": _tenths(temperature),
        "pressure": _tenths(known.pressure_hpa - height_m * 0.11),
        "dew_point": _tenths(temperature - known.humidity_gap_c),
        "rain": _tenths(known.rain_mm),
        "wind_direction": text(np.array(COMPASS)[np.rint(known.wind_from + own).astype(np.int64) % len(COMPASS)]),
        "wind_speed": _tenths(wind),
        "station": constant(station, count),
        "latitude": plain(np.full(count, latitude)),
        "longitude": plain(np.full(count, longitude)),
    }


def _tenths(values: Numbers) -> Column:
    """One digit after the point; adding zero turns a rounded -0.0 into 0.0."""
    return plain(np.round(values, 1) + 0.0)
