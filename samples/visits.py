"""Visits to clinics: how often people fall ill, and of what, follows age, season and district."""

import numpy as np

from samples.chance import Codes, quantile_table, shares, stream
from samples.defects import Rule, SpoiltSheet, count_at, originals, spoil
from samples.people import DISTRICTS, Residents, check_digit_expression
from samples.sheet import Array, Column, Sheet, moments, numbered, text

KEYS = (
    "visit_id",
    "id_number",
    "visited_at",
    "clinic_code",
    "district_code",
    "diagnosis_code",
    "visit_kind",
    "cost_yuan",
    "insured",
)
FIRST_MONTH, MONTHS = np.datetime64("2018-07"), 12
VISITS = 60_000
DUPLICATE_RATE, LATE_RATE = 0.004, 0.004
STRANGER = "('449999' || substr(clean, 7, 11))"
RULES = (
    Rule("id_number", "broken_reference", 0.004, f"{STRANGER} || {check_digit_expression(STRANGER)}"),
    Rule("diagnosis_code", "missing", 0.005),
    Rule("diagnosis_code", "bad_format", 0.002, "lower(left(clean, 1)) || '-' || substr(clean, 2)"),
    Rule("visit_kind", "wrong_code", 0.003, "left(clean, 3)"),
    Rule("visited_at", "bad_format", 0.003, "strftime(clean::timestamp, '%d.%m.%Y %Hh%M')"),
    Rule("cost_yuan", "out_of_range", 0.003, "'-' || clean"),
    Rule("insured", "missing", 0.003),
)
CLINICS_A_DISTRICT = 10
# share of the year's visits by calendar month, January first: colds in winter, heat in late summer
MONTH_WEIGHTS = (1.25, 1.0, 1.1, 1.0, 0.95, 0.95, 0.95, 0.98, 0.92, 0.9, 1.0, 1.2)
# visits a year against the mean, from each age
VISIT_AGES, VISIT_WEIGHTS = (0, 6, 18, 40, 60, 75), np.array([2.2, 0.9, 0.6, 0.9, 1.9, 2.8])
# code: weights from ages 0, 6, 18, 40, 60 and 75, factor in winter, days of a clinic's care that it costs
DIAGNOSES = {
    "J06": ((30, 22, 12, 8, 6, 5), 1.9, 1.0),
    "J11": ((8, 8, 5, 4, 4, 5), 2.6, 1.3),
    "J18": ((6, 2, 1, 2, 4, 7), 1.7, 6.0),
    "J45": ((4, 5, 2, 2, 2, 2), 1.3, 1.8),
    "A09": ((10, 6, 5, 3, 3, 3), 0.6, 1.0),
    "B34": ((9, 5, 2, 1, 1, 1), 1.1, 0.9),
    "H10": ((4, 4, 3, 2, 2, 2), 0.8, 0.7),
    "L20": ((7, 4, 3, 2, 1, 1), 0.9, 0.9),
    "S93": ((1, 7, 5, 3, 2, 2), 0.8, 1.6),
    "K29": ((0, 2, 9, 8, 6, 5), 1.0, 1.4),
    "M54": ((0, 1, 9, 12, 9, 7), 1.0, 1.3),
    "F41": ((0, 1, 6, 5, 3, 2), 1.1, 1.7),
    "N39": ((1, 1, 5, 4, 4, 5), 0.9, 1.2),
    "O80": ((0, 0, 4, 0, 0, 0), 1.0, 14.0),
    "E78": ((0, 0, 2, 8, 9, 7), 1.0, 1.2),
    "E11": ((0, 0, 2, 10, 16, 16), 1.0, 1.6),
    "I10": ((0, 0, 3, 15, 24, 26), 1.2, 1.1),
    "I25": ((0, 0, 0, 3, 8, 12), 1.3, 4.0),
    "C34": ((0, 0, 0.1, 0.7, 1.6, 1.8), 1.0, 22.0),
    "R51": ((1, 3, 6, 5, 4, 3), 1.0, 0.8),
    "Z00": ((6, 3, 4, 3, 2, 1), 0.8, 0.6),
}
# districts with much industry see more injuries and bad backs; the outer ones more stomach trouble
DISTRICT_FACTORS = {"S93": (4, 8, 1.5), "M54": (3, 6, 1.3), "A09": (4, 7, 1.3), "F41": (1, 2, 1.5)}
KINDS = np.array(["outpatient", "emergency", "inpatient"])
KIND_COSTS = np.array([1.0, 2.2, 9.0])
OUTCOMES = 4096


def visit_file(month: np.datetime64) -> str:
    """The name of a month's file."""
    return f"clinic_visits_{month}.ndjson.gz"


def visits_by_month(total: int, seed: int) -> dict[np.datetime64, int]:
    """How many records each monthly file gets; together exactly `total`."""
    months = np.arange(FIRST_MONTH, FIRST_MONTH + MONTHS)
    weights = np.array(MONTH_WEIGHTS)[months.astype(np.int64) % 12]
    counts = stream(seed, "visits by month").multinomial(total, shares(weights))
    return dict(zip(months, counts.tolist(), strict=True))


