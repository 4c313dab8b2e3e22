"""The register of hire bases: invented firms, most without a trade name."""

import numpy as np

from samples.chance import stream
from samples.defects import Rule, SpoiltSheet, count_at, spoil
from samples.sheet import Column, Sheet, numbered, text

FILE = "fhv_bases.csv"
HEADER = ("base_number", "base_name", "dba", "dba_category")
FIRMS = 1_000
DUPLICATE_RATE = 0.005
RULES = (
    Rule("base_name", "missing", 0.005),
    Rule("base_number", "bad_format", 0.004, "replace(clean, 'B0', 'B-0')"),
    Rule("dba_category", "wrong_code", 0.004, "'oter'"),
)
FIRST_WORDS = [
    "AMBERLINE",
    "BLUEPORT",
    "BRIGHTWAY",
    "CITYLARK",
    "COPPERGATE",
    "DAYSTAR",
    "EASTWIND",
    "FAIRLANE",
    "FOXGLOVE",
    "GRANDVALE",
    "HARBORLIGHT",
    "IRONBRIDGE",
    "JETSTREAM",
    "KESTREL",
    "LAKESIDE",
    "MOONRISE",
    "NORTHFOLD",
    "OAKMONT",
    "PEARLROAD",
    "QUICKSILVER",
    "RIVERBEND",
    "SILVERFERN",
    "TIDEWATER",
    "UPTOWN",
    "VALLEYVIEW",
    "WESTERLY",
]
SECOND_WORDS = [
    "CAR SERVICE",
    "LIMOUSINE",
    "TRANSPORTATION",
    "TRANSIT",
    "RADIO CARS",
    "LUXURY CARS",
    "LIVERY",
    "DISPATCH",
    "MOBILITY",
    "EXPRESS",
]
FORMS = ("INC", "CORP", "LLC", "L.L.C.", "LTD", "CO")
# groups of trade names as published, with their shares in a thousand
CATEGORIES = {"other": 985, "uber": 8, "juno": 4, "via": 2, "lyft": 1}


def base_sheet(seed: int) -> SpoiltSheet:
    """The file of the bases, with its defects."""
    chance = stream(seed, "bases")
    number = np.cumsum(chance.integers(1, 5, FIRMS))
    pick = chance.permutation(len(FIRST_WORDS) * len(SECOND_WORDS) * len(FORMS))[:FIRMS]
    first, rest = np.divmod(pick, len(SECOND_WORDS) * len(FORMS))
    second, form = np.divmod(rest, len(FORMS))
    trade = np.where(chance.random(FIRMS) < 0.2, chance.integers(0, len(FIRST_WORDS), FIRMS), -1)
    category = np.repeat(list(CATEGORIES), list(CATEGORIES.values()))[chance.integers(0, 1000, FIRMS)]
    words = (np.array(FIRST_WORDS), np.array(SECOND_WORDS), np.array(FORMS))
    sheet = Sheet(
        {
            "base_number": numbered("B", number, 5),
            "base_name": Column((words[0][first], words[1][second], words[2][form]), "concat_ws(' ', {0}, {1}, {2})"),
            "dba": Column((words[0][trade], trade), "case when {1} >= 0 then {0} || ' RIDES' end"),
            "dba_category": text(category),
        }
    )
    return spoil(sheet, RULES, stream(seed, "base defects"), copies=count_at(DUPLICATE_RATE, FIRMS))
