"""Invented residents: ages, schooling and work that fit together, and numbers that no living person can have.

Identity numbers begin with 4499, a division that was never set up, and phone numbers with 1099, which no network
was given; both are otherwise well formed, the identity numbers with a right check digit.
"""

from dataclasses import dataclass

import numpy as np

from samples.chance import Codes, quantile_table, stream
from samples.defects import Rule, SpoiltSheet, originals, spoil
from samples.sheet import Array, Column, Sheet, dates, plain, text

FILE = "residents_2018.csv"
ENCODING = "gb18030"
HEADER = (
    "id_number",
    "name",
    "sex",
    "birth_date",
    "phone",
    "address",
    "district_code",
    "education",
    "occupation",
    "household_size",
    "registered_on",
)
RESIDENTS = 20_000
REGISTER_DAY = np.datetime64("2018-06-30")
DUPLICATE_RATE = 0.003
NEVER_ASSIGNED_DIVISION, NEVER_ASSIGNED_PHONES = 449900, "1099"
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
RULES = (
    Rule(
        "id_number", "wrong_code", 0.003, "left(clean, 17) || translate(right(clean, 1), '0123456789X', '123456789X0')"
    ),
    Rule("phone", "missing", 0.005),
    Rule("birth_date", "bad_format", 0.004, "strftime(clean::date, '%d.%m.%Y')"),
    Rule("district_code", "broken_reference", 0.003, "'440399'"),
    Rule("education", "wrong_code", 0.003, "'9'"),
    Rule("household_size", "out_of_range", 0.003, "'-' || clean"),
    Rule("occupation", "missing", 0.004),
)
DISTRICTS = np.arange(440303, 440312)
DISTRICT_SHARES = (0.08, 0.12, 0.13, 0.24, 0.18, 0.02, 0.13, 0.04, 0.06)
# how much older or younger than the city each district is, in years
DISTRICT_AGES = np.array([5, 4, 1, -2, -1, 3, -3, 0, -2])
SURNAMES = list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
GIVEN_M = list("伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林")
GIVEN_F = list("芳娜敏静丽艳娟霞秀燕玲桂英慧洁梅琳雪倩颖红玉萍婷蕾欣怡佳蓉莹")
ROADS = [
    "青松",
    "云杉",
    "听涛",
    "望海",
    "榕荫",
    "荔香",
    "紫荆",
    "凤鸣",
    "鹤翔",
    "锦绣",
    "朝晖",
    "晴岚",
    "竹溪",
    "桂雨",
    "石桥",
    "金穗",
]
DISTRICT_NAMES = ["罗湖", "福田", "南山", "宝安", "龙岗", "盐田", "龙华", "坪山", "光明"]
# from age: shares of the levels of education 1 to 7
EDUCATION = {
    0: (1, 0, 0, 0, 0, 0, 0),
    6: (0, 1, 0, 0, 0, 0, 0),
    12: (0, 0.1, 0.9, 0, 0, 0, 0),
    15: (0, 0, 0.25, 0.75, 0, 0, 0),
    19: (0, 0.01, 0.2, 0.32, 0.22, 0.23, 0.02),
    30: (0.01, 0.04, 0.29, 0.26, 0.18, 0.17, 0.05),
    50: (0.04, 0.2, 0.4, 0.2, 0.09, 0.06, 0.01),
    65: (0.15, 0.4, 0.25, 0.12, 0.05, 0.03, 0),
}
# by level of education: shares of the occupations 1 to 8 at working age
OCCUPATIONS = (
    (0, 0, 0.01, 0.2, 0.2, 0.3, 0, 0.29),
    (0, 0.01, 0.03, 0.25, 0.08, 0.42, 0, 0.21),
    (0.01, 0.03, 0.06, 0.32, 0.03, 0.42, 0, 0.13),
    (0.03, 0.09, 0.15, 0.34, 0.01, 0.28, 0, 0.1),
    (0.06, 0.24, 0.25, 0.27, 0, 0.1, 0, 0.08),
    (0.1, 0.42, 0.2, 0.18, 0, 0.04, 0, 0.06),
    (0.15, 0.62, 0.08, 0.1, 0, 0.01, 0, 0.04),
)
OUTCOMES = 2000


@dataclass(frozen=True)
class Residents:
    """The people other sources speak about; `id_body` is the number without its check digit."""

    id_body: Codes
    check_digit: Array
    age_years: Codes
    is_male: Array
    district_at: Codes
    born: Array

    def id_numbers(self, rows: Array) -> Column:
        """The identity numbers of the people at `rows`."""
        return Column((self.id_body[rows], self.check_digit[rows]), "{0}::varchar || {1}", quoted=True)


