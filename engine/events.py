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

from pydantic import ConfigDict, Field, JsonValue, RootModel

from engine.declaration import Model
from engine.record import RunRecord

log = logging.getLogger(__name__)

Folder = Literal['input', 'output', 'temp']
PictureFormat = Literal['JPEG', 'PNG']
LoadPhase = Literal['initialization', 'loading_model', 'device_setup', 'optimization']
LoadState = Literal['loading', 'ready', 'cancelled', 'failed']
FOLDERS = ('input', 'output', 'temp')


WhyCode = Literal[
	'first_time',
	'input_changed',
	'upstream_changed',
	'fingerprint_changed',
	'version_changed',
	'evicted',
	'not_cacheable',
	'cached',
	'same_inputs',
	'twin',
]
WhyCause = Literal['kind', 'fingerprint', 'expansion', 'dropped', 'settings']


class SavedFile(Model):
	"""A file that a node wrote below one of the roots."""

	filename: str
	subfolder: str = ''
	type: Folder = 'output'


class Ui(RootModel[dict[str, list[JsonValue]]]):
	"""What a node shows beside its outputs: lists by name, such as `images`, a list of saved files, or `text`."""

	model_config = ConfigDict(frozen=True)

	@classmethod
	def of_images(cls, *images: SavedFile) -> Ui:
		"""Pictures to show."""
		return cls({'images': [image.model_dump() for image in images]})

	@property
	def images(self) -> tuple[SavedFile, ...]:
		"""The pictures among what is shown."""
		return self._files('images')

	@property
	def files(self) -> tuple[SavedFile, ...]:
		"""Every saved file that is shown, pictures or not."""
		return tuple(file for name in self.root for file in self._files(name))

	def _files(self, name: str) -> tuple[SavedFile, ...]:
		return tuple(
			SavedFile(
				filename=item['filename'],
				subfolder=item['subfolder'] if isinstance(item.get('subfolder'), str) else '',
				type=item['type'],
			)
			for item in self.root.get(name, ())
			if isinstance(item, dict) and isinstance(item.get('filename'), str) and item.get('type') in FOLDERS
		)


class Failure(Model):
	"""Why a job failed: an exception as data. `log` is what its worker last wrote, where the worker died of it."""

	message: str
	exception_type: str
	node: str | None = None
	kind: str = ''
	traceback: tuple[str, ...] = ()
	inputs: dict[str, JsonValue] = Field(default_factory=dict)
	log: tuple[str, ...] = ()


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
	paused: bool = False


class ModelsChanged(Event):
	"""Model files came, went or changed in the folders of these kinds."""

	type: Literal['models_changed'] = 'models_changed'
	job: str = ''
	kinds: tuple[str, ...]


class ModelDownload(Event):
	"""How a model file that is being fetched stands: `received` of `total` bytes, None while that is not known."""

	type: Literal['model_download'] = 'model_download'
	job: str = ''
	id: str
	folder: str
	name: str
	state: Literal['running', 'done', 'failed', 'cancelled']
	received: int
	total: int | None
	error: str = ''


class JobQueued(Event):
	"""A job waits: it is new, or comes back since who ran it is gone, which `reason` then tells."""

	type: Literal['job_queued'] = 'job_queued'
	number: float
	reason: str = ''


class JobDropped(Event):
	"""A job was cancelled while it waited."""

	type: Literal['job_dropped'] = 'job_dropped'


class JobStarted(Event):
	"""A worker has begun with the job. `record` tells what it runs with: versions, device, settings, files by digest."""

	type: Literal['job_started'] = 'job_started'
	record: RunRecord | None = None


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


class NodeWaits(Event):
	"""A node that was started waits for inputs that it has asked for; it will be started again."""

	type: Literal['node_waits'] = 'node_waits'
	node: str


class NodeProgress(Event):
	"""A running node has come so far."""

	type: Literal['node_progress'] = 'node_progress'
	node: str
	done: int
	total: int
	phase: str = ''


