"""Names as a person types them, and the nearest one where there is none of that name."""

import difflib
from collections.abc import Collection, Sequence

from vault.contract import SourceContract
from vault.errors import JinkuError


def named(kind: str, name: str, known: Collection[str]) -> str:
    """The name, where something of that kind has it. kind: such as 'source'. Raises JinkuError `unknown_name`."""
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        nearest = f"; did you mean '{close[0]}'?" if close else ""
        listed = ", ".join(sorted(known))
        raise JinkuError("unknown_name", f"no {kind} is called '{name}'{nearest}", "assets", f"Known: {listed}.")
    return name


def component_named(name: str, components: Collection[str]) -> str:
    """The component that is meant, with or without its layer before it. Raises JinkuError `unknown_name`."""
    return named("component", name.removeprefix("components/"), components)


def purposes_named(purposes: Sequence[str], source: str, contract: SourceContract) -> tuple[str, ...]:
    """The purposes, all of the source where none is named. Raises JinkuError `unknown_purpose`."""
    unknown = [each for each in purposes if each not in contract.permitted_purposes]
    if unknown:
        raise JinkuError(
            "unknown_purpose",
            f"{source} does not serve {', '.join(unknown)}",
            "contract",
            f"It serves: {', '.join(contract.permitted_purposes)}.",
        )
    return tuple(purposes) or contract.permitted_purposes
