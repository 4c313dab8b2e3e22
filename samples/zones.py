"""Taxi zones on an invented map: the boroughs' names are real, everything inside them is not."""

from dataclasses import dataclass

import numpy as np

from samples.chance import Codes, Numbers, stream
from samples.defects import Rule, SpoiltSheet, count_at, spoil
from samples.sheet import Array, Sheet, plain, text

FILE = "taxi_zone_location_ids.csv"
ZONES = 265
UNKNOWN_ZONE, OUTSIDE_ZONE = 264, 265
NEWARK_ZONE, JFK_ZONE, LAGUARDIA_ZONE = 1, 132, 138
DUPLICATE_RATE = 0.004
RULES = (
    Rule("zone_name", "missing", 0.004),
    Rule("borough", "wrong_code", 0.004, "'Manhatan'"),
)
HOME, WORK, NIGHT, AIRPORT = 0, 1, 2, 3

# area: borough, zones in it, centre (miles east and north of the middle of town), spread in miles, weight of demand
AREAS = {
    "manhattan_below_60": ("Manhattan", 38, (0.0, 0.0), (0.7, 1.8), 1.0),
    "manhattan_60_96": ("Manhattan", 11, (1.0, 3.2), (0.6, 0.6), 0.9),
    "manhattan_other": ("Manhattan", 20, (1.4, 6.4), (0.6, 1.6), 0.12),
    "queens_ex_airports": ("Queens", 67, (7.0, 0.5), (2.8, 2.4), 0.025),
    "brooklyn": ("Brooklyn", 61, (2.2, -5.2), (2.0, 2.2), 0.04),
    "bronx": ("Bronx", 43, (3.8, 9.8), (1.8, 1.8), 0.008),
    "staten_island": ("Staten Island", 20, (-6.5, -9.5), (2.2, 2.0), 0.001),
}
SPECIAL = {
    NEWARK_ZONE: ("Westmarsh Airfield", "EWR", "newark", (-10.5, -2.0), 0.02),
    JFK_ZONE: ("Saltmeadow Airfield", "Queens", "airports", (11.0, -6.0), 2.6),
    LAGUARDIA_ZONE: ("Northbay Airfield", "Queens", "airports", (6.0, 3.0), 2.6),
    UNKNOWN_ZONE: ("Unknown", "Unknown", "unknown", (0.5, 1.0), 0.5),
    OUTSIDE_ZONE: ("Outside the City", "Unknown", "unknown", (4.0, 4.0), 0.05),
}
FIRST_WORDS = [
    "Alder",
    "Amber",
    "Beacon",
    "Birch",
    "Brook",
    "Cedar",
    "Chandler",
    "Clover",
    "Copper",
    "Drover",
    "Elm",
    "Falcon",
    "Ferry",
    "Garnet",
    "Glass",
    "Harrow",
    "Heron",
    "Hollow",
    "Ivory",
    "Juniper",
]
SECOND_WORDS = [
    "Hill",
    "Quay",
    "Yard",
    "Park",
    "Gate",
    "Row",
    "Green",
    "Mills",
    "Point",
    "Square",
    "Cross",
    "Field",
    "Landing",
    "Terrace",
    "Wharf",
    "Meadow",
]


@dataclass(frozen=True)
class Zones:
    """The zones in the order of their numbers, 1 first; places in miles from the middle of town."""

    names: Array
    boroughs: Array
    areas: Array
    kinds: Codes
    east_miles: Numbers
    north_miles: Numbers
    demand: Numbers

    def street_miles(self) -> Numbers:
        """Driving distance between every two zones; within a zone a short hop."""
        east = np.abs(self.east_miles[:, None] - self.east_miles[None, :])
        north = np.abs(self.north_miles[:, None] - self.north_miles[None, :])
        return np.maximum(0.8 * (east + north) + 0.25 * np.hypot(east, north), 0.7)


def zones(seed: int) -> Zones:
    """The map for a seed."""
    chance = stream(seed, "zones")
    numbers = np.setdiff1d(np.arange(1, ZONES + 1), list(SPECIAL))
    area_of = chance.permutation(np.repeat(np.arange(len(AREAS)), [area[1] for area in AREAS.values()]))
    pairs = chance.permutation(len(FIRST_WORDS) * len(SECOND_WORDS))[: len(numbers)]
    first, second = np.divmod(pairs, len(SECOND_WORDS))
    names = np.full(ZONES, "", dtype="U40")
    boroughs, areas = names.copy(), names.copy()
    kinds = np.full(ZONES, HOME)
    centre, demand = np.zeros((ZONES, 2)), np.zeros(ZONES)
    at = numbers - 1
    names[at] = [f"{FIRST_WORDS[one]} {SECOND_WORDS[two]}" for one, two in zip(first, second, strict=True)]
    boroughs[at] = np.array([area[0] for area in AREAS.values()])[area_of]
    areas[at] = np.array(list(AREAS))[area_of]
    middle = np.array([area[2] for area in AREAS.values()])[area_of]
    spread = np.array([area[3] for area in AREAS.values()])[area_of]
    centre[at] = middle + spread * chance.uniform(-1, 1, (len(at), 2))
    demand[at] = np.array([area[4] for area in AREAS.values()])[area_of] * chance.lognormal(0, 0.5, len(at))
    is_core = np.isin(area_of, [0, 1])
    kinds[at] = np.where(is_core, chance.choice([HOME, WORK, NIGHT], len(at), p=[0.3, 0.5, 0.2]), HOME)
    for number, (name, borough, area, place, weight) in SPECIAL.items():
        names[number - 1], boroughs[number - 1], areas[number - 1] = name, borough, area
        centre[number - 1], demand[number - 1] = place, weight
        kinds[number - 1] = AIRPORT if number < UNKNOWN_ZONE else HOME
    return Zones(names, boroughs, areas, kinds, centre[:, 0], centre[:, 1], demand)


def zone_sheet(known: Zones, seed: int) -> SpoiltSheet:
    """The file of the zones, with its defects; it has no header."""
    sheet = Sheet(
        {
            "zone_id": plain(np.arange(1, ZONES + 1)),
            "zone_name": text(known.names),
            "borough": text(known.boroughs),
            "area": text(known.areas),
        }
    )
    return spoil(sheet, RULES, stream(seed, "zone defects"), copies=count_at(DUPLICATE_RATE, ZONES))
