"""All that a running node may touch; there is no global to reach for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from engine.cancel import CancelToken
from engine.cells import of_cell
from engine.events import (
	AnyEvent,
	Folder,
	ModelLoading,
	NodeMessage,
	NodePreview,
	NodeProgress,
	NodeText,
	PictureFormat,
	SavedFile,
	Ui,
)
from engine.formats.prompt import read_object
from engine.graph import Graph
from engine.live import LiveGraph
from engine.loading import LoadStep, Watch
from engine.models import Load, ModelRef
from engine.modelstore import ModelStore
from engine.previews import PreviewMethod
from engine.record import NAME, RunRecord
from engine.storage import Storage

if TYPE_CHECKING:
	from PIL import Image

T = TypeVar('T')
current: ContextVar[Context | None] = ContextVar('current', default=None)
"""The context of the node that is being called; for adapters of foreign nodes, which have no parameter for it."""

PREVIEW_SIDE = 512
PREVIEW_QUALITY = 95
PNG_MODES = ('L', 'RGB', 'RGBA')


@dataclass(frozen=True)
class JobInfo:
	"""What a node may know of the job it runs in.

	`prompt` is the graph as it was submitted, in API form, and `extra_pnginfo` what goes beside it: both are written into
	saved pictures, as is the `record` of what the job runs with. `secrets` came with the job for those nodes that need them; a node must not show them.
	"""

	id: str
	prompt_json: str = '{}'
	extra_pnginfo: Mapping[str, JsonValue] = field(default_factory=dict)
	previews: PreviewMethod = 'none'
	secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
	record: RunRecord | None = None

	@cached_property
	def prompt(self) -> Mapping[str, JsonValue]:
		"""Read when a node first asks for it: most do not."""
		return read_object(self.prompt_json)


class Models:
	"""The model store as one node sees it: waiting for weights ends when the job is cancelled."""

	def __init__(self, store: ModelStore, cancel: CancelToken, watch: Watch, note: Callable[[str], None]) -> None:
		self._store = store
		self._cancel = cancel
		self._watch = watch
		self._note = note

	def use(self, ref: ModelRef[T], *, working_bytes: int = 0) -> AbstractContextManager[T]:
		"""Lease weights: they are loaded, and stay so at least until the block ends.

		`working_bytes` of room are kept free for what is computed with them.
		"""
		return self._store.use(
			ref, working_bytes=working_bytes, cancel=self._cancel, watch=self._watch, note=self._note
		)

	def load_of(self, ref: ModelRef[Any]) -> Load:
		"""The load by which a model would be read: for asking what its headers tell. Raises `ModelNotFound`."""
		return self._store.load_of(ref)

	@property
	def is_sparing(self) -> bool:
		"""Whether this is a second try, after memory has run out: the least that will do is to be planned."""
		return self._store.rooms.is_sparing

	def has_room(self, ref: ModelRef[Any], working_bytes: int) -> bool:
		"""Whether there is so much room to work with the model, beside all of its weights; never on a second try."""
		return self._store.has_room(ref, working_bytes)


class Shown:
	"""What the calls of one node have shown so far: the lists of all calls, joined by name."""

	def __init__(self) -> None:
		self._lists: dict[str, list[JsonValue]] = {}

	def add(self, ui: Ui) -> None:
		"""Show more."""
		for name, items in ui.root.items():
			self._lists.setdefault(name, []).extend(items)

	@property
	def ui(self) -> Ui | None:
		"""All of it; None if nothing."""
		return Ui({name: list(items) for name, items in self._lists.items()}) if self._lists else None


class Context:
	"""Handed to a node function that asks for it in its first parameter.

	`graph` is the running job's graph; `index` counts the calls of a node that is called once per item of a list.
	"""

	def __init__(
		self,
		job: JobInfo,
		node: str,
		*,
		models: ModelStore,
		storage: Storage,
		cancel: CancelToken,
		publish: Callable[[AnyEvent], None],
		graph: LiveGraph | None = None,
		index: int | None = None,
		shown: Shown | None = None,
	) -> None:
		self.job = job
		self.node = node
		self.graph = graph or LiveGraph(Graph({}))
		self.index = index
		self._store = models
		self.files = storage.files
		self.catalogue = storage.catalogue
		self.cancel = cancel
		self._publish = publish
		self._shown = Shown() if shown is None else shown

	@cached_property
	def models(self) -> Models:
		"""The model store, as this node sees it."""
		return Models(self._store, self.cancel, self._tell_load, self.note)

	@property
	def ui(self) -> Ui | None:
		"""What the node has shown so far; None if nothing."""
		return self._shown.ui

	def _tell_load(self, step: LoadStep) -> None:
		self._publish(
			ModelLoading(
				job=self.job.id,
				node=self.node,
				load=step.id,
				model=step.name,
				part=step.ref.part,
				place=step.place,
				phase=step.phase,
				done=step.done,
				total=step.total,
				state=step.state,
			)
		)

	def progress(self, done: int, total: int, *, phase: str = '') -> None:
		"""Tell how far the node has come, and stop here if the job was cancelled."""
		self._publish(NodeProgress(job=self.job.id, node=self.node, done=done, total=total, phase=phase))
		self.cancel.check()

	def check_cancelled(self) -> None:
		"""Raise `JobCancelled` if the job was cancelled."""
		self.cancel.check()

	def preview(self, image: Image.Image) -> None:
		"""Show a picture of what is being made, if the client wants such; at most 512 pixels a side."""
		if self.job.previews != 'none':
			self.send_image(image, format='JPEG', side=PREVIEW_SIDE)

	def send_image(self, image: Image.Image, *, format: PictureFormat = 'PNG', side: int | None = None) -> None:
		"""Send a picture to the client while the node runs, whether it asked for previews or not.

		It is shrunk to `side` pixels a side, if that is given. A JPEG is taken for a preview, a PNG for a result: it
		reaches clients that never look at files.
		"""
		sent = image if format == 'PNG' and image.mode in PNG_MODES else image.convert('RGB')
		if side is not None:
			sent = sent.copy()
			sent.thumbnail((side, side))
		stream = io.BytesIO()
		# Fast rather than small: it is sent once, mostly to a client on this machine.
		sent.save(stream, format, quality=PREVIEW_QUALITY, compress_level=1)
		self._publish(NodePreview(job=self.job.id, node=self.node, image=stream.getvalue(), format=format))

	def note(self, text: str) -> None:
		"""Say in words what the node is about; clients show it at the node while it runs."""
		self._publish(NodeText(job=self.job.id, node=self.node, text=text))

	def announce(self, name: str, data: Mapping[str, JsonValue], *, everyone: bool = False) -> None:
		"""Send a message of the node's own to the job's client, or to everyone, who must know what to do with it."""
		self._publish(NodeMessage(job=self.job.id, node=self.node, name=name, data=dict(data), everyone=everyone))

	def save_image(self, image: Image.Image, prefix: str, *, folder: Folder = 'output', index: int = 0) -> SavedFile:
		"""Save a picture with the workflow in it, and show it at the node."""
		metadata = self.metadata
		saved = self.files.save_image(image, prefix, folder=folder, index=index, metadata=metadata)
		self.show_images(saved)
		return saved

	@property
	def metadata(self) -> dict[str, JsonValue]:
		"""What is to be written into files beside their content: the workflow that makes them, if people want that."""
		if not self.files.metadata:
			return {}
		graph, beside = of_cell(self.node, self.job.prompt, self.job.extra_pnginfo)
		prompt: dict[str, JsonValue] = {'prompt': dict(graph)} if graph else {}
		record: dict[str, JsonValue] = {NAME: self.job.record.model_dump(mode='json')} if self.job.record else {}
		return {**prompt, **beside, **record}

	def show_images(self, *images: SavedFile) -> None:
		"""Show pictures that lie in one of the roots already."""
		self._shown.add(Ui.of_images(*images))

	def show(self, **lists: list[JsonValue]) -> None:
		"""Show something else: JSON lists by name, such as `text=['a', 'b']`."""
		self._shown.add(Ui(lists))
