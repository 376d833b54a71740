"""Alembic runs this; the connection, with its transaction begun, comes from ``engine.upgrade``."""

from alembic import context

from attendance.fleet.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
