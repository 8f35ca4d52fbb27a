"""All that a running node may touch; there is no global to reach for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import JsonValue

from engine.cancel import CancelToken
from engine.events import AnyEvent, Folder, NodePreview, NodeProgress, SavedFile, Ui
from engine.models import ModelRef, ModelStore
from engine.storage import Storage

if TYPE_CHECKING:
	from PIL import Image

T = TypeVar('T')
PREVIEW_SIDE = 512
PREVIEW_QUALITY = 95


@dataclass(frozen=True)
class JobInfo:
	"""What a node may know of the job it runs in.

	`prompt` is the graph as it was submitted and `extra_pnginfo` what goes beside it: both are written into saved
	pictures.
	"""

	id: str
	prompt: Mapping[str, JsonValue] = field(default_factory=dict)
	extra_pnginfo: Mapping[str, JsonValue] = field(default_factory=dict)
	previews: bool = False


class Models:
	"""The model store as one node sees it: waiting for weights ends when the job is cancelled."""

	def __init__(self, store: ModelStore, cancel: CancelToken) -> None:
		self._store = store
		self._cancel = cancel

	def use(self, ref: ModelRef[T]) -> AbstractContextManager[T]:
		"""Lease weights: they are loaded, and stay so at least until the block ends."""
		return self._store.use(ref, cancel=self._cancel)


class Context:
	"""Handed to a node function that asks for it in its first parameter."""

	def __init__(
		self,
		job: JobInfo,
		node: str,
		*,
		models: ModelStore,
		storage: Storage,
		cancel: CancelToken,
		publish: Callable[[AnyEvent], None],
	) -> None:
		self.job = job
		self.node = node
		self.models = Models(models, cancel)
		self.files = storage.files
		self.catalogue = storage.catalogue
		self.cancel = cancel
		self._publish = publish
		self._images: list[SavedFile] = []

	@property
	def ui(self) -> Ui | None:
		"""What the node has shown so far; None if nothing."""
		return Ui(images=tuple(self._images)) if self._images else None

	def progress(self, done: int, total: int, *, phase: str = '') -> None:
		"""Tell how far the node has come, and stop here if the job was cancelled."""
		self._publish(NodeProgress(job=self.job.id, node=self.node, done=done, total=total, phase=phase))
		self.cancel.check()

	def check_cancelled(self) -> None:
		"""Raise `JobCancelled` if the job was cancelled."""
		self.cancel.check()

	def preview(self, image: Image.Image) -> None:
		"""Show a picture of what is being made; it is shrunk to 512 pixels a side at most."""
		if not self.job.previews:
			return
		small = image.convert('RGB')
		small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
		stream = io.BytesIO()
		small.save(stream, 'JPEG', quality=PREVIEW_QUALITY)
		self._publish(NodePreview(job=self.job.id, node=self.node, image=stream.getvalue()))

	def save_image(self, image: Image.Image, prefix: str, *, folder: Folder = 'output', index: int = 0) -> SavedFile:
		"""Save a picture with the workflow in it, and show it at the node."""
		metadata: dict[str, JsonValue] = {}
		if self.job.prompt:
			metadata['prompt'] = dict(self.job.prompt)
		metadata.update(self.job.extra_pnginfo)
		saved = self.files.save_image(image, prefix, folder=folder, index=index, metadata=metadata)
		self._images.append(saved)
		return saved

	def show_images(self, *images: SavedFile) -> None:
		"""Show pictures that lie in one of the roots already."""
		self._images.extend(images)