def visit_sheet(people: Residents, month: np.datetime64, rows: int, seed: int) -> SpoiltSheet:
    """One month of visits, with its defects; `rows` counts the copies too."""
    number = int((month - FIRST_MONTH).astype(int))
    chance = stream(seed, "visits", number)
    distinct = originals(rows, DUPLICATE_RATE)
    band = np.searchsorted(VISIT_AGES, people.age_years, side="right") - 1
    per_person = chance.multinomial(distinct, shares(VISIT_WEIGHTS[band]))
    patient = chance.permutation(np.repeat(np.arange(len(per_person)), per_person))
    diagnosis = _diagnoses(band[patient], people.district_at[patient], month, chance)
    codes = list(DIAGNOSES)
    gives_birth = diagnosis == codes.index("O80")
    diagnosis = np.where(gives_birth & people.is_male[patient], codes.index("Z00"), diagnosis)
    kind = _kinds(band[patient], diagnosis, chance)
    moment = _moments(month, kind, chance)
    late = np.sort(chance.choice(distinct, count_at(LATE_RATE, distinct), replace=False))
    moment[late] -= ((31 + chance.integers(0, 60, len(late))) * 86400).astype("timedelta64[s]")
    goes_elsewhere = chance.random(distinct) < 0.15
    district = np.where(goes_elsewhere, chance.integers(0, len(DISTRICTS), distinct), people.district_at[patient])
    clinic = district * CLINICS_A_DISTRICT + (CLINICS_A_DISTRICT * chance.random(distinct) ** 1.6).astype(np.int64) + 1
    days_of_care = np.array([row[2] for row in DIAGNOSES.values()])[diagnosis]
    cost = np.round(118 * days_of_care * KIND_COSTS[kind] * np.exp(chance.normal(0, 0.45, distinct)), 2)
    insured = chance.random(distinct) < np.array([0.8, 0.85, 0.78, 0.9, 0.95, 0.96])[band[patient]]
    columns = (
        numbered("V" + str(month).replace("-", ""), np.arange(1, distinct + 1), 7),
        people.id_numbers(patient),
        moments(moment),
        numbered("C", clinic, 3),
        Column((DISTRICTS[district],), quoted=True),
        text(np.array(list(DIAGNOSES))[diagnosis]),
        text(KINDS[kind]),
        Column((cost,)),
        Column((insured,), "{0}::integer::varchar"),
    )
    sheet = Sheet(dict(zip(KEYS, columns, strict=True)))
    defects = stream(seed, "visit defects", number)
    return spoil(sheet, RULES, defects, copies=rows - distinct, late=late, late_column="visited_at")


def _diagnoses(band: Codes, district: Codes, month: np.datetime64, chance: np.random.Generator) -> Codes:
    """Positions in DIAGNOSES, drawn by age, district and season."""
    by_age = np.array([row[0] for row in DIAGNOSES.values()], dtype=np.float64).T
    winter = (1 + np.cos(2 * np.pi * (int(month.astype(int)) % 12) / 12)) / 2
    season = np.array([row[1] for row in DIAGNOSES.values()]) ** winter
    place = np.ones((len(DISTRICTS), len(DIAGNOSES)))
    for code, (first, after_last, factor) in DISTRICT_FACTORS.items():
        place[first:after_last, list(DIAGNOSES).index(code)] = factor
    weights = by_age[:, None, :] * season * place[None, :, :]
    table = quantile_table(weights.reshape(-1, len(DIAGNOSES)), OUTCOMES)
    drawn: Codes = table[band * len(DISTRICTS) + district, chance.integers(0, OUTCOMES, len(band))].astype(np.int64)
    return drawn


def _kinds(band: Codes, diagnosis: Codes, chance: np.random.Generator) -> Codes:
    """Positions in KINDS: grave diagnoses and high age lead to a bed, injuries and small children to emergencies."""
    days_of_care = np.array([row[2] for row in DIAGNOSES.values()])[diagnosis]
    bed = np.clip(0.012 * days_of_care * (1 + 0.4 * (band >= 4)), 0, 0.7)
    urgent = 0.06 + 0.1 * (band == 0) + 0.2 * (diagnosis == list(DIAGNOSES).index("S93"))
    luck = chance.random(len(band))
    return np.where(luck < bed, 2, np.where(luck < bed + urgent, 1, 0))


def _moments(month: np.datetime64, kind: Codes, chance: np.random.Generator) -> Array:
    """Arrivals: clinics fill up on Mondays and in the morning, emergencies come at any hour."""
    days = np.arange(month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]"))
    weekday = (days.astype(np.int64) + 3) % 7
    by_day = np.array([1.25, 1.05, 1.0, 1.0, 1.05, 0.7, 0.55])[weekday]
    hour = np.arange(24)
    opening = np.where(
        (hour >= 8) & (hour < 18), np.exp(-(((hour - 9.5) / 3) ** 2)) + 0.8 * np.exp(-(((hour - 15) / 2) ** 2)), 0
    )
    any_time = 0.5 + np.exp(-(((hour - 20) / 5) ** 2))
    table = quantile_table(np.stack([opening, any_time]), OUTCOMES)
    count = len(kind)
    day = quantile_table(by_day[None, :], OUTCOMES)[0, chance.integers(0, OUTCOMES, count)].astype(np.int64)
    at = table[(kind == 1).astype(np.int64), chance.integers(0, OUTCOMES, count)].astype(np.int64)
    second = (
        days[0].astype("datetime64[s]").astype(np.int64) + day * 86400 + at * 3600 + chance.integers(0, 3600, count)
    )
    arrivals: Array = second.astype("datetime64[s]")
    return arrivals
