"""Webhooks that are still to be told, in the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from server.store.archive import Archive
from server.store.tables import DeliveryRow
from server.store.writer import Writer

MOST_DUE = 50
IDLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Delivery:
	"""What is to be told to whom, and how often that was tried."""

	job: str
	url: str
	body: str
	attempts: int = 0
	id: int | None = None


class Deliveries:
	"""Each change is on its way to the file before the call returns."""

	def __init__(self, writer: Writer, archive: Archive) -> None:
		self._writer = writer
		self._archive = archive

	def add(self, delivery: Delivery) -> None:
		"""Something is to be told, at once."""
		row = {'job': delivery.job, 'url': delivery.url, 'body': delivery.body, 'attempts': 0, 'due': 0.0}

		def write(connection: Connection) -> None:
			connection.execute(insert(DeliveryRow).values(row))

		self._writer.call(write)

	def drop(self, delivery: Delivery) -> None:
		"""It was told, or is given up."""

		def write(connection: Connection) -> None:
			connection.execute(delete(DeliveryRow).where(DeliveryRow.id == delivery.id))

		self._writer.call(write)

	def postpone(self, delivery: Delivery, until: float) -> None:
		"""An attempt came to nothing; the next one is due then."""

		def write(connection: Connection) -> None:
			changed = update(DeliveryRow).where(DeliveryRow.id == delivery.id)
			connection.execute(changed.values(attempts=delivery.attempts + 1, due=until))

		self._writer.call(write)

	async def due(self, now: float) -> tuple[list[Delivery], float]:
		"""Some of those that are due, and the seconds until there may be more."""

		def read(connection: Connection) -> tuple[list[Delivery], float]:
			columns = (DeliveryRow.job, DeliveryRow.url, DeliveryRow.body, DeliveryRow.attempts, DeliveryRow.id)
			rows = connection.execute(
				select(*columns).where(DeliveryRow.due <= now).order_by(DeliveryRow.due, DeliveryRow.id).limit(MOST_DUE)
			)
			found = [Delivery(*row) for row in rows]
			following = connection.execute(select(func.min(DeliveryRow.due))).scalar()
			return found, IDLE_SECONDS if following is None else max(0.01, following - now)

		return await self._archive.read(read)
