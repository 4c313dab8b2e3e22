"""The operating system: definitions, component kinds, dbt assets, sensors and the command line."""

import gc

GARBAGE_THRESHOLD = 100_000
"""New objects between two searches for garbage. Definitions and expectations are many objects that stay: searching
them as often as Python does by itself takes a tenth of a run, and a fifth of loading the definitions."""

gc.set_threshold(GARBAGE_THRESHOLD)
