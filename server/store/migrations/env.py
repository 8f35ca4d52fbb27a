"""Run by Alembic: upgrades the connection that it is given, or, from its own command line, the file of LUMENGRAPH_DB."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from server.store.database import connect
from server.store.tables import Base


def migrate(connection: Connection) -> None:
	"""Run the steps on a connection."""
	context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
	with context.begin_transaction():
		context.run_migrations()


given = context.config.attributes.get('connection')
if isinstance(given, Connection):
	migrate(given)
else:
	with connect(Path(os.environ.get('LUMENGRAPH_DB', 'lumengraph.db'))).begin() as own:
		migrate(own)
