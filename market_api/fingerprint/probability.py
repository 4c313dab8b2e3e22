"""Exact tails of two distributions, as common logarithms: a probability of a trace is far below any float.

A tail is its largest term times the sum of the ratios of the others to it, which fall so fast that some hundreds of
them decide the last digit. Relative error of a tail below 1e-8 for a million trials. Source: models §8.
"""

import math
from collections.abc import Iterator

LAST_RATIO = 1e-17
"""A term of this share of the sum no longer changes it."""


def log10_of_matches(trials: int, matches: int) -> float:
    """log10 P[Bin(trials, 1/2) >= matches]: how often chance alone agrees as well.

    Raises ValueError for matches outside 0..trials.
    """
    if not 0 <= matches <= trials:
        raise ValueError(f"{matches} matches of {trials} trials")
    if 2 * matches <= trials:
        return _log10_of_rest(_log_tail_of_matches(trials, trials - matches + 1))
    return _log_tail_of_matches(trials, matches) / math.log(10)


def log10_of_misses(population: int, special: int, drawn: int, found: int) -> float:
    """log10 P[X <= found], X special ones among `drawn` of a population with `special` of them (hypergeometric).

    How often chance alone draws as few. Raises ValueError for numbers that do not fit together.
    """
    least, most = max(0, drawn + special - population), min(drawn, special)
    if not (0 <= special <= population and 0 <= drawn <= population and least <= found <= most):
        raise ValueError(f"{found} found of {drawn} drawn from {population} with {special}")
    others = population - special
    if found <= drawn * special / max(1, population):
        down = ((k * (others - drawn + k)) / ((special - k + 1) * (drawn - k + 1)) for k in range(found, least, -1))
        log_term = _log_hypergeometric(population, special, drawn, found)
        return (log_term + math.log(_sum_of(down))) / math.log(10)
    if found == most:
        return 0.0
    up = (((special - k) * (drawn - k)) / ((k + 1) * (others - drawn + k + 1)) for k in range(found + 1, most))
    log_term = _log_hypergeometric(population, special, drawn, found + 1)
    return _log10_of_rest(log_term + math.log(_sum_of(up)))


def p_text(log10_p: float) -> str:
    """A probability as it is written, such as '2.3e-78'."""
    exponent = math.floor(log10_p)
    digits = f"{10 ** (log10_p - exponent):.1f}"
    return f"1.0e{exponent + 1:+03d}" if digits == "10.0" else f"{digits}e{exponent:+03d}"


def _log_tail_of_matches(trials: int, matches: int) -> float:
    """ln P[Bin >= matches] above the middle, where each term is smaller than the one before; 0 above all trials."""
    if matches > trials:
        return -math.inf
    log_term = _log_choose(trials, matches) - trials * math.log(2)
    return log_term + math.log(_sum_of((trials - k) / (k + 1) for k in range(matches, trials)))


def _log_hypergeometric(population: int, special: int, drawn: int, found: int) -> float:
    ways = _log_choose(special, found) + _log_choose(population - special, drawn - found)
    return ways - _log_choose(population, drawn)


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def _sum_of(ratios: Iterator[float]) -> float:
    """1 + r1 + r1·r2 + ..., until nothing more is added."""
    total = term = 1.0
    for ratio in ratios:
        term *= ratio
        total += term
        if term < LAST_RATIO * total:
            break
    return total


def _log10_of_rest(log_tail: float) -> float:
    """log10 (1 - tail)."""
    return math.log1p(-min(1.0, math.exp(log_tail))) / math.log(10) if log_tail < 0 else -math.inf
