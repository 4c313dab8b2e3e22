"""What is sold in the play: two traded components of one owner, found among the releases, one of which bears marks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from market_api.catalogue.clearance import cleared_datasheet
from market_api.catalogue.offers import permitted_purposes
from market_api.catalogue.prices import allowed_prices
from market_api.demo.stage import Stage
from market_api.fingerprint.planning import Plan, plan
from market_api.problems import Problem
from vault.errors import JinkuError
from vault.releases.datasheet import Document

FIRST = ("zone_hourly_mobility", "trip_demand_features")
"""Taken before others where they are there: the sample city has them."""


@dataclass(frozen=True)
class Goods:
    """A release that may be traded, by its signed datasheet."""

    document: Document

    @property
    def release(self) -> str:
        """Such as 'zone_hourly_mobility@1'."""
        return str(self.document["release"])

    @property
    def component(self) -> str:
        """Its name."""
        return str(self.document["component"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.document["contract"]["title"]["en"])

    @property
    def owner(self) -> str:
        """Whose it is."""
        return str(self.document["contract"]["owner"])

    @property
    def purposes(self) -> tuple[str, ...]:
        """All that it may be sold for."""
        return permitted_purposes(self.document)

    @property
    def holders(self) -> tuple[str, ...]:
        """Who holds the rights on its sources."""
        rights = [each for each in self.document["rights"] if each["confirmation"] == "holding"]
        return tuple(sorted({str(each["holder"]) for each in rights}))

    @cached_property
    def plan(self) -> Plan:
        """How its copies are marked."""
        return plan(self.document)


def chosen_goods(stage: Stage) -> tuple[Goods, Goods]:
    """One to be posted, whose copies bear marks of their values, and another one of the same owner.

    Raises JinkuError `releases_unfit` where there are none.
    """
    found = sorted(_tradable(stage), key=lambda each: (_rank(each.component), each.component))
    for posted in found:
        others = [each for each in found if each.owner == posted.owner and each.component != posted.component]
        if posted.plan.not_traceable is None and posted.plan.marked and others:
            return posted, others[0]
    raise JinkuError(
        "releases_unfit",
        "no owner has two traded components released, one of them with rows enough to be marked",
        str(stage.market.settings.releases),
        "Run `make run`: the sample city at its full scale has them.",
    )


def _tradable(stage: Stage) -> Iterator[Goods]:
    """The newest releases that are traded at a price and cleared now."""
    for folder in sorted(stage.market.settings.releases.glob("*")):
        for number in _numbers([each.name for each in folder.glob("*")])[:1]:
            try:
                document = cleared_datasheet(stage.market.settings, f"{folder.name}@{number}", stage.clock())
                allowed = allowed_prices(document)
            except Problem:
                continue
            if allowed.regime == "market" and allowed.guide_fen > 0 and permitted_purposes(document):
                yield Goods(document)


def _numbers(names: Sequence[str]) -> list[int]:
    """Numbers of releases, the newest first."""
    return sorted((int(name) for name in names if name.isascii() and name.isdecimal()), reverse=True)


def _rank(component: str) -> int:
    return FIRST.index(component) if component in FIRST else len(FIRST)
