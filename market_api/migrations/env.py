"""Alembic's entry: it migrates over the connection that the market hands it, in that one transaction."""

from alembic import context

from market_api.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
