"""Chance that repeats: every part of the city draws from its own stream, so that no part disturbs another."""

import zlib

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


def stream(seed: int, part: str, number: int = 0) -> np.random.Generator:
    """The stream of one part of the city (and of its file `number`) for a seed."""
    return np.random.default_rng(np.random.SeedSequence((seed, zlib.crc32(part.encode()), number)))


def shares(weights: NDArray[np.float64]) -> Numbers:
    """Weights as probabilities; a plain division may miss the sum of 1 that numpy asks for."""
    positive = np.asarray(weights, dtype=np.float64)
    probabilities: Numbers = positive / positive.sum()
    return probabilities


def quantile_table(weights: Numbers, size: int) -> NDArray[np.int16]:
    """One row per row of `weights`: `size` equally likely outcomes.

    Drawing is then one look-up by a uniform whole number, many times faster than a search in cumulated weights.
    """
    cumulated = np.cumsum(weights, axis=1)
    steps = (np.arange(size) + 0.5) / size
    rows = [np.searchsorted(row / row[-1], steps) for row in cumulated]
    return np.stack(rows).astype(np.int16)


def smooth_noise(chance: np.random.Generator, length: int, memory: float) -> Numbers:
    """Noise with a standard deviation of 1 in which each value keeps the share `memory` of the one before."""
    reach = max(2, int(np.ceil(np.log(0.01) / np.log(memory))))
    kernel = memory ** np.arange(reach)
    kernel /= np.sqrt((kernel**2).sum())
    return np.convolve(chance.standard_normal(length + reach - 1), kernel, mode="valid")