class ModelLoading(Event):
	"""A model that a node waits for is being loaded: how many bytes of the phase are done (0 of 0: not known).

	`load` is the id of the load, by which it can be cancelled; `model` is the file's name and `part` what is read of it.
	Several jobs may wait for one load, and each is told. The last one is not `loading`, but tells how it ended.
	"""

	type: Literal['model_loading'] = 'model_loading'
	node: str
	load: str
	model: str
	part: str
	place: str
	phase: LoadPhase
	done: int = 0
	total: int = 0
	state: LoadState = 'loading'


class NodePreview(Event):
	"""A picture for whoever follows the run: a look at what a node is making (JPEG), or what it has made (PNG)."""

	type: Literal['node_preview'] = 'node_preview'
	node: str
	image: bytes
	format: PictureFormat = 'JPEG'


class NodeText(Event):
	"""What a running node says in passing; it is shown until the node says something else."""

	type: Literal['node_text'] = 'node_text'
	node: str
	text: str


class NodeMessage(Event):
	"""A message of a node's own making to the job's client, or to everyone who is connected."""

	type: Literal['node_message'] = 'node_message'
	node: str
	name: str
	data: dict[str, JsonValue] = Field(default_factory=dict)
	everyone: bool = False


class Given(Model):
	"""What an input was given: a constant as JSON, cut short if it is long, or an output of a node."""

	constant: str | None = None
	node: str | None = None
	output: int = 0


class InputChange(Model):
	"""An input that is given something else than before; None: nothing."""

	input: str
	before: Given | None
	after: Given | None


class Why(Model):
	"""Why a node ran, or did not. `code` is for programs, `text` for people (empty where the code says it all).

	The rest is what the text is made of, for who says it in another language. `cause` tells kinds that are never cached,
	fingerprints that are never the same and expansions apart, and results that were dropped from those kept under other
	settings; `changes` are the first inputs that changed, `more` how many others did; `nodes` are those upstream that
	changed, or from which an expansion takes something; `versions` are the code's, before and after.
	"""

	code: WhyCode
	text: str = ''
	cause: WhyCause | None = None
	changes: tuple[InputChange, ...] = ()
	more: int = 0
	nodes: tuple[str, ...] = ()
	versions: tuple[str, str] | None = None


class NodeFinished(Event):
	"""A node has its results. With `cached`, its results were there and it was not called; a stored `ui` is told again."""

	type: Literal['node_finished'] = 'node_finished'
	node: str
	kind: str
	seconds: float
	cached: bool = False
	ui: Ui | None = None
	why: Why | None = None


class NodeBlocked(Event):
	"""A node was passed over, since an input was skipped with a message; the run goes on."""

	type: Literal['node_blocked'] = 'node_blocked'
	node: str
	kind: str
	message: str


class AddedNode(Model):
	"""A node that came in by an expansion. `display` is the node at which its events are shown."""

	node: str
	kind: str
	display: str


class GraphExpanded(Event):
	"""A node became a subgraph: these nodes are run in its place."""

	type: Literal['graph_expanded'] = 'graph_expanded'
	node: str
	added: tuple[AddedNode, ...]


class JobProgress(Event):
	"""How far the job as a whole has come: 0 to 1, and seconds that it will still take, as far as earlier runs tell."""

	type: Literal['job_progress'] = 'job_progress'
	fraction: float
	seconds_left: float | None = None


class JobFinished(Event):
	"""The job is over. `executed` are the nodes that have results."""

	type: Literal['job_finished'] = 'job_finished'
	state: Literal['succeeded', 'failed', 'cancelled']
	failure: Failure | None = None
	node: str | None = None
	kind: str = ''
	executed: tuple[str, ...] = ()


AnyEvent = Annotated[
	JobStarted
	| NodesCached
	| NodeStarted
	| NodeWaits
	| NodeProgress
	| ModelLoading
	| NodePreview
	| NodeText
	| NodeMessage
	| NodeFinished
	| NodeBlocked
	| GraphExpanded
	| JobProgress
	| JobFinished,
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