def residents(count: int, seed: int) -> Residents:
    """Who lives in the city."""
    chance = stream(seed, "residents")
    district = np.repeat(np.arange(9), chance.multinomial(count, DISTRICT_SHARES))
    chance.shuffle(district)
    grown = chance.normal(34, 13, count) + DISTRICT_AGES[district]
    child = chance.uniform(0, 18, count)
    days = (np.clip(np.where(chance.random(count) < 0.17, child, np.abs(grown)), 0, 99) * 365.25).astype(np.int64)
    is_male = chance.random(count) < 0.53
    born = REGISTER_DAY - days
    body = _id_bodies(district, born, is_male)
    return Residents(body, check_digits(body), days * 4 // 1461, is_male, district, born)


def check_digits(bodies: Codes) -> Array:
    """The last character of identity numbers by the national rule (weights and remainders modulo 11)."""
    total = np.zeros(len(bodies), dtype=np.int64)
    for position, weight in enumerate(reversed(CHECK_WEIGHTS)):
        total += weight * (bodies // 10**position % 10)
    return np.array(list(CHECK_DIGITS))[total % 11]


def check_digit_expression(body: str) -> str:
    """The same rule as SQL over a text of 17 digits."""
    parts = (f"{weight} * substr({body}, {place}, 1)::integer" for place, weight in enumerate(CHECK_WEIGHTS, start=1))
    return f"substr('{CHECK_DIGITS}', ({' + '.join(parts)}) % 11 + 1, 1)"


def _id_bodies(district: Codes, born: Array, is_male: Array) -> Codes:
    """Division, day of birth, and a serial that is odd for men; people who share all three get the next serial."""
    month = born.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    day = (born - month.astype("datetime64[D]")).astype(np.int64) + 1
    written = year * 10_000 + (month.astype(np.int64) % 12 + 1) * 100 + day
    group = ((NEVER_ASSIGNED_DIVISION + 3 + district) * 10**8 + written) * 2 + is_male
    order = np.argsort(group, kind="stable")
    is_first = np.r_[True, np.diff(group[order]) != 0]
    starts = np.maximum.accumulate(np.where(is_first, np.arange(len(group)), 0))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - starts
    serial = (rank + group % 499) % 500 * 2 + is_male
    bodies: Codes = group // 2 * 1000 + serial
    return bodies


def resident_sheet(known: Residents, rows: int, seed: int) -> SpoiltSheet:
    """The register with its defects; `rows` counts the copies too."""
    chance = stream(seed, "register")
    count = len(known.id_body)
    education = _education(known.age_years, chance)
    sheet = Sheet(
        {
            "id_number": known.id_numbers(np.arange(count)),
            "name": _names(known.is_male, chance),
            "sex": text(np.where(known.is_male, "M", "F")),
            "birth_date": dates(known.born),
            "phone": _phones(count, chance),
            "address": _addresses(known.district_at, chance),
            "district_code": plain(DISTRICTS[known.district_at]),
            "education": plain(education),
            "occupation": plain(_occupations(known.age_years, education, chance)),
            "household_size": plain(
                np.repeat([1, 2, 3, 4, 5, 6], [18, 24, 28, 18, 8, 4])[chance.integers(0, 100, count)]
            ),
            "registered_on": dates(_registered(known.born, chance)),
        }
    )
    return spoil(sheet, RULES, stream(seed, "register defects"), copies=rows - count)


def distinct_residents(rows: int) -> int:
    """How many people a register of `rows` records lists."""
    return originals(rows, DUPLICATE_RATE)


def _names(is_male: Array, chance: np.random.Generator) -> Column:
    count = len(is_male)
    surname = np.array(SURNAMES)[(len(SURNAMES) * chance.random(count) ** 1.7).astype(np.int64)]
    given = np.where(
        is_male[:, None], *(np.array(pool)[chance.integers(0, len(pool), (count, 2))] for pool in (GIVEN_M, GIVEN_F))
    )
    is_single = chance.random(count) < 0.25
    spelling = "{0} || {1} || case when {3} then '' else {2} end"
    return Column((surname, given[:, 0].copy(), given[:, 1].copy(), is_single), spelling, quoted=True)


def _phones(count: int, chance: np.random.Generator) -> Column:
    numbers = chance.integers(0, 10**7, count)
    return Column((numbers,), f"printf('{NEVER_ASSIGNED_PHONES}%07d', {{0}})", quoted=True)


def _addresses(district: Codes, chance: np.random.Generator) -> Column:
    count = len(district)
    road = np.array(ROADS)[chance.integers(0, len(ROADS), count)]
    house, block, flat = (chance.integers(1, top, count) for top in (200, 30, 25))
    spelling = "{0} || '区' || {1} || '路' || {2} || '号' || {3} || '栋' || {4} || '01室'"
    return Column((np.array(DISTRICT_NAMES)[district], road, house, block, flat), spelling, quoted=True)


def _education(age: Codes, chance: np.random.Generator) -> Codes:
    table = quantile_table(np.array(list(EDUCATION.values()), dtype=np.float64), OUTCOMES)
    band = np.searchsorted(list(EDUCATION), age, side="right") - 1
    return table[band, chance.integers(0, OUTCOMES, len(age))].astype(np.int64) + 1


def _occupations(age: Codes, education: Codes, chance: np.random.Generator) -> Codes:
    """Children and the young at school are students, the old have left work."""
    table = quantile_table(np.array(OCCUPATIONS, dtype=np.float64), OUTCOMES)
    working = table[education - 1, chance.integers(0, OUTCOMES, len(age))].astype(np.int64) + 1
    is_student = (age >= 6) & ((age < 18) | ((age < 23) & (education >= 5)))
    return np.where(is_student, 7, np.where((age < 6) | (age >= 62), 8, working))


def _registered(born: Array, chance: np.random.Generator) -> Array:
    """A month after birth at the earliest, and never after the register was drawn up."""
    earliest = np.maximum(born + 30, np.datetime64("1998-01-01"))
    span = np.maximum((REGISTER_DAY - earliest).astype(np.int64), 0)
    registered: Array = np.minimum(earliest + (span * chance.random(len(born)) ** 0.7).astype(np.int64), REGISTER_DAY)
    return registered
