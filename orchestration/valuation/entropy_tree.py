"""Which columns of a record carry information and which repeat others, read off its dependence tree.

E = Σ bits - Σ shared bits: rooted at its richest column, the tree gives every other column the one it repeats, so that
what each adds sums to E. Source: models §2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pricing.density import RecordEntropy

Neighbours = dict[str, dict[str, float]]
"""By column its neighbours in the tree, each with the bits the two share."""


@dataclass(frozen=True)
class ColumnShare:
    """One column: its bits, weighted by the rows that have a value, and those it shares with the column it repeats.

    repeats: that column, None for the root, which shares nothing.
    """

    name: str
    bits: float
    shared_bits: float
    repeats: str | None

    @property
    def added_bits(self) -> float:
        """What the column adds to those before it; 0 where its pair was measured to share more than it has."""
        return max(0.0, self.bits - self.shared_bits)

    @property
    def repeated_share(self) -> float:
        """The share of its bits that it repeats, in [0, 1]."""
        return min(1.0, self.shared_bits / self.bits) if self.bits > 0 else 0.0


def column_shares(entropy: RecordEntropy) -> tuple[ColumnShare, ...]:
    """Every column with what it repeats of which other, those that add most first.

    Without nulls Σ added bits = E; nulls and samples can part the two, since pairs stand on other rows than columns do.
    """
    weighted = {column.name: column.weighted_bits for column in entropy.columns}
    neighbours = _neighbours(entropy, weighted)
    shares: dict[str, ColumnShare] = {}
    for root in sorted(weighted, key=lambda name: (-weighted[name], name)):
        if root in shares:
            continue
        shares[root] = ColumnShare(root, weighted[root], 0.0, None)
        waiting = [root]
        while waiting:
            parent = waiting.pop()
            for name, shared_bits in neighbours[parent].items():
                if name not in shares:
                    shares[name] = ColumnShare(name, weighted[name], shared_bits, parent)
                    waiting.append(name)
    return tuple(sorted(shares.values(), key=lambda share: (-share.added_bits, share.name)))


def _neighbours(entropy: RecordEntropy, weighted: Mapping[str, float]) -> Neighbours:
    shared = {frozenset((pair.first, pair.second)): pair.weighted_bits for pair in entropy.pairs}
    neighbours: Neighbours = {name: {} for name in weighted}
    for first, second in entropy.tree:
        neighbours[first][second] = neighbours[second][first] = shared[frozenset((first, second))]
    return neighbours
