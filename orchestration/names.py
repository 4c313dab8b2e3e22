"""Names as a person types them, and the nearest one where there is none of that name."""

import difflib
from collections.abc import Mapping

from vault.errors import JinkuError


def component_named(name: str, components: Mapping[str, object]) -> str:
    """The component that is meant, with or without its layer before it. Raises JinkuError `unknown_name`."""
    plain = name.removeprefix("components/")
    if plain not in components:
        close = difflib.get_close_matches(plain, components, n=1)
        nearest = f"; did you mean '{close[0]}'?" if close else ""
        known = ", ".join(sorted(components))
        raise JinkuError("unknown_name", f"no component is called '{name}'{nearest}", "assets", f"Known: {known}.")
    return plain
