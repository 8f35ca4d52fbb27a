"""Tells addresses of the ends of jobs: signed, and again until they answer.

A delivery is written down when its job ends, so it outlives the server. The body is the job as `GET /v1/jobs/{id}` tells
it in lists. The header `Lumengraph-Signature: t=<seconds>,v1=<hex>` holds the HMAC-SHA256 of `<seconds>.<body>` under the
secret in the data folder (`webhook_secret`); whoever compares it knows that it comes from here, and when.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import re
import secrets
import time
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, InvalidURL

from engine.events import Event, JobDropped, JobFinished
from engine.queue import JobQueue
from server.routes.jobs import reply_of
from server.secretfile import write_private_bytes
from server.store.deliveries import Deliveries, Delivery

log = logging.getLogger(__name__)

SIGNATURE = 'Lumengraph-Signature'
SECRET = 'webhook_secret'  # noqa: S105 - the name of its file
WAITS = (1.0, 5.0, 30.0, 300.0, 3600.0)
"""Seconds before the next attempts; after the last one a delivery is given up."""
TIMEOUT = ClientTimeout(total=20)
AT_ONCE = 4


class Webhooks:
	"""Hears of ends on the bus, and tells those who want to know."""

	def __init__(self, queue: JobQueue, deliveries: Deliveries, folder: Path) -> None:
		self._queue = queue
		self._deliveries = deliveries
		self._folder = folder
		self._new = asyncio.Event()
		self._task: asyncio.Task[None] | None = None
		self._gate = asyncio.Semaphore(AT_ONCE)

	def hear(self, event: Event) -> None:
		"""Called by the bus: an end is written down before anybody is told."""
		if not isinstance(event, JobFinished | JobDropped):
			return
		job = self._queue.get(event.job)
		if job.submission.webhook:
			self._deliveries.add(Delivery(job.id, job.submission.webhook, reply_of(job).model_dump_json()))
			self._new.set()

	async def start(self) -> None:
		"""Begin, with what an earlier process left."""
		self._task = asyncio.create_task(self._work())

	async def stop(self) -> None:
		"""End; what is not told is told at the next start."""
		if self._task is not None:
			self._task.cancel()
			with contextlib.suppress(asyncio.CancelledError):
				await self._task

	async def _work(self) -> None:
		# No receiver's cookies are kept: the next one would get them.
		async with ClientSession(timeout=TIMEOUT, cookie_jar=DummyCookieJar()) as session:
			while True:
				try:
					await self._tell_due(session)
				except Exception:
					# The database may be out of order for a while: whatever it is, later ones must be told.
					log.exception('The webhooks that are due cannot be told; this is tried again.')
					await asyncio.sleep(WAITS[0])

	async def _tell_due(self, session: ClientSession) -> None:
		"""Tell those that are due; wait for the next ones if there are none."""
		self._new.clear()
		due, wait = await self._deliveries.due(time.time())
		await asyncio.gather(*(self._deliver(session, delivery) for delivery in due))
		if not due:
			with contextlib.suppress(TimeoutError):
				async with asyncio.timeout(wait):
					await self._new.wait()

	async def _deliver(self, session: ClientSession, delivery: Delivery) -> None:
		async with self._gate:
			trouble = await self._trouble(session, delivery)
		if not trouble:
			self._deliveries.drop(delivery)
			return
		if delivery.attempts >= len(WAITS):
			log.error('The webhook %s of job %s is given up: %s', shown(delivery.url), delivery.job, trouble)
			self._deliveries.drop(delivery)
			return
		wait = WAITS[delivery.attempts]
		where = shown(delivery.url)
		log.warning('The webhook %s of job %s is told again in %d s: %s', where, delivery.job, wait, trouble)
		self._deliveries.postpone(delivery, time.time() + wait)

	async def _trouble(self, session: ClientSession, delivery: Delivery) -> str:
		"""What went wrong with one attempt; empty if nothing did. Redirects are not followed."""
		body = delivery.body.encode()
		try:
			headers = {'Content-Type': 'application/json', SIGNATURE: signature(self.secret(), body, time.time())}
			async with session.post(delivery.url, data=body, headers=headers, allow_redirects=False) as response:
				return '' if 200 <= response.status < 300 else f'it answers with {response.status}'
		except InvalidURL:
			return 'it is no address'  # The exception's own words are the address, with all that is in it.
		except (ClientError, OSError, ValueError) as error:
			return str(error) or type(error).__name__

	def secret(self) -> bytes:
		"""The secret that signs; made when it is first needed, and readable by its owner alone."""
		path = self._folder / SECRET
		found = path.read_bytes().strip() if path.exists() else b''
		if not found:
			# There is none, or a crash has left an empty file: anybody could sign with that.
			found = secrets.token_hex(32).encode()
			write_private_bytes(path, found)
		return found


def shown(url: str) -> str:
	"""An address as logs show it: without user, password, query."""
	return re.sub(r'[?#].*', '', re.sub(r'//[^/?#]*@', '//', url))


def signature(secret: bytes, body: bytes, at: float) -> str:
	"""The header's value."""
	stamp = str(int(at))
	return f't={stamp},v1={hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()}'
