"""The one collection of the registry's tables: each module that keeps something there declares its tables on it."""

import sqlalchemy as sa

METADATA = sa.MetaData()
