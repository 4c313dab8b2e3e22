"""Loading what copies are made with: it takes a second or two, which no buyer is to wait for.

The modules of this room import it where they use it, so that the market starts at once; the server loads it after that.
"""

from importlib import import_module

from market_api.market import Market

MODULES = ("pandas", "pyarrow.parquet", "ibis.backends.duckdb", "market_api.fingerprint.recheck")
"""pandas, because DuckDB looks for it when it is first given a value."""


def load_engines(_: Market) -> None:
    """Load it once; after that there is nothing to do."""
    for name in MODULES:
        import_module(name)
