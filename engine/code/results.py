"""What a workflow that was run from code gave: values, pictures, files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import JsonValue

from engine.code.handles import Handle
from engine.code.session import Outcome, RunFailed, Session
from engine.errors import NotFound
from engine.formats.document import NamedOutput
from engine.graph import Link, NodeId
from engine.sweep import Cell, SweepTable

if TYPE_CHECKING:
	from PIL import Image

T = TypeVar('T')


@dataclass(frozen=True, repr=False)
class Result:
	"""The results of one run.

	`result[handle]` is the value of an output that was asked for, `result['name']` that of a named output of the workflow.
	Pictures are lists of Pillow's, one for each of the batch; what a node shows is its pictures, or else its texts. Iterating
	gives the names of the outputs.
	"""

	session: Session
	outcome: Outcome
	outputs: Mapping[str, NamedOutput]
	links: Mapping[str, Link]
	sockets: Mapping[Link, str]

	@overload
	def __getitem__(self, key: Handle[T]) -> T: ...
	@overload
	def __getitem__(self, key: str) -> Any: ...
	def __getitem__(self, key: Handle[Any] | str) -> Any:
		"""The value of an output. Raises `NotFound` if it was not asked for, or its node was passed over."""
		if not isinstance(key, str | Handle):
			raise TypeError(f'a result has outputs by name or handle, not by {type(key).__name__}')
		if isinstance(key, str) and key not in self.outputs:
			raise NotFound(f'The workflow has no output {key!r}; it has: {", ".join(self.outputs) or "none"}.')
		link = self.links.get(key) if isinstance(key, str) else key.link
		if link is None:
			node = self.outputs[str(key)].node
			return self.shown(node) or self.texts(node)
		items = self.outcome.values.get(link)
		if not items:
			raise NotFound(f'There is no value of {key!r}: ask for it with run({key!r}).')
		return self._exported(items, self.sockets.get(link, ''))

	def __iter__(self) -> Iterator[str]:
		return iter(self.outputs)

	def __repr__(self) -> str:
		names, files = ', '.join(self.outputs) or 'none', ', '.join(map(str, self.files)) or 'none'
		return f'<Result: outputs {names}; files {files}>'

	@cached_property
	def files(self) -> list[Path]:
		"""Every file that was saved or shown, in the order of the nodes that did it."""
		return [path for ui in self.outcome.shown.values() for path in self.session.files(ui)]

	@property
	def pictures(self) -> list[Image.Image]:
		"""Every picture that was saved or shown."""
		return [picture for node in self.outcome.shown for picture in self.shown(node)]

	def shown(self, node: str) -> list[Image.Image]:
		"""The pictures that a node saved or showed."""
		ui = self.outcome.shown.get(NodeId(node))
		return [] if ui is None else [read_picture(path) for path in self.session.files(ui) if is_picture(path)]

	def texts(self, node: str) -> list[str]:
		"""The texts that a node showed."""
		ui = self.outcome.shown.get(NodeId(node))
		return [] if ui is None else [str(text) for text in ui.root.get('text', ())]

	def raise_failure(self) -> None:
		"""Raise `RunFailed` if the run has failed."""
		if self.outcome.failure is not None:
			raise RunFailed(self.outcome.failure)

	def _exported(self, items: list[object], socket: str) -> object:
		export = self.session.exports.get(socket)
		if export is None:
			return items[0] if len(items) == 1 else items
		made = [export(item) for item in items]
		if all(isinstance(one, list) for one in made):
			return [picture for one in made if isinstance(one, list) for picture in one]
		return made[0] if len(made) == 1 else made

	def _repr_png_(self) -> bytes | None:
		"""The first picture, for notebooks."""
		return png_of(self.pictures[0]) if self.pictures else None


@dataclass(frozen=True, repr=False)
class SweepResult:
	"""The results of a sweep: one for each combination, and all pictures as one with the values at its sides.

	`failure` is the first one, if some combinations failed; their pictures are missing.
	"""

	result: Result
	table: SweepTable

	def __iter__(self) -> Iterator[tuple[dict[str, JsonValue], list[Image.Image]]]:
		"""Each combination of values with its pictures, the last input running fastest."""
		for cell in self.table.cells:
			yield dict(cell.values), self.pictures(cell)

	def __len__(self) -> int:
		return len(self.table.cells)

	def __repr__(self) -> str:
		return f'<SweepResult: {len(self)} combinations>'

	def pictures(self, cell: Cell) -> list[Image.Image]:
		"""The pictures of one combination."""
		return [picture for node in cell.nodes.values() for picture in self.result.shown(node)]

	@property
	def failure(self) -> RunFailed | None:
		"""Why the first combination failed that did."""
		failure = self.result.outcome.failure
		return None if failure is None else RunFailed(failure)

	@property
	def grids(self) -> list[Image.Image]:
		"""The tables of all pictures, one for each node that saves some."""
		return [picture for node in self.table.grids.values() for picture in self.result.shown(node)]

	@property
	def grid(self) -> Image.Image:
		"""The first of them. Raises `NotFound` if the workflow saves no pictures."""
		if not self.grids:
			raise NotFound('This sweep made no pictures to lay out.')
		return self.grids[0]

	def _repr_png_(self) -> bytes | None:
		"""The table, for notebooks."""
		return png_of(self.grids[0]) if self.grids else None


def read_picture(path: Path) -> Image.Image:
	"""A picture, read at once: its file may go."""
	from PIL import Image

	with Image.open(path) as picture:
		picture.load()
		return picture.copy()


def is_picture(path: Path) -> bool:
	"""Whether Pillow reads such files."""
	from PIL import Image

	return path.is_file() and path.suffix.lower() in Image.registered_extensions()


def png_of(picture: Image.Image) -> bytes:
	"""The picture as a PNG file."""
	stream = io.BytesIO()
	picture.save(stream, 'PNG')
	return stream.getvalue()
