"""Who receives what is left of a sale after tax and fee: the seller, and the providers of the data below.

By contract each has a share. By measured contribution the providers' part is shared among them by the source records
that they handed over, as the signed datasheet counts them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pricing.exact import within
from pricing.money import Amount, exact
from vault.releases.datasheet import Document

Role = Literal["seller", "provider"]


@dataclass(frozen=True)
class Receiver:
    """A participant's share, in [0, 1], of what is left of a sale after tax and fee."""

    receiver: str
    role: Role
    share: Fraction

    def __post_init__(self) -> None:
        within(f"share of {self.receiver}", self.share, 0, 1)


def contracted(seller: str, providers: Mapping[str, Amount]) -> tuple[Receiver, ...]:
    """The providers' shares as agreed; the seller, who developed the component, has the rest.

    Raises ValueError for a share outside [0, 1] and for shares of more than 1 in all.
    """
    shares = {name: within(f"share of {name}", share, 0, 1) for name, share in providers.items()}
    rest = 1 - within("the providers' shares", sum(shares.values(), Fraction(0)), 0, 1)
    found = [Receiver(seller, "seller", rest), *(Receiver(name, "provider", share) for name, share in shares.items())]
    return tuple(found)


def measured(
    seller: str, providers_share: Amount, lineage: Sequence[Document], provider_of: Mapping[str, str]
) -> tuple[Receiver, ...]:
    """The providers' part, shared by their source records: share_p = providers_share · Σ rows of p / Σ rows.

    lineage: of the signed datasheet, the received rows by source; provider_of: the participant who handed a source
    over. Raises ValueError where a source has no provider or no rows were counted: what nobody answers for is not paid
    out by a guess.
    """
    part = within("the providers' share", providers_share, 0, 1)
    rows: dict[str, int] = {}
    for each in lineage:
        source = each["source"]
        if source not in provider_of:
            raise ValueError(f"the source {source} has no provider on record")
        rows[provider_of[source]] = rows.get(provider_of[source], 0) + sum(batch["rows"] for batch in each["batches"])
    whole = sum(rows.values())
    if part and not whole:
        raise ValueError("the datasheet counts no source records, so no contribution can be measured")
    shares = {name: part * Fraction(count, whole) if whole else Fraction(0) for name, count in rows.items()}
    return contracted(seller, shares)


def require_whole(receivers: Sequence[Receiver]) -> None:
    """Raises ValueError unless the shares make up the whole, and nobody stands twice in one role."""
    if sum((exact(each.share) for each in receivers), Fraction(0)) != 1:
        raise ValueError("the shares of the receivers do not make up the whole")
    roles = [(each.receiver, each.role) for each in receivers]
    if len(set(roles)) < len(roles):
        raise ValueError("a receiver stands twice in one role")
