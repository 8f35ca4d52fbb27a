"""What a job showed, as lists of jobs count it and choose a preview from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from engine.events import Ui
from server.schemas.jobs import JobOutput

VISUAL = frozenset({'images', 'video', 'audio', '3d'})
MODELS = ('obj', 'fbx', 'gltf', 'glb', 'usdz')
TEXTS = ('txt', 'md', 'json')
FLAGS = frozenset({'animated'})
"""Lists that say something of the other lists."""
SHOWN_LETTERS = 1024


@dataclass(frozen=True, slots=True)
class Shown:
	"""One thing that a node showed under a name: a file, or a text."""

	node: str
	media: str
	item: Mapping[str, JsonValue]

	@property
	def is_file(self) -> bool:
		"""Whether it is a file, and not a text of its own."""
		return isinstance(self.item.get('filename'), str)

	@property
	def is_visual(self) -> bool:
		"""Whether people see or hear it."""
		form = str(self.item.get('format') or '')
		return self.is_file and (
			self.media in VISUAL or form.startswith(('video/', 'audio/')) or self._ends_with(MODELS)
		)

	@property
	def is_text_file(self) -> bool:
		"""Whether it is a file of text."""
		return self.is_file and self._ends_with(TEXTS)

	@property
	def is_saved(self) -> bool:
		"""Whether it stays, other than what is only shown."""
		return self.item.get('type') == 'output'

	def output(self) -> JobOutput:
		"""It with the node and the name under which it was shown."""
		return JobOutput.model_validate({**self.item, 'nodeId': self.node, 'mediaType': self.media})

	def _ends_with(self, endings: tuple[str, ...]) -> bool:
		return str(self.item.get('filename', '')).lower().rpartition('.')[2] in endings


def shown(outputs: Mapping[str, Ui]) -> Iterator[Shown]:
	"""Everything that a job's nodes showed."""
	for node, ui in outputs.items():
		for name, items in ui.root.items():
			if name in FLAGS:
				continue
			for item in items:
				if isinstance(item, dict):
					yield Shown(node, name, item)
				elif isinstance(item, str) and item.lower().rpartition('.')[2] in MODELS:
					yield Shown(node, '3d', {'filename': item, 'type': 'output', 'subfolder': ''})
				elif isinstance(item, str) and name == 'text':
					text: dict[str, JsonValue] = {'content': item[:SHOWN_LETTERS]}
					yield Shown(node, 'text', {**text, 'truncated': True} if len(item) > SHOWN_LETTERS else text)


def preview_of(outputs: Mapping[str, Ui]) -> JobOutput | None:
	"""What stands for the whole job: a saved picture before one that is only shown, then a text."""
	things = list(shown(outputs))
	choices = (
		[thing for thing in things if thing.is_visual and thing.is_saved],
		[thing for thing in things if thing.is_visual],
		[thing for thing in things if thing.is_text_file and thing.is_saved],
		[thing for thing in things if 'content' in thing.item and not thing.is_file],
	)
	return next((some[0].output() for some in choices if some), None)
