"""A subway timetable as a GTFS feed: eight lines over twenty stations, nights that run past 24 o'clock."""

from dataclasses import dataclass

import numpy as np

from samples.chance import Codes, Numbers, stream
from samples.defects import Rule, SpoiltSheet, count_at, spoil
from samples.sheet import Array, Column, Sheet, constant, dates, decimals, plain, text

FILE = "nyc_subway.zip"
HEADERS = {
    "stops": "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_desc,route_type,route_url,route_color,"
    "route_text_color",
    "trips": "route_id,service_id,trip_id,trip_headsign,direction_id,shape_id",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
    "calendar_dates": "service_id,date,exception_type",
    "agency": "agency_id,agency_name,agency_url,agency_timezone,agency_lang,agency_phone",
    "shapes": "shape_id,shape_pt_lon,shape_pt_lat,shape_pt_sequence,shape_dist_traveled",
}
STOP_TIME_DUPLICATE_RATE = 0.002
RULES = {
    "stops": (Rule("stop_lat", "out_of_range", 0.01, "'0.000000'"), Rule("stop_name", "missing", 0.01)),
    "trips": (Rule("trip_headsign", "missing", 0.005), Rule("service_id", "broken_reference", 0.003, "'Holiday'")),
    "stop_times": (
        Rule("stop_id", "broken_reference", 0.002, "'X99'"),
        Rule("arrival_time", "missing", 0.003),
        Rule("departure_time", "bad_format", 0.003, "replace(clean, ':', 'h')"),
        Rule("stop_sequence", "out_of_range", 0.002, "'-' || clean"),
        Rule("pickup_type", "wrong_code", 0.002, "'7'"),
    ),
}
STATION_NAMES = [
    "Anchor Street",
    "Bell Tower",
    "Canal Bridge",
    "Dyers Lane",
    "East Orchard",
    "Foundry",
    "Granary",
    "Harbour Steps",
    "Island View",
    "Junction Place",
    "Kiln Road",
    "Lantern Square",
    "Mill Pond",
    "North Arcade",
    "Old Customs",
    "Printers Row",
    "Quarry Hill",
    "Ropewalk",
    "South Lock",
    "Tannery",
]
LINES = ("1", "2", "3", "A", "B", "C", "L", "S")
COLOURS = ("EE352E", "00933C", "B933AD", "2850AD", "FF6319", "2850AD", "A7A9AC", "6D6E71")
SERVICES = ("Weekday", "Saturday", "Sunday")
RUNS_ON = {"Weekday": (1, 1, 1, 1, 1, 0, 0), "Saturday": (0, 0, 0, 0, 0, 1, 0), "Sunday": (0, 0, 0, 0, 0, 0, 1)}
TRIPS = 600
# the rounds of trips that run on working days, on Saturdays and on Sundays
ROUNDS = (20, 9, 9)
FIRST_DAY, LAST_DAY = np.datetime64("2018-07-01"), np.datetime64("2019-06-30")
HOLIDAYS = np.array(["2018-09-03", "2018-11-22", "2018-12-25", "2019-01-01", "2019-05-27"], dtype="datetime64[D]")
FIRST_TRAIN_SECONDS, LAST_TRAIN_SECONDS = 5 * 3600, 25 * 3600 + 1800


@dataclass(frozen=True)
class Network:
    """Stations on the map, and for each line (rows) the stations it serves, padded with -1."""

    latitudes: Numbers
    longitudes: Numbers
    served: Codes


def timetable_sheets(seed: int) -> dict[str, SpoiltSheet]:
    """Every table of the feed by its name, with its defects."""
    network = _network(stream(seed, "subway"))
    trips = _trips()
    sheets = {
        "stops": _stops(network),
        "routes": _routes(network),
        "trips": _trip_table(trips, network),
        "stop_times": _stop_times(trips, network, stream(seed, "subway times")),
        "calendar": _calendar(),
        "calendar_dates": _calendar_dates(),
        "agency": _agency(),
        "shapes": _shapes(network),
    }
    copies = {"stop_times": count_at(STOP_TIME_DUPLICATE_RATE, sheets["stop_times"].rows)}
    return {
        table: spoil(sheet, RULES.get(table, ()), stream(seed, f"subway defects {table}"), copies=copies.get(table, 0))
        for table, sheet in sheets.items()
    }


