"""Files and models together: what a declaration's file choices stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.catalogue import Catalogue
from engine.declaration import Choice, Input, NodeInfo
from engine.errors import EngineError
from engine.files import Files
from engine.settings import Settings


@dataclass(frozen=True)
class Storage:
	"""The folders of one run of the program."""

	files: Files
	catalogue: Catalogue

	@classmethod
	def of(cls, settings: Settings) -> Storage:
		"""The folders that the settings name."""
		return cls(Files(settings), Catalogue(settings))

	def options(self, choice: Choice) -> tuple[str, ...]:
		"""What may be chosen now: the fixed options, or the names of the files that lie there."""
		source, _, kind = choice.files_from.partition(':')
		if source == 'models':
			return self.catalogue.names(kind)
		if source == 'input':
			return self.files.names('input', kind)
		return choice.options

	def allows(self, choice: Choice, value: str) -> bool:
		"""Whether a value may be chosen. An input file may also be named with its folder: `a.png [output]`."""
		source, _, kind = choice.files_from.partition(':')
		try:
			if source == 'models':
				self.catalogue.path(kind, value)
				return True
			if source == 'input':
				self.files.find(value)
				return True
		except EngineError:
			return False
		return value in choice.options

	def damage(self, choice: Choice, value: str) -> str | None:
		"""What is plainly wrong with the chosen model file; None if nothing is."""
		source, _, kind = choice.files_from.partition(':')
		return self.catalogue.damage(self.catalogue.path(kind, value)) if source == 'models' else None

	def described(self, nodes: Sequence[NodeInfo]) -> tuple[NodeInfo, ...]:
		"""The declarations with their file choices filled in as the disk stands now."""
		listed: dict[str, tuple[str, ...]] = {}

		def fill(item: Input) -> Input:
			choice = item.widget
			if not isinstance(choice, Choice) or not choice.files_from:
				return item
			if choice.files_from not in listed:
				listed[choice.files_from] = self.options(choice)
			return item.model_copy(update={'widget': choice.model_copy(update={'options': listed[choice.files_from]})})

		return tuple(node.model_copy(update={'inputs': tuple(fill(item) for item in node.inputs)}) for node in nodes)
