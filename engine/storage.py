"""Files and models together: what a declaration's file choices stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from engine.catalogue import Catalogue
from engine.declaration import Choice, Input, NodeInfo, Option
from engine.errors import EngineError
from engine.facts import Fact
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

	def options(self, choice: Choice) -> tuple[Option, ...]:
		"""What may be chosen now: the fixed options, or the names of the files that lie there."""
		source, _, kind = choice.files_from.partition(':')
		if source == 'models':
			return self.catalogue.choices(kind)
		if source == 'input':
			return self.files.names('input', kind)
		return choice.options

	def option(self, choice: Choice, value: JsonValue) -> Option | None:
		"""The option that a value stands for; None if it may not be chosen.

		Fixed options compare as Python does, so 1.0 stands for 1. An input file may also be named with its folder:
		`a.png [output]`. Of an `open` choice any text or number may be chosen.
		"""
		if not isinstance(value, str | int | float):
			return None
		source, _, kind = choice.files_from.partition(':')
		try:
			if source == 'models':
				self.catalogue.path(kind, str(value))
				return value
			if source == 'input':
				self.files.find(str(value))
				return value
		except EngineError:
			return value if choice.open else None
		if value in choice.options:
			return choice.options[choice.options.index(value)]
		return value if choice.open else None

	def damage(self, choice: Choice, value: Option) -> str | None:
		"""What is plainly wrong with the chosen model file; None if nothing is."""
		source, _, kind = choice.files_from.partition(':')
		if source != 'models':
			return None
		found = map(self.catalogue.damage, self.catalogue.paths(kind, str(value)))
		return next((damage for damage in found if damage is not None), None)

	def facts(self, choice: Choice, value: Option) -> Mapping[str, Fact]:
		"""What the chosen model file's tensors tell of it; nothing if it is not there or of no known kind."""
		source, _, kind = choice.files_from.partition(':')
		if source != 'models':
			return {}
		try:
			return self.catalogue.facts(self.catalogue.path(kind, str(value)))
		except EngineError:
			return {}

	def described(self, nodes: Sequence[NodeInfo]) -> tuple[NodeInfo, ...]:
		"""The declarations with their file choices filled in as the disk stands now."""
		listed: dict[str, tuple[Option, ...]] = {}

		def fill(item: Input) -> Input:
			choice = item.widget
			if not isinstance(choice, Choice) or not choice.files_from:
				return item
			if choice.files_from not in listed:
				listed[choice.files_from] = self.options(choice)
			return item.model_copy(update={'widget': choice.model_copy(update={'options': listed[choice.files_from]})})

		return tuple(node.model_copy(update={'inputs': tuple(fill(item) for item in node.inputs)}) for node in nodes)
