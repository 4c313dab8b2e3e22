"""Which prices are published: those that went out with a release. A valuation alone publishes nothing."""

from collections.abc import Iterable
from dataclasses import replace

from vault.home import Home
from vault.registry.database import open_registry, registry_path
from vault.releases.register import released_valuations
from vault.valuations import Valuation, latest_valuations, valuations_of


def latest_prices(home: Home) -> dict[str, Valuation]:
    """The last valuation of every component, by name, each saying whether it is published.

    Raises JinkuError `valuations_unusable` and as `open_registry` does.
    """
    return {each.component: each for each in _told(home, latest_valuations(home.pricing).values())}


def prices_of(home: Home, component: str, most: int) -> tuple[Valuation, ...]:
    """The last valuations of a component, oldest first. Raises as `latest_prices` does."""
    return tuple(_told(home, valuations_of(home.pricing, component, most)))


def _told(home: Home, valuations: Iterable[Valuation]) -> list[Valuation]:
    if not registry_path(home).exists():
        return list(valuations)
    with open_registry(home).begin() as connection:
        released = released_valuations(connection)
    return [replace(each, is_published=each.valuation_id in released) for each in valuations]