def _network(chance: np.random.Generator) -> Network:
    stations = len(STATION_NAMES)
    latitudes = 40.60 + 0.27 * chance.random(stations)
    longitudes = -74.02 + 0.22 * chance.random(stations)
    served = np.full((len(LINES), 12), -1)
    for line in range(len(LINES)):
        length = int(chance.integers(7, 12))
        heading = chance.uniform(0, np.pi)
        chosen = chance.permutation(stations)[:length]
        along = np.cos(heading) * longitudes[chosen] + np.sin(heading) * latitudes[chosen]
        served[line, :length] = chosen[np.argsort(along)]
    return Network(latitudes, longitudes, served)


def _trips() -> dict[str, Array]:
    """Trips in rounds, one round being each line in each direction; rounds spread over the day of their service."""
    at = np.arange(TRIPS)
    turn, within = np.divmod(at, 2 * len(LINES))
    service = np.repeat(np.arange(len(SERVICES)), ROUNDS)[turn]
    position = turn - np.r_[0, np.cumsum(ROUNDS)][service]
    share = position / (np.array(ROUNDS)[service] - 1)
    start = FIRST_TRAIN_SECONDS + share * (LAST_TRAIN_SECONDS - FIRST_TRAIN_SECONDS) + 120 * (within // 2)
    return {
        "line": within // 2,
        "direction": within % 2,
        "service": service,
        "start_seconds": (start // 30 * 30).astype(np.int64),
    }


def _trip_ids(trips: dict[str, Array], rows: Array) -> Column:
    """Service, start in hundredths of a minute, line and direction, as operators build such ids."""
    parts = (
        np.array(SERVICES)[trips["service"][rows]],
        trips["start_seconds"][rows] * 100 // 60,
        np.array(LINES)[trips["line"][rows]],
        np.array(["N", "S"])[trips["direction"][rows]],
    )
    return Column(parts, "{0} || printf('_%06d_', {1}) || {2} || '..' || {3}", quoted=True)


def _stops(network: Network) -> Sheet:
    """Each station, followed by its two platforms."""
    station = np.repeat(np.arange(len(STATION_NAMES)), 3)
    suffix = np.tile(["", "N", "S"], len(STATION_NAMES))
    return Sheet(
        {
            "stop_id": Column((station + 101, suffix), "{0}::varchar || {1}"),
            "stop_name": text(np.array(STATION_NAMES)[station]),
            "stop_lat": decimals(network.latitudes[station], 6),
            "stop_lon": decimals(network.longitudes[station], 6),
            "location_type": plain((suffix == "").astype(np.int64)),
            "parent_station": Column((station + 101, suffix), "case when {1} = '' then '' else {0}::varchar end"),
        }
    )


def _ends(network: Network) -> tuple[Array, Array]:
    """Names of the first and last station of every line."""
    lengths = (network.served >= 0).sum(axis=1)
    names = np.array(STATION_NAMES)
    return names[network.served[:, 0]], names[network.served[np.arange(len(LINES)), lengths - 1]]


def _routes(network: Network) -> Sheet:
    first, last = _ends(network)
    lines = np.array(LINES)
    return Sheet(
        {
            "route_id": text(lines),
            "agency_id": constant("CITY", len(lines)),
            "route_short_name": text(lines),
            "route_long_name": Column((first, last), "{0} || ' - ' || {1} || ' Local'"),
            "route_desc": Column((first, last), "'Trains run between ' || {0} || ' and ' || {1} || ', all stops'"),
            "route_type": plain(np.ones(len(lines), dtype=np.int64)),
            "route_url": Column((lines,), "'http://subway.example/lines/' || {0}"),
            "route_color": text(np.array(COLOURS)),
            "route_text_color": constant("", len(lines)),
        }
    )


def _trip_table(trips: dict[str, Array], network: Network) -> Sheet:
    first, last = _ends(network)
    line, direction = np.array(LINES)[trips["line"]], np.array(["N", "S"])[trips["direction"]]
    return Sheet(
        {
            "route_id": text(line),
            "service_id": text(np.array(SERVICES)[trips["service"]]),
            "trip_id": _trip_ids(trips, np.arange(TRIPS)),
            "trip_headsign": text(np.where(trips["direction"] == 0, last[trips["line"]], first[trips["line"]])),
            "direction_id": plain(trips["direction"]),
            "shape_id": Column((line, direction), "{0} || '..' || {1} || '01R'"),
        }
    )


def _stop_times(trips: dict[str, Array], network: Network, chance: np.random.Generator) -> Sheet:
    """Every trip along its line, southbound in reverse; half a minute to four minutes between stations."""
    along = network.served[trips["line"]]
    is_served = along >= 0
    lengths = is_served.sum(axis=1)
    trip, step = np.nonzero(is_served)
    is_back = trips["direction"][trip] == 1
    station = along[trip, np.where(is_back, lengths[trip] - 1 - step, step)]
    minutes = 30 * chance.integers(3, 9, (len(LINES), along.shape[1]))
    minutes[:, 0] = 0
    arrival = trips["start_seconds"][trip] + np.cumsum(minutes, axis=1)[trips["line"][trip], step]
    departure = arrival + np.where((step > 0) & (step < lengths[trip] - 1), 30, 0)
    return Sheet(
        {
            "trip_id": _trip_ids(trips, trip),
            "arrival_time": _clock(arrival),
            "departure_time": _clock(departure),
            "stop_id": Column((station + 101, np.where(is_back, "S", "N")), "{0}::varchar || {1}"),
            "stop_sequence": plain(step + 1),
            "pickup_type": plain(np.zeros(len(trip), dtype=np.int64)),
            "drop_off_type": plain(np.zeros(len(trip), dtype=np.int64)),
        }
    )


def _clock(seconds: Codes) -> Column:
    """hh:mm:ss of the service day; hours go on after 23."""
    return Column((seconds,), "printf('%02d:%02d:%02d', {0} // 3600, {0} // 60 % 60, {0} % 60)", quoted=True)


def _calendar() -> Sheet:
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    runs = np.array([RUNS_ON[service] for service in SERVICES])
    count = len(SERVICES)
    return Sheet(
        {"service_id": text(np.array(SERVICES))}
        | {day: plain(runs[:, at]) for at, day in enumerate(days)}
        | {
            "start_date": dates(np.full(count, FIRST_DAY), "%Y%m%d"),
            "end_date": dates(np.full(count, LAST_DAY), "%Y%m%d"),
        }
    )


def _calendar_dates() -> Sheet:
    """Holidays on working days: the Sunday trains run (1), those of working days do not (2)."""
    return Sheet(
        {
            "service_id": text(np.tile(["Sunday", "Weekday"], len(HOLIDAYS))),
            "date": dates(np.repeat(HOLIDAYS, 2), "%Y%m%d"),
            "exception_type": plain(np.tile([1, 2], len(HOLIDAYS))),
        }
    )


def _agency() -> Sheet:
    words = ("CITY", "Sample City Subway", "http://subway.example", "America/New_York", "en", "")
    return Sheet({name: constant(word, 1) for name, word in zip(HEADERS["agency"].split(","), words, strict=True)})


def _shapes(network: Network) -> Sheet:
    """The way of every line in both directions, drawn from station to station."""
    is_served = network.served >= 0
    lengths = is_served.sum(axis=1)
    line, step = (np.concatenate([part, part]) for part in np.nonzero(is_served))
    is_back = np.arange(len(line)) >= len(line) // 2
    station = network.served[line, np.where(is_back, lengths[line] - 1 - step, step)]
    return Sheet(
        {
            "shape_id": Column((np.array(LINES)[line], np.where(is_back, "S", "N")), "{0} || '..' || {1} || '01R'"),
            "shape_pt_lon": decimals(network.longitudes[station], 6),
            "shape_pt_lat": decimals(network.latitudes[station], 6),
            "shape_pt_sequence": plain(step + 1),
            "shape_dist_traveled": plain(step * 800.0),
        }
    )
