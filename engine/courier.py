"""Carries a worker's messages to the server, from a thread of its own.

Nodes may take microseconds; a message for each of their events would cost more than they do. So events that come close
together travel as one message: at most one each `GATHER_SECONDS`, but at once for what somebody waits for. Where there
is nothing to tell for `BEAT_SECONDS`, a beat says that the process lives.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from engine.events import AnyEvent, Event, JobFinished, NodeFinished, NodePreview
from engine.wire import Beat, Happened, Message

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.004
BEAT_SECONDS = 1.0


class Courier:
	"""Messages leave in the order in which they were given."""

	def __init__(self, connection: socket.socket) -> None:
		self._connection = connection
		self._waiting: deque[AnyEvent | Message] = deque()
		self._filled = threading.Event()
		self._closing = threading.Event()
		self._sending = threading.Lock()
		self._sent_at = 0.0
		self._thread = threading.Thread(target=self._carry, name='courier', daemon=True)
		self._thread.start()

	def tell(self, event: AnyEvent) -> None:
		"""Send an event: soon, or now if somebody waits for it."""
		self._waiting.append(event)
		if isinstance(event, JobFinished | NodePreview):
			# In this thread: the other would have to wait for the interpreter's lock, which this one holds.
			self._flush()
		elif not self._filled.is_set():
			self._filled.set()

	def send(self, message: Message) -> None:
		"""Send a message now."""
		self._waiting.append(message)
		self._flush()

	def close(self) -> None:
		"""Send what still waits, and end."""
		self._closing.set()
		self._filled.set()
		self._thread.join()
		self._flush()

	def _carry(self) -> None:
		while not self._closing.is_set():
			if not self._filled.wait(BEAT_SECONDS):
				self.send(Beat())
				continue
			self._closing.wait(max(0.0, self._sent_at + GATHER_SECONDS - time.monotonic()))
			# Cleared before the look: what comes after it sets it again.
			self._filled.clear()
			self._flush()

	def _flush(self) -> None:
		with self._sending:
			items = [self._waiting.popleft() for _ in range(len(self._waiting))]
			if not items:
				return
			self._sent_at = time.monotonic()
			try:
				self._connection.sendall(b''.join(line for message in gathered(items) for line in lines(message)))
			except OSError:
				# The server is gone; the control thread sees it too and ends the process.
				log.warning('The server no longer listens.')


def gathered(items: Iterable[AnyEvent | Message]) -> Iterator[Message]:
	"""The items as messages: events that follow each other become one."""
	events: list[AnyEvent] = []
	for item in items:
		if isinstance(item, Event):
			events.append(item)
			continue
		if events:
			yield happened(events)
			events = []
		yield item
	if events:
		yield happened(events)


def lines(message: Message) -> Iterator[bytes]:
	"""A message as it is sent. Of events, those that cannot be written are mended or left out: a job must have an end."""
	try:
		yield message.model_dump_json().encode() + b'\n'
	except ValueError:
		if not isinstance(message, Happened):
			log.exception('A message cannot be sent.')
			return
		if len(message.events) > 1:
			for event in message.events:
				yield from lines(happened([event]))
			return
		log.exception('An event cannot be sent.')
		[event] = message.events
		if isinstance(event, NodeFinished) and event.ui is not None:
			yield from lines(happened([event.model_copy(update={'ui': None})]))
		elif isinstance(event, JobFinished) and event.failure is not None:
			yield from lines(happened([event.model_copy(update={'failure': None})]))


def happened(events: Iterable[AnyEvent]) -> Happened:
	"""Events as a message. They are not validated: they were, when they were made."""
	return Happened.model_construct(events=tuple(events))
