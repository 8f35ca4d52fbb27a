"""What the engine tells: typed events, and the bus that carries them.

Events are data: they cross process borders as JSON. The bus is the only way out of the executor; progress bars,
WebSocket dialects and logs are its subscribers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from engine.declaration import Model

log = logging.getLogger(__name__)

Folder = Literal['input', 'output', 'temp']


class SavedFile(Model):
	"""A file that a node wrote below one of the roots."""

	filename: str
	subfolder: str = ''
	type: Folder = 'output'


class Ui(Model):
	"""What a sink shows beside its outputs."""

	images: tuple[SavedFile, ...] = ()


class Failure(Model):
	"""Why a job failed: an exception as data."""

	message: str
	exception_type: str
	node: str | None = None
	kind: str = ''
	traceback: tuple[str, ...] = ()
	inputs: dict[str, JsonValue] = Field(default_factory=dict)


class Event(Model):
	"""Something that happened; `at` is seconds since the epoch."""

	model_config = ConfigDict(frozen=True, extra='forbid', ser_json_bytes='base64', val_json_bytes='base64')

	job: str
	at: float = Field(default_factory=time.time)


class QueueChanged(Event):
	"""The queue is another: jobs came, began, ended or were dropped. `remaining` counts waiting and running ones."""

	type: Literal['queue_changed'] = 'queue_changed'
	job: str = ''
	remaining: int


class JobStarted(Event):
	"""A worker has begun with the job."""

	type: Literal['job_started'] = 'job_started'


class NodesCached(Event):
	"""The plan is made: these nodes' results are in the cache, those will run, in this order."""

	type: Literal['nodes_cached'] = 'nodes_cached'
	nodes: tuple[str, ...]
	pending: tuple[str, ...] = ()


class NodeStarted(Event):
	"""A node's function is being called."""

	type: Literal['node_started'] = 'node_started'
	node: str
	kind: str


class NodeProgress(Event):
	"""A running node has come so far."""

	type: Literal['node_progress'] = 'node_progress'
	node: str
	done: int
	total: int
	phase: str = ''


class NodePreview(Event):
	"""A look at what a running node is making: an encoded picture."""

	type: Literal['node_preview'] = 'node_preview'
	node: str
	image: bytes
	format: Literal['JPEG', 'PNG'] = 'JPEG'


class NodeFinished(Event):
	"""A node has its results. With `cached`, it is a sink whose stored `ui` is told again; it was not called."""

	type: Literal['node_finished'] = 'node_finished'
	node: str
	kind: str
	seconds: float
	cached: bool = False
	ui: Ui | None = None


class JobFinished(Event):
	"""The job is over. `executed` are the nodes that have results."""

	type: Literal['job_finished'] = 'job_finished'
	state: Literal['succeeded', 'failed', 'cancelled']
	failure: Failure | None = None
	node: str | None = None
	kind: str = ''
	executed: tuple[str, ...] = ()


AnyEvent = Annotated[
	JobStarted | NodesCached | NodeStarted | NodeProgress | NodePreview | NodeFinished | JobFinished,
	Field(discriminator='type'),
]
Subscriber = Callable[[Event], None]


class EventBus:
	"""Hands each event to every subscriber, in order, in the thread that publishes."""

	def __init__(self) -> None:
		self._lock = threading.Lock()
		self._subscribers: tuple[Subscriber, ...] = ()

	def publish(self, event: Event) -> None:
		"""Tell everyone. A subscriber must not block; one that raises is logged, and the others hear all the same."""
		for subscriber in self._subscribers:
			try:
				subscriber(event)
			except Exception:
				log.exception('A subscriber failed at %s.', type(event).__name__)

	def subscribe(self, subscriber: Subscriber) -> AbstractContextManager[object]:
		"""Listen from now on, until the returned context ends."""
		with self._lock:
			self._subscribers = (*self._subscribers, subscriber)
		stack = ExitStack()
		stack.callback(self._unsubscribe, subscriber)
		return stack

	def _unsubscribe(self, subscriber: Subscriber) -> None:
		with self._lock:
			# Bound methods are equal, not identical, from one access to the next.
			self._subscribers = tuple(item for item in self._subscribers if item != subscriber)
