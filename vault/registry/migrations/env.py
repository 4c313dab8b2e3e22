"""Alembic's entry: it migrates over the connection that the registry hands it, in that one transaction."""

from alembic import context

from vault.registry.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
